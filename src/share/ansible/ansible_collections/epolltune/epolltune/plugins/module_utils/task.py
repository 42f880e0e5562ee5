# What the modules share: options, the program on this host, and results.
# SPDX-License-Identifier: MIT
"""What the modules share: options, the program on this host, and results."""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.epolltune.epolltune.plugins.module_utils import program

FLAG = {"type": "bool", "default": False}
NAMES = {"type": "list", "elements": "str"}


def make_module(**options):
    """A module with the options that all share, and its own."""
    target = {name: {"type": "str"} for name, option in program.TARGET}
    target["role"]["choices"] = ["server", "proxy"]
    shared = {
        "target": {"type": "dict", "options": target},
        "probe": NAMES,
        "window": {"type": "str"},
        "in_place": FLAG,
        "family": {"type": "str", "choices": ["auto", "4", "6"]},
        "gentle": FLAG,
        "ignore": NAMES,
        "executable": {"type": "str", "default": "epolltune"},
    }
    return AnsibleModule(argument_spec=dict(shared, **options), supports_check_mode=True)


def installed(module):
    """The program that the task names."""
    def run(command):
        return module.run_command(command, encoding=None, handle_exceptions=False)
    return program.Program(program.find(module.params["executable"]), run)


def target_of(module):
    return program.arguments(program.TARGET, module.params["target"] or {})


def finish(module, judge):
    """Ends the task with the result of a function of the program."""
    try:
        result = judge(installed(module))
    except program.Problem as problem:
        module.fail_json(msg=str(problem), problem=problem.kind)
    if result.pop("failed"):
        module.fail_json(**result)
    module.exit_json(**result)
