# A fleet as CSV: a line for each host and wall, the worst host first.
# SPDX-License-Identifier: MIT
"""A fleet as CSV: a line for each host and wall, the worst host first."""

import csv
import io

COLUMNS = ("host", "state", "group", "status", "answer", "kernel", "cpus", "memory_bytes", "wall", "verdict", "accepted",
           "capacity", "bound", "needed", "unit", "basis", "knob",
           "needed_max")
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BOUNDS = {"≥ ": "at least", "≤ ": "at most"}


def cell(value):
    """A spreadsheet must not take text for a formula (CSV injection)."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    return "'" + value if value.lstrip(" '\"")[:1] in FORMULA else value


def rows_of(host, group, state):
    report = host["report"]
    if not report:
        yield (host["name"], state, group, None, host["detail"]) + (None,) * (len(COLUMNS) - 5)
        return
    first = (host["name"], state, group, report["status"], report["answer"], report["kernel"], report["cpus"], report["memory"])
    for wall in report["walls"]:
        yield first + (wall["name"], wall["verdict"], "yes" if wall["accepted"] else "no", wall["capacity"],
                       BOUNDS.get(wall["sign"], ""), wall["needed"], wall["unit"], wall["method"], wall["knob"],
                       wall["needed_max"])


def write(groups, states):
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for at, group in enumerate(groups, 1):
        for host in group:
            for row in rows_of(host, at, states.get(host["state"], host["state"])):
                rows.writerow([cell(value) for value in row])
    return out.getvalue()
