#!/usr/bin/python
# Applies the settings that a check recommends, confirms them, or rolls them back.
# SPDX-License-Identifier: MIT
"""Applies the settings that a check recommends, confirms them, or rolls them back."""

DOCUMENTATION = r"""
module: apply
short_description: Apply recommended kernel settings, confirm them, or roll them back
description:
  - Runs C(epolltune apply), C(confirm) or C(rollback) on the host. Each change is journalled before it is made, proved by
    the same experiment, and rolled back if it does not improve its wall.
  - With I(confirm) the host itself rolls the changes back after that time, also when the network is lost, unless a later
    task has I(state=confirmed).
  - A second task with the same options changes nothing.
version_added: 0.1.0
author: the epolltune authors (@epolltune)
extends_documentation_fragment: epolltune.epolltune.program
options:
  state:
    description:
      - C(applied) makes the changes that the walls of the host need. It fails if they are refused or rolled back, or if a
        wall that the target needs has no verdict, and warns if the host is not ready and epolltune can change nothing.
      - C(confirmed) keeps the changes of a run that waits. It fails if the host has rolled the run back.
      - C(rolled_back) restores the values before a run. Values that were modified since are skipped, with a warning.
    type: str
    choices: [applied, confirmed, rolled_back]
    default: applied
  confirm:
    description: Roll the changes back after this time, C(1s) to C(24h), unless they are confirmed.
    type: str
  run:
    description:
      - The run to confirm or to roll back, as another task returned it; C(last) rolls back the newest that is in force, and
        each repetition an earlier one.
      - Without it only a run that waits or is unfinished is meant.
    type: str
  persist:
    description: Also write the changes to files for the next boot; with I(confirm) only once they are confirmed.
    type: bool
    default: false
  only:
    description: Change only these knobs.
    type: list
    elements: str
  except:
    description: Do not change these knobs.
    type: list
    elements: str
  set:
    description: Set these values instead of those that C(epolltune check) proposes; a value that YAML reads as yes or no
      needs quotes.
    type: dict
  tight:
    description: Make changes for tight walls too.
    type: bool
    default: false
  allow_lower:
    description: Allow I(set) to lower a value.
    type: bool
    default: false
  allow_link_reset:
    description: Allow changes of rings and channels, for which most drivers briefly take the link down.
    type: bool
    default: false
  no_proof:
    description: Do not run the probes again after the changes.
    type: bool
    default: false
  force:
    description: With I(state=rolled_back), overwrite values that were modified since the run.
    type: bool
    default: false
  state_dir:
    description: The directory of the journal on the host.
    type: path
attributes:
  check_mode:
    description: Runs the check, plans the changes and makes none.
    support: full
  diff_mode:
    description: Shows the values and the lines of files before and after.
    support: full
"""

EXAMPLES = r"""
- name: Apply what the load needs; rolled back in five minutes unless confirmed
  epolltune.epolltune.apply:
    target:
      rate: 50k
    confirm: 300s
    persist: true
  become: true
  register: applied

- name: Restart the server, as listen() reads net.core.somaxconn
  ansible.builtin.service:
    name: nginx
    state: restarted
  become: true
  when: applied.changed

- name: Keep it
  epolltune.epolltune.apply:
    state: confirmed
    run: "{{ applied.run }}"
  become: true
  when: applied.outcome == 'waiting'

- name: Roll back a run
  epolltune.epolltune.apply:
    state: rolled_back
    run: "{{ applied.run }}"
  become: true
"""

RETURN = r"""
outcome:
  description: The outcome as epolltune-apply(1) and epolltune-rollback(1) describe it.
  returned: if there is JSON
  type: str
  sample: waiting
run:
  description: The number of the run in the journal of the host, or null.
  returned: if there is JSON
  type: int
  sample: 1
answer:
  description: Whether the host was ready for the target when the plan was made.
  returned: with state applied
  type: str
  sample: "Not ready: 1 wall is short: accept-queue."
reason:
  description: Why it was refused or rolled back, or why a host that is not ready leads to no change.
  returned: if there is JSON
  type: str
changes:
  description: The changes, in check mode the planned ones.
  returned: if there is JSON
  type: list
  elements: dict
manual:
  description: Manual steps that remain, as for the limits of a process or an application.
  returned: with states applied and confirmed
  type: list
  elements: dict
proof:
  description: The walls before and after.
  returned: with state applied
  type: dict
persisted:
  description: The lines of files, and whether they survive a reboot.
  returned: with states applied and confirmed
  type: list
  elements: dict
skipped:
  description: How many values were not restored, as they were modified since or are not accessible.
  returned: with state rolled_back
  type: int
problem:
  description: Why there is no JSON, as of M(epolltune.epolltune.check).
  returned: if there is no JSON
  type: str
  sample: missing
"""

