# Filters that make pages of what a fleet's hosts reported.
# SPDX-License-Identifier: MIT
"""Filters that make pages of what a fleet's hosts reported."""

from ansible_collections.epolltune.epolltune.plugins.plugin_utils import fleet, fleet_csv, fleet_html



def hosts_of(names, variables):
    """What the role fleet registered for these hosts; variables are hostvars."""
    return [fleet.host_of(name, variables[name].get("epolltune_fleet_python"), variables[name].get("epolltune_fleet_check"))
            for name in names]


def fleet_html_page(names, variables):
    groups = fleet.groups_of(hosts_of(names, variables))
    return fleet_html.write(groups, fleet.walls_of(groups), fleet.STATES)


def fleet_csv_page(names, variables):
    return fleet_csv.write(fleet.groups_of(hosts_of(names, variables)), dict(fleet.STATES, reported="checked"))


def fleet_state(name, variables):
    """Of one host: reported, or why there is no report."""
    host = hosts_of([name], variables)[0]
    return {"state": host["state"], "text": fleet.STATES.get(host["state"], host["state"]), "detail": host["detail"]}


class FilterModule:
    """The filters of this collection."""

    def filters(self):
        return {"fleet_html": fleet_html_page, "fleet_csv": fleet_csv_page, "fleet_state": fleet_state}
