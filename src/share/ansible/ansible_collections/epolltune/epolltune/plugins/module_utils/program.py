# Runs epolltune and judges the JSON that it prints. The rest of Ansible is not needed here.
# SPDX-License-Identifier: MIT
"""Runs epolltune and judges the JSON that it prints."""

import json
import os
import re
import shutil

# The oldest version whose options and JSON the modules know.
MINIMUM = (0, 1, 0)

# The directories where a program may be that the PATH of an SSH session does not have.
DIRECTORIES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The option of epolltune for each option of a module; a flag has no value, a list is joined by commas.
TARGET = (
    ("name", "--target"),
    ("connections", "--connections"),
    ("rate", "--rate"),
    ("stall", "--stall"),
    ("rtt", "--rtt"),
    ("bandwidth", "--bandwidth"),
    ("datagrams", "--datagrams"),
    ("datagram", "--datagram"),
    ("idle", "--idle"),
    ("destinations", "--destinations"),
    ("role", "--role"),
    ("server", "--server"),
    ("backlog", "--backlog"),
    ("peers", "--peers"),
)
EXPERIMENTS = (
    ("probe", "--probe"),
    ("window", "--window"),
    ("in_place", "--in-place"),
    ("family", "--family"),
    ("gentle", "--gentle"),
    ("ignore", "--ignore"),
)
CHECK = EXPERIMENTS + (
    ("quick", "--quick"),
    ("measured", "--measured"),
    ("netns", "--netns"),
    ("observe", "--observe"),
    ("headroom", "--headroom"),
)
APPLY = EXPERIMENTS + (
    ("only", "--only"),
    ("except", "--except"),
    ("set", "--set"),
    ("tight", "--tight"),
    ("allow_lower", "--allow-lower"),
    ("allow_link_reset", "--allow-link-reset"),
    ("confirm", "--confirm"),
    ("persist", "--persist"),
    ("no_proof", "--no-proof"),
)


