#!/usr/bin/python
# Checks which limits bind on a host for a load. Changes nothing.
# SPDX-License-Identifier: MIT
"""Checks which limits bind on a host for a load."""

DOCUMENTATION = r"""
module: check
short_description: Check which limits of a host bind for a load
description:
  - Runs C(epolltune check) on the host and returns its report.
  - It measures in private namespaces, changes nothing and needs no privilege. As root it also sees the processes
    of other users, and measures on kernels before Linux 6.11.
version_added: 0.1.0
author: the epolltune authors (@epolltune)
extends_documentation_fragment: epolltune.epolltune.program
options:
  quick:
    description: Read the settings only, in milliseconds, and run no experiment.
    type: bool
    default: false
  measured:
    description: The status is unknown if the target needs a wall whose experiment was due and is missing.
    type: bool
    default: false
  netns:
    description: Another network namespace of the host, by its path, its name or a pid in it.
    type: str
  observe:
    description: Take the target from the load of I(target.server), which is observed for that time, such as C(60s).
    type: str
  headroom:
    description: With I(observe), check for that many times the observed load.
    type: str
  fail_on:
    description:
      - The task fails if the host is not ready, by the status of the report.
      - C(critical) fails with a wall that is short, a server that drops clients, or without a verdict; C(warning) also
        if a wall is tight.
    type: str
    choices: [never, warning, critical]
    default: never
attributes:
  check_mode:
    description: Checking changes nothing in any mode.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
"""

EXAMPLES = r"""
- name: Check all walls for bursts of 50 000 new connections a second
  epolltune.epolltune.check:
    target:
      rate: 50k
  register: checked

- name: Stop if a wall of nginx is short
  epolltune.epolltune.check:
    target:
      name: c100k
      server: nginx
    fail_on: critical
  become: true
"""

RETURN = r"""
status:
  description: ok, warning, critical or unknown.
  returned: if there is a report
  type: str
  sample: critical
answer:
  description: The answer in a sentence.
  returned: if there is a report
  type: str
  sample: "Not ready: 1 wall is short: accept-queue."
short:
  description: The names of the walls that are short, without those that are accepted.
  returned: if there is a report
  type: list
  elements: str
  sample: [accept-queue]
tight:
  description: The names of the walls that are tight, without those that are accepted.
  returned: if there is a report
  type: list
  elements: str
  sample: []
report:
  description: The report as epolltune-check(1) describes it.
  returned: if there is a report
  type: dict
problem:
  description:
    - Why there is no report. C(missing), epolltune is not installed; C(old), it is too old; C(damaged), it printed no JSON
      that this collection knows; C(refused), it printed an error.
  returned: if there is no report
  type: str
  sample: missing
"""

from ansible_collections.epolltune.epolltune.plugins.module_utils import program, task


def main():
    module = task.make_module(
        quick=task.FLAG,
        measured=task.FLAG,
        netns={"type": "str"},
        observe={"type": "str"},
        headroom={"type": "str"},
        fail_on={"type": "str", "choices": ["never", "warning", "critical"], "default": "never"},
    )

    def check(epolltune):
        status, report = epolltune.document(
            "epolltune.report/1", "check", *(task.target_of(module) + program.arguments(program.CHECK, module.params)))
        return program.judge_check(report, module.params["fail_on"])

    task.finish(module, check)


if __name__ == "__main__":
    main()
