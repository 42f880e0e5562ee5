# What is known of each host of a fleet, worst first, from the results of tasks. Pure, and safe with any input.
# SPDX-License-Identifier: MIT
"""What is known of each host of a fleet, worst first, from the results of tasks.

Hosts are not trusted: a report may have any value anywhere. What is not as documented makes the host `damaged`."""

# States of a host without a report, and their names for people.
STATES = {
    "unreachable": "unreachable",
    "no-python": "no Python",
    "missing": "no epolltune",
    "old": "epolltune too old",
    "damaged": "damaged report",
    "refused": "error",
    "unknown": "not checked",
}
STATUS = ("critical", "unknown", "warning", "ok")
VERDICTS = ("short", "unknown", "tight", "ok", "n/a")
LEVELS = ("critical", "warning")
WALLS_MAX, FINDINGS_MAX, TEXT_MAX = 100, 200, 400


def clean(value):
    """Text without characters that are not visible or change the direction of their line."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    text = "".join(c if c.isprintable() else " " if c in "\t\r\n" else "\\u%04x" % ord(c) for c in text[:TEXT_MAX + 1])
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "…"


def number(value):
    """An integer, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 else None


def choice(value, choices):
    if value not in choices:
        raise ValueError("%s is not one of %s" % (clean(value), ", ".join(choices)))
    return value


def capacity_of(wall):
    """The figure of a wall as its report prints it, and the sign before it."""
    measured = number(wall["measured"])
    if wall["method"] == "measured" and measured is not None:
        return measured, "≥ " if wall["at_least"] is True else ""
    return number(wall["limit"]), "≤ " if wall["at_most"] is True else ""


def wall_of(wall):
    capacity, sign = capacity_of(wall)
    return {
        "name": clean(wall["name"]),
        "unit": clean(wall["unit"]),
        "method": clean(wall["method"]),
        "verdict": choice(wall["verdict"], VERDICTS),
        "accepted": wall["accepted"] is True,
        "capacity": capacity,
        "sign": sign,
        "needed": number(wall["needed"]),
        "needed_max": number(wall.get("needed_max")),  # of older versions: none
        "knob": clean(wall["knob"]),
    }


def finding_of(finding):
    return {
        "id": clean(finding["id"]),
        "level": clean(finding["level"]),
        "title": clean(finding["title"]),
        "detail": clean(finding["detail"]),
        "wall": clean(finding["wall"]),
        "proposals": [(clean(each["knob"]), clean(each["current"]), clean(each["proposed"])) for each in finding["proposals"]],
    }


def list_of(value, most):
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value[:most]


def report_of(report):
    """What the page needs of a report. Raises an exception if it is not as documented."""
    host, summary, target = report["host"], report["summary"], report["target"]
    return {
        "status": choice(summary["status"], STATUS),
        "answer": clean(summary["answer"]),
        "time": clean(report["time"]),
        "quick": report["quick"] is True,
        "version": clean(report["version"]),
        "kernel": clean(host["kernel"]),
        "cpus": number(host["cpus"]),
        "memory": number(host["memory_bytes"]),
        "server": clean(report["server"]["asked"]) if report["server"] else "",
        "connections": number(target["connections"]),
        "rate": number(target["rate_per_s"]),
        "role": clean(target["role"]),
        "target": tuple((clean(key), clean(target[key])) for key in sorted(target)),
        "walls": [wall_of(wall) for wall in list_of(report["walls"], WALLS_MAX)],
        "findings": [finding_of(each) for each in list_of(report["findings"], FINDINGS_MAX)
                     if each["level"] in LEVELS and each["accepted"] is not True],
    }


def is_true(result, key):
    return isinstance(result, dict) and bool(result.get(key))


def message_of(result):
    return clean(result.get("msg")) if isinstance(result, dict) else ""


def without_report(name, state, detail):
    return {"name": clean(name), "state": state, "detail": detail, "report": None}


def host_of(name, python, check):
    """A host, from the results of the tasks that look for its Python and check it; either may be undefined (None)."""
    for result in (python, check):
        if is_true(result, "unreachable"):
            return without_report(name, "unreachable", message_of(result))
    if isinstance(python, dict) and python.get("rc") not in (0, None):
        return without_report(name, "no-python", "modules need Python 3.6 or later on the host")
    report = check.get("report") if isinstance(check, dict) else None
    if report:
        try:
            return {"name": clean(name), "state": "reported", "detail": "", "report": report_of(report)}
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            return without_report(name, "damaged", "%s: %s" % (type(error).__name__, clean(error)))
    if isinstance(check, dict) and not is_true(check, "skipped"):
        problem = check.get("problem")
        return without_report(name, problem if problem in list(STATES) else "refused", message_of(check))
    return without_report(name, "unknown", message_of(python))


def status_of(host):
    return host["report"]["status"] if host["report"] else "none"


def binding(wall):
    """How far a wall is from its need: below 1 it is short."""
    if wall["needed"] and wall["capacity"] is not None:
        return wall["capacity"] / wall["needed"]
    return float("inf")


def rank(host):
    """Sorts the worst first: short walls, no report, no verdict, tight walls."""
    order = ("critical", "none", "unknown", "warning", "ok")
    walls = [wall for wall in host["report"]["walls"] if not wall["accepted"]] if host["report"] else []
    short = [wall for wall in walls if wall["verdict"] == "short"]
    return (order.index(status_of(host)), -len(short), min([binding(wall) for wall in short] or [0]),
            -sum(wall["verdict"] == "tight" for wall in walls), list(STATES).index(host["state"]) if not host["report"] else 0)


def likeness(host):
    """Hosts are equal if this is: the machine, the target, each verdict and each proposal, but no figure, which varies."""
    report = host["report"]
    if not report:
        return (host["state"], host["detail"])
    memory = report["memory"]
    return (
        report["status"], report["kernel"], report["cpus"], memory and round(memory / 2 ** 30), report["target"],
        report["server"], report["version"], report["quick"],
        tuple((wall["name"], wall["verdict"], wall["accepted"], wall["needed"] is None) for wall in report["walls"]),
        tuple((each["id"], each["wall"], tuple(each["proposals"])) for each in report["findings"]),
    )


def groups_of(hosts):
    """Lists of equal hosts, the worst first; within a list by name."""
    found = {}
    for host in hosts:
        found.setdefault(likeness(host), []).append(host)
    groups = [sorted(group, key=lambda host: host["name"]) for group in found.values()]
    return sorted(groups, key=lambda group: (min(rank(host) for host in group), group[0]["name"]))


def walls_of(groups):
    """The names of the walls that some host has, the worst first, then in the order of the reports."""
    worst = {}
    for group in groups:
        for host in group:
            for wall in host["report"]["walls"] if host["report"] else ():
                order = VERDICTS.index(wall["verdict"]) if wall["needed"] is not None or wall["verdict"] != "unknown" else 3
                worst[wall["name"]] = min(worst.get(wall["name"], 9), order)
    return sorted((name for name in worst if worst[name] < VERDICTS.index("n/a")), key=worst.get)