class Problem(Exception):
    """Why there is no result, in one line. kind is one of
    missing: epolltune is not installed; old: its version is older than MINIMUM;
    damaged: it printed no JSON that this collection knows; refused: it printed an error."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def find(name):
    """The path of the program, which is a name or a path."""
    path = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), DIRECTORIES)))
    if not path:
        raise Problem("missing", "epolltune is not installed: no program %s" % name)
    return path


def text_of(value):
    """One option as epolltune reads it."""
    if isinstance(value, bool):
        raise Problem("refused", "a value is %s: put yes, no, on and off in quotes" % str(value).lower())
    if isinstance(value, dict):
        return ",".join("%s=%s" % (key, text_of(value[key])) for key in sorted(value))
    if isinstance(value, (list, tuple)):
        return ",".join(text_of(each) for each in value)
    return str(value)


def arguments(options, params):
    """The arguments for those parameters that are set."""
    found = []
    for name, option in options:
        value = params.get(name)
        if value is True:
            found.append(option)
        elif value not in (None, False, [], {}):
            found.append("%s=%s" % (option, text_of(value)))
    return found


def first_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:500] if lines else ""


class Program:
    """An installed epolltune. run is a function of a list of arguments: exit status, output, errors, in bytes."""

    def __init__(self, path, run):
        self.path = path
        self.run = run
        self.version = self.check_version()

    def call(self, *args):
        try:
            status, out, err = self.run([self.path] + list(args))
        except OSError as error:
            raise Problem("missing", "%s cannot be run: %s" % (self.path, error.strerror or error))
        return status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def check_version(self):
        status, out, err = self.call("--version")
        numbers = re.match(r"epolltune (\d+)\.(\d+)\.(\d+)", out)
        if status != 0 or not numbers:
            raise Problem("damaged", "%s --version prints no version of epolltune: %s" % (
                self.path, first_line(out) or first_line(err) or "exit status %d" % status))
        if tuple(int(number) for number in numbers.groups()) < MINIMUM:
            raise Problem("old", "%s is epolltune %s; this collection needs %s or later" % (
                self.path, ".".join(numbers.groups()), ".".join(str(number) for number in MINIMUM)))
        return ".".join(numbers.groups())

    def document(self, schema, command, *args):
        """The exit status and the JSON object of a command, as of "epolltune.report/1"."""
        status, out, err = self.call(command, "--format", "json", *args)
        if not out.strip():
            raise Problem("refused", "epolltune %s printed no report (exit status %d): %s" % (
                command, status, first_line(err) or "and no error"))
        try:
            found = json.loads(out)
        except (ValueError, RecursionError) as error:
            raise Problem("damaged", "epolltune %s printed invalid JSON (exit status %d): %s" % (command, status, error))
        said = found.get("schema") if isinstance(found, dict) else None
        if said != schema:
            raise Problem("damaged", "epolltune %s printed JSON of schema %s; this collection reads %s" % (
                command, said, schema))
        return status, found


# Exit statuses follow the monitoring plugins' convention.
STATUS = ("ok", "warning", "critical", "unknown")


def judge_check(report, fail_on):
    """The result of a check: whether it failed, by the verdict that the task asks for."""
    try:
        summary, walls = report["summary"], report["walls"]
        result = {
            "changed": False,
            "status": summary["status"],
            "answer": summary["answer"],
            "short": [wall["name"] for wall in walls if wall["verdict"] == "short" and not wall["accepted"]],
            "tight": [wall["name"] for wall in walls if wall["verdict"] == "tight" and not wall["accepted"]],
            "report": report,
        }
    except (KeyError, TypeError) as error:
        raise Problem("damaged", "the report of epolltune check has no %s" % error)
    if result["status"] not in STATUS:
        raise Problem("damaged", "the report of epolltune check has an unknown status")
    failing = {"never": (), "warning": ("warning", "critical", "unknown"), "critical": ("critical", "unknown")}
    result["failed"] = result["status"] in failing[fail_on]
    result["msg"] = result["answer"]
    return result


def reason_of(document):
    return document.get("reason") or document.get("answer") or document["outcome"]


def judge_apply(document, status):
    """The result of apply or confirm: what was changed, or would be."""
    try:
        outcome, changes, manual = document["outcome"], document["changes"], document["manual"]
        result = {
            "changed": bool(changes) if outcome == "planned" else document["changed"],
            "outcome": outcome,
            "run": document["run"],
            "answer": document["answer"],
            "reason": document["reason"],
            "changes": changes,
            "manual": manual,
            "proof": document["proof"],
            "persisted": document["persisted"],
        }
    except (KeyError, TypeError) as error:
        raise Problem("damaged", "the JSON of epolltune apply has no %s" % error)
    # Status 2: an error also of a run that is in force, as where its files could not be written. Status 3: nothing is
    # known, so nothing was changed.
    result["failed"] = outcome in ("refused", "reverted", "partly reverted") or status >= 2
    said = {
        "planned": "%d changes planned" % len(changes),
        "applied": "applied as run %s" % result["run"],
        "waiting": "applied as run %s; will be rolled back unless confirmed" % result["run"],
        "reverted": "rolled back: %s" % reason_of(document),
        "partly reverted": "rolled back, but not all changes could be: %s" % reason_of(document),
        "nothing to confirm": "no run waits to be confirmed",
    }.get(outcome, reason_of(document))
    if result["failed"] and document["reason"] and document["reason"] not in said:
        said += ", but: " + document["reason"]
    if manual:
        said += "; %d manual step%s left, see manual" % (len(manual), "" if len(manual) == 1 else "s")
    result["msg"] = said
    return result


def judge_rollback(document, status):
    """The result of a rollback. Values that were modified since are skipped; the task does not fail."""
    try:
        skipped = document["conflict"] + document["unreachable"] + document["other_netns"]
        result = {
            "changed": document["changed"],
            "outcome": document["outcome"],
            "run": document["run"],
            "reason": document["reason"],
            "changes": document["changes"],
            "skipped": skipped,
            "failed": document["outcome"] in ("refused", "unfinished") or status >= 2,
        }
    except (KeyError, TypeError) as error:
        raise Problem("damaged", "the JSON of epolltune rollback has no %s" % error)
    result["msg"] = reason_of(document)
    if skipped:
        result["msg"] += "; %d value%s skipped" % (skipped, "" if skipped == 1 else "s")
    return result


def lines_of(change, value):
    """What a change means as lines: of a file its own, of a knob as in sysctl.d."""
    if not value:
        return ""
    if change["kind"] in ("sysctl.d", "link", "udev"):
        return value.rstrip("\n") + "\n"
    return "%s = %s\n" % (change["name"], value)


def diff(changes):
    """For --diff: the running values, and each kind of file, before and after."""
    found = {}
    for change in changes:
        kind = change["kind"] if change["kind"] in ("sysctl.d", "link", "udev") else "running values"
        of = found.setdefault(kind, {"before_header": kind, "after_header": kind, "before": "", "after": ""})
        of["before"] += lines_of(change, change["from"])
        of["after"] += lines_of(change, change.get("became") or change["to"])
    return [found[kind] for kind in sorted(found)]


def reverse(changes):
    """The changes of a run as a rollback makes them."""
    return [dict(change, to=change["from"], became=None, **{"from": change["became"] or change["to"]})
            for change in reversed(changes) if change["state"] in ("done", "intended", "reverting")]


def run_of(history, wanted):
    """The run of a history that is wanted: a number, "last" for the newest that is in force, or None for one that
    is unfinished or waits. None if there is no such run."""
    runs = history["runs"]
    if wanted is None:
        found = [run for run in runs if run["status"] in ("unfinished", "waiting")]
    elif wanted == "last":
        found = [run for run in runs if run["status"] in ("unfinished", "waiting")] or [
            run for run in runs if run["status"] in ("applied", "partly reverted")]
    else:
        found = [run for run in runs if run["run"] == int(wanted)]
    return found[-1] if found else None