from ansible_collections.epolltune.epolltune.plugins.module_utils import program, task


def journal_of(module):
    return program.arguments((("state_dir", "--state-dir"),), module.params)


def apply(module, epolltune):
    args = task.target_of(module) + program.arguments(program.APPLY, module.params) + journal_of(module)
    args.append("--dry-run" if module.check_mode else "--yes")
    status, document = epolltune.document("epolltune.apply/2", "apply", *args)
    result = program.judge_apply(document, status)
    if result["changed"]:
        result["diff"] = program.diff(result["changes"])
    elif result["answer"] and result["reason"] and not result["failed"]:
        module.warn("%s %s" % (result["answer"], result["reason"]))
    return result


def wanted_run(module, epolltune):
    """The run that the task means, as the journal has it."""
    status, history = epolltune.document("epolltune.history/2", "history", *journal_of(module))
    wanted = module.params["run"] or None
    run = program.run_of(history, wanted)
    if not run and wanted not in (None, "last"):
        raise program.Problem("refused", "no run %s in the journal of this host" % wanted)
    return run


def nothing(outcome, run=None):
    """A result without changes; its number is that of the run that needs none."""
    return {"changed": False, "failed": False, "outcome": outcome, "run": run and run["run"], "reason": None,
            "changes": [], "msg": outcome}


def confirm(module, epolltune):
    run = wanted_run(module, epolltune)
    if module.params["run"] and run["status"] == "applied":
        return nothing("nothing to confirm", run)
    if run and run["status"] != "waiting":
        raise program.Problem("refused", "run %d cannot be confirmed: %s%s" % (
            run["run"], run["status"], run["reason"] and ": " + run["reason"]))
    if module.check_mode:
        return dict(nothing("nothing to confirm"), **({"changed": True, "outcome": "waiting", "run": run["run"]} if run else {}))
    args = journal_of(module) + program.arguments((("persist", "--persist"),), module.params)
    status, document = epolltune.document("epolltune.apply/2", "confirm", *args)
    return program.judge_apply(document, status)


def roll_back(module, epolltune):
    run = wanted_run(module, epolltune)
    if not run or run["status"] == "reverted":
        return nothing("nothing to roll back", run)
    undone = program.reverse(run["changes"])
    if module.check_mode:
        result = dict(nothing(run["status"], run), changed=bool(undone), changes=run["changes"])
    else:
        args = journal_of(module) + (["--force"] if module.params["force"] else []) + [str(run["run"])]
        status, document = epolltune.document("epolltune.rollback/2", "rollback", *args)
        result = program.judge_rollback(document, status)
        restored = {(change["kind"], change["name"]) for change in document["changes"] if change["state"] == "reverted"}
        undone = [change for change in undone if (change["kind"], change["name"]) in restored]
        if result["skipped"]:
            module.warn("run %d: %s" % (run["run"], result["msg"]))
    if result["changed"]:
        result["diff"] = program.diff(undone)
    return result


def main():
    module = task.make_module(**{
        "state": {"type": "str", "choices": ["applied", "confirmed", "rolled_back"], "default": "applied"},
        "confirm": {"type": "str"},
        "run": {"type": "str"},
        "persist": task.FLAG,
        "only": task.NAMES,
        "except": task.NAMES,
        "set": {"type": "dict"},
        "tight": task.FLAG,
        "allow_lower": task.FLAG,
        "allow_link_reset": task.FLAG,
        "no_proof": task.FLAG,
        "force": task.FLAG,
        "state_dir": {"type": "path"},
    })
    run = module.params["run"]
    if run and run != "last" and not run.isdigit():
        module.fail_json(msg="run is a number or last, not %s" % run, problem="refused")
    if run == "last" and module.params["state"] != "rolled_back":
        module.fail_json(msg="run: last is for state: rolled_back only", problem="refused")
    act = {"applied": apply, "confirmed": confirm, "rolled_back": roll_back}[module.params["state"]]
    task.finish(module, lambda epolltune: act(module, epolltune))


if __name__ == "__main__":
    main()
