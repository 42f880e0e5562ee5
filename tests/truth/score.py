"""What a report says, compared with what is true, and the tables."""
import os
import platform
import re
from collections import Counter

import alerts
import cases
import servers

DIRECTIVE = {name: row.connections for name, row in servers.SERVERS.items()}
OWN_LIMIT = "server.max_connections"  # The knob of which each server has a directive.


def verdict(check):
    """What the score needs of a report."""
    report = check["report"]
    if not report:
        return {"status": check["status"], "failed": check["errors"], "command": check["command"], "seconds": check["seconds"]}
    findings = report["findings"]
    return {
        "status": check["status"],
        "answer": report["summary"]["answer"],
        "walls": {wall["name"]: [wall["verdict"], wall["method"], wall["measured"] or wall["limit"], wall["needed"]]
                  for wall in report["walls"] if wall["verdict"] in ("short", "tight")},
        "unknown": [wall["name"] for wall in report["walls"] if wall["verdict"] == "unknown" and wall["needed"] is not None],
        "why": {wall["name"]: wall["detail"] for wall in report["walls"] if wall["verdict"] == "unknown" and wall["needed"] is not None},
        "findings": [{key: each[key] for key in ("id", "level", "wall", "title", "remedy", "knob", "proposals", "tried_state", "advice")}
                     for each in findings if each["level"] != "note"],
        "command": check["command"],
        "seconds": check["seconds"],
    }


def short_walls(of):
    return [name for name, wall in of.get("walls", {}).items() if wall[0] == "short"]


def said(of):
    """The exit status, and each wall that is not ok: what has to be the same in each run."""
    return "failed" in of, of["status"], sorted((name, wall[0]) for name, wall in of.get("walls", {}).items()), sorted(of.get("unknown", ()))


def other_runs(result):
    """The runs that say something else than most of them do."""
    runs = [said(run) for run in result["runs"]]
    usual = max(runs, key=runs.count)
    return [run for run in runs if run != usual]


def finding_of(of, cause):
    return next((each for each in of.get("findings", ()) if each["wall"] == cause["wall"] and each["id"].endswith(".short")), None)


def proposals(of, cause, server):
    """Knob to proposed value, as the cases name them."""
    finding = finding_of(of, cause)
    if not finding:
        return {}
    found = {{OWN_LIMIT: "application.connections"}.get(each["knob"], each["knob"]): each["proposed"]
             for each in finding["proposals"] if each["proposed"]}
    group = re.search(r"write (\S+) to ((?:memory|cpu)\.max)", finding["advice"] or "")
    if not found and group:
        found = {group[2]: group[1]}
    if not found and DIRECTIVE.get(server) and cause["wall"] in ("application.connections", "application.limit"):
        value = re.search(re.escape(DIRECTIVE[server]) + r"[ =]+(\d+)", finding["advice"] or "")
        if value:
            found = {"application.connections": value[1]}
    return {knob: int(value) if re.fullmatch(r"\d+", value) else value for knob, value in found.items()}


def share_of(value, share):
    """A part of a number, of the last of a triple, or of the width of a range."""
    if share == 1 or value == "max":
        return value
    numbers = [int(number) for number in str(value).split()]
    if len(numbers) == 2:
        return f"{numbers[0]} {numbers[0] + max(2, int((numbers[1] - numbers[0] + 1) * share) // 2 * 2) - 1}"
    numbers[-1] = int(numbers[-1] * share)
    return numbers[0] if len(numbers) == 1 else " ".join(map(str, numbers))


def size_of(value):
    """The number of a value, the last of a triple, or the width of a range."""
    if value is None or "max" in str(value) or str(value).startswith("+"):
        return None
    numbers = [int(number) for number in str(value).split()]
    return numbers[1] - numbers[0] + 1 if len(numbers) == 2 else numbers[-1]


def half_reason(result):
    """Why half of a proposal can heal, or None: it is not below what the need takes, as finely as the row of the case knows that."""
    lifted = [knob for knob, (half, _) in result.get("half", {}).items() if half is None]
    if lifted:
        return f"the proposal is no limit of {', '.join(lifted)}"
    halves = {knob: (half, need) for knob, (half, need) in result.get("half", {}).items() if need is not None}
    finest = min(cause["finest"] for cause in truth(result))
    if not halves or any(half <= finest * need for half, need in halves.values()):
        return None
    return "; ".join(f"half of the proposed {knob} is {half}, the need takes {need}" for knob, (half, need) in halves.items())


def truth(result):
    return [cause for cause in result["causes"] if cause["severity"] < 1]


def judged(result, of):
    """Each score of one case: true, false or None where it does not apply."""
    short, real = short_walls(of), truth(result)
    may = {wall for cause in real for wall in cause["may"]}
    walls = {cause["wall"] for cause in real}
    critical = [each["wall"] for each in of.get("findings", ()) if each["level"] == "critical"]
    findings = [finding_of(of, cause) for cause in real]
    return {
        "failed": "failed" in of,
        "accused": [wall for wall in short if wall not in walls and wall not in may],
        "found": [cause["wall"] for cause in real if cause["wall"] in short],
        "first": (bool(critical) and critical[0] in walls | may) if real else None,
        "owner": all(each and each["remedy"] == cause["owner"] for each, cause in zip(findings, real)) if real else None,
        "knob": all(knob_right(each, cause, result["server"]) for each, cause in zip(findings, real)) if real else None,
        "critical": [wall or "no wall" for wall in critical if wall not in walls | may],
        "tight": [name for name in of.get("walls", {}) if name not in short] if is_ample(result) else [],
        "status": of.get("status") in statuses(result),
    }


def is_ample(result):
    """Whether no wall may be tight."""
    return all(cause["ample"] for cause in result["causes"])


def statuses(result):
    """Those that are right."""
    if truth(result):
        return (2,)
    queued = any(result["server"] in cause["queued"] for cause in result["causes"])
    return (0,) + (1,) * (not is_ample(result)) + (3,) * queued


def knob_right(finding, cause, server):
    if not finding:
        return False
    advice, proposed = finding["advice"] or "", [each["knob"] for each in finding["proposals"]]
    if cause["wall"].startswith("cgroup."):
        return cause["knob"] in advice
    if cause["knob"]:
        return cause["knob"] in (finding["knob"], *proposed)
    return OWN_LIMIT in proposed or bool(re.search(rf"(?<![\w-]){re.escape(DIRECTIVE[server])}(?![\w-])", advice))


def wrong(result):
    """Why the case is not right, or None. A case that was left out is not wrong."""
    if "failed" in result:
        return "failed: " + result["failed"]
    if "left_out" in result:
        return None
    failed = [run["failed"] for run in result["runs"] if "failed" in run]
    if failed:
        return f"no report in {len(failed)} of {len(result['runs'])} runs: {failed[0]}"
    of = judged(result, result["verdict"])
    missed = {cause["wall"] for cause in truth(result)} - set(of["found"])
    reasons = [f"missed {wall}" for wall in sorted(missed)] + [f"accused {wall}" for wall in of["accused"]]
    reasons += [f"not the right {each}" for each in ("first", "owner", "knob") if of[each] is False and not missed]
    reasons += [f"critical, and not short: {wall}" for wall in of["critical"] if wall not in of["accused"]]
    reasons += [f"tight: {wall}" for wall in of["tight"]]
    reasons += [f"exit status {result['verdict']['status']}"] * (not of["status"] and not reasons)
    if result.get("healed") is False:
        reasons.append("not healed by the proposal")
    if other_runs(result):
        reasons.append(f"other verdicts in {len(other_runs(result))} of {len(result['runs'])} runs")
    return "; ".join(reasons) or None


def line(result):
    if "left_out" in result:
        return f"left out   {result['id']}: {result['left_out']}"
    reason = wrong(result)
    return f"{'WRONG' if reason else 'right':10} {result['id']}{': ' + reason if reason else ''}"


def ratio(of, all_of):
    return f"{of}/{all_of}" + (f" ({of / all_of:.3f})" if all_of else "")


# Name of a score to the least that it has to be.
GOALS = {
    "right wall first": 0.98,
    "recall: short walls that are found": 0.98,
    "precision: walls called SHORT that are short": 0.99,
    "right owner": 0.98,
    "right knob": 0.98,
    "short walls: exit status 2": 0.98,
    "no critical finding but of what is short": 0.99,
    "capacity 1.1 or 1.5 of the need: no wall called SHORT": 0.98,
    "capacity above the need: exit status 0 or 1": 0.98,
    "capacity 1.5 of the need or more: exit status 0, no wall tight": 0.98,
    "healthy hosts: no wall called SHORT": 1,
    "healthy hosts: exit status 0, no wall tight": 0.98,
    "healed by the proposal": 1,
    "not healed by half of it": 0,
    "not healed by half of it, where a case with that little is short": 0.98,
    "the same verdicts and status in each run of a case": 0.98,
    "runs with the usual ones of their case": 0.98,
}
OF_REPEATS = tuple(GOALS)[-2:]


def scores(results, key="verdict"):
    """Name to (right, of all) over the kept cases."""
    kept = [result for result in results if key in result]
    each = [(result, judged(result, result[key])) for result in kept]
    short = [(result, of) for result, of in each if truth(result)]
    healthy = [(result, of) for result, of in each if not result["causes"]]
    # --quick has no report of --run.
    enough = [(result, of) for result, of in each if result["causes"] and not truth(result) and not (key == "quick" and of["failed"])]
    causes = sum(len(truth(result)) for result, _ in short)
    found = sum(len(of["found"]) for _, of in short)
    accused = sum(len(of["accused"]) for _, of in each)
    ample = [(result, of) for result, of in enough if is_ample(result)]
    counts = [
        (sum(of["first"] for _, of in short), len(short)),
        (found, causes),
        (found, found + accused),
        (sum(of["owner"] for _, of in short), len(short)),
        (sum(of["knob"] for _, of in short), len(short)),
        (sum(of["status"] for _, of in short), len(short)),
        (sum(not of["critical"] for _, of in each), len(each)),
        (sum(not of["accused"] and not of["failed"] for _, of in enough), len(enough)),
        (sum(result[key].get("status") in {0, 1, *statuses(result)} for result, _ in enough), len(enough)),
        (sum(of["status"] and not of["tight"] for _, of in ample), len(ample)),
        (sum(not of["accused"] and not of["failed"] for _, of in healthy), len(healthy)),
        (sum(of["status"] and not of["tight"] for _, of in healthy), len(healthy)),
    ]
    if key == "verdict":
        tried = [result for result in kept if "healed" in result]
        counts.append((sum(result["healed"] for result in tried), len(tried)))
        tried = [result for result in tried if result["healed"] and "healed_by_half" in result]
        below = [result for result in tried if not half_reason(result)]
        counts += [(sum(not result["healed_by_half"] for result in of), len(of)) for of in (tried, below)]
        again = [result for result in kept if len(result["runs"]) > 1]
        counts.append((sum(not other_runs(result) for result in again), len(again)))
        runs = sum(len(result["runs"]) for result in again)
        counts.append((runs - sum(len(other_runs(result)) for result in again), runs))
    table = dict(zip(GOALS, counts))
    return {name: count for name, count in table.items() if name not in OF_REPEATS or count[1]}


def missed(results, every):
    """A line for each goal that is not met. every: each goal needs cases; else those that have some count."""
    lines = []
    for name, (right, of) in scores(results).items():
        if of and right / of < GOALS[name]:
            lines.append(f"goal missed: {name}: {ratio(right, of)}, the goal is {GOALS[name]:.2f}")
        elif every and not of and GOALS[name]:
            lines.append(f"goal missed: {name}: no case, the goal is {GOALS[name]:.2f}")
    failed = sum("failed" in result for result in results)
    if failed:
        lines.append(f"goal missed: cases with a result: {ratio(len(results) - failed, len(results))}, the goal is all")
    return lines


def rival_rows(results):
    """Rival to (healed, of, healthy hosts changed, of, hosts without a fault harmed), where the oracle knows."""
    rows = {}
    for result in results:
        for rival, of in result.get("rivals", {}).items():
            row = rows.setdefault(rival, [0, 0, 0, 0, 0])
            if of.get("harmed") not in (True, False) and (truth(result) or of["changes"]):
                continue
            if truth(result):
                row[0] += of["harmed"] is False
                row[1] += 1
            else:
                row[2] += of["changes"] > 0
                row[3] += 1
                row[4] += of.get("harmed") is True
    return rows


def names_a_wall(result):
    """Of what is true, where a wall is short; else any."""
    short, real = short_walls(result["verdict"]), truth(result)
    return any(wall in (cause["wall"], *cause["may"]) for wall in short for cause in real) if real else bool(short)


def alert_rows(results):
    """Rules to (hosts with harmed clients on which one fires, of, hosts without on which one fires, of)."""
    results = [result for result in results if "verdict" in result and "alerts" in result]
    short = [result for result in results if truth(result)]
    healthy = [result for result in results if not truth(result)]
    fired = {name: (lambda result, name=name: name in result["alerts"]) for name in alerts.RULES}
    fired = {"`check`, before the load": names_a_wall} | fired
    return {name: (sum(map(fires, short)), len(short), sum(map(fires, healthy)), len(healthy)) for name, fires in fired.items()} if results else {}


def healed_by_half(results):
    """Those where half of the proposal should not do."""
    return [result for result in results if result.get("healed") and result.get("healed_by_half") and not half_reason(result)]


def left_out(results):
    """Reason to the number of cases, by wall."""
    found = {}
    for result in results:
        if "left_out" in result:
            found.setdefault(result["id"].split("/")[0], []).append(result)
    return found


def markdown(results):
    """Both tables."""
    full, quick = scores(results), scores(results, "quick")
    lines = ["| score | `check` | `check --quick` |", "| --- | --- | --- |"]
    is_quick = any("quick" in result for result in results)
    lines += [f"| {name} | {ratio(*count)} | {ratio(*quick[name]) if is_quick and name in quick else '-'} |" for name, count in full.items()]
    rows = rival_rows(results)
    if rows:
        healed = [result for result in results if "healed" in result and result.get("rivals")]
        healthy = [result for result in results if "verdict" in result and not truth(result) and result.get("rivals")]
        lines += ["", "| on the same cases | short walls healed | hosts without a fault that it changes | of them harmed |", "| --- | --- | --- | --- |"]
        accused = sum(bool(short_walls(result["verdict"])) for result in healthy)
        lines += [f"| epolltune's proposal | {ratio(sum(r['healed'] for r in healed), len(healed))} | {ratio(accused, len(healthy))} | {'not tried' if accused else 0} |"]
        lines += [f"| {rival} | {ratio(row[0], row[1])} | {ratio(row[2], row[3])} | {row[4]} |" for rival, row in rows.items()]
    rows = alert_rows(results)
    if rows:
        lines += ["", "| while the clients load it | fires where clients are harmed | fires where none is |", "| --- | --- | --- |"]
        lines += [f"| {name} | {ratio(row[0], row[1])} | {ratio(row[2], row[3])} |" for name, row in rows.items()]
    return "\n".join(lines)


def table(results):
    out = [markdown(results), ""]
    kept = [result for result in results if "verdict" in result]
    by_kind = {}
    for result in results:
        wall, owner = result["id"].split("/")[:2]
        kind = by_kind.setdefault(wall if wall in ("healthy", "two") else f"{wall}, {owner}", [0, 0, 0])
        kind[0] += 1
        kind[1] += "verdict" in result
        kind[2] += bool(wrong(result))
    out += [f"{name:40} {of[0]:4} cases, {of[1]:4} kept, {of[2]:3} wrong" for name, of in sorted(by_kind.items())]
    out += [f"{'all':40} {len(results):4} cases, {len(kept):4} kept, {sum(bool(wrong(r)) for r in results):3} wrong", ""]
    for kind, those in left_out(results).items():
        out += [f"left out, {kind}: {len(those)}"] + [f"  {each['id']}: {each['left_out']}" for each in those]
    out += [f"other verdicts in {len(other_runs(result))} of {len(result['runs'])} runs: {result['id']}: {other_runs(result)}"
            for result in kept if other_runs(result)]
    healed = [result for result in kept if result.get("healed_by_half")]
    out += ["healed by half of the proposal: " + str(len(healed))] * bool(healed)
    out += [f"  {result['id']}: {half_reason(result) or 'a case with that little is short: ' + str(result.get('half'))}" for result in healed]
    out += [f"WRONG {result['id']}: {wrong(result)}" for result in results if wrong(result)]
    return "\n".join(out)


BEGIN, END = "<!-- made by make truth -->", "<!-- end of what make truth made -->"
AGAIN = ("| by | of the program | cases | the same verdicts and status in each run | runs with the usual ones of their case |\n"
         "| --- | --- | --- | --- | --- |\n")


def kind_of(name):
    first, second = name.split("/")[:2]
    return f"{first} in a machine" if "machine-" in name else f"two: {second}" if first == "two" else first


def readme_write(path, command, program, results, every):
    """Replaces what is between the two marks. results: of one program, as command made them; every: all cases that there are."""
    before, rest = path.read_text().split(BEGIN, 1)
    kept = [result for result in results if "verdict" in result]
    planted, failed = sum(bool(result["causes"]) for result in kept), sum("failed" in result for result in results)
    which = f"all {len(every)} cases" if len(results) == len(every) else f"{len(results)} of {len(every)} cases, not all"
    head = (f"By `{command}`, of the program {program}: {which}, on {os.cpu_count()} CPUs and Linux "
            f"{platform.release().split('-')[0]}. The clients confirmed {len(kept)}: {planted} with a planted value or two, {len(kept) - planted} healthy hosts. Left out, as "
            f"they did not: {sum('left_out' in result for result in results)}." + f" Without a result: {failed}." * bool(failed))
    of_kind, run = Counter(kind_of(case["id"]) for case in every), Counter(kind_of(result["id"]) for result in kept)
    kinds = "Confirmed, of all that there are: " + ", ".join(f"{kind} {run[kind]}/{all_of}" for kind, all_of in of_kind.items()) + "."
    goals = "\n".join(f"- {line}" for line in missed(results, len(results) == len(every))) or "Each goal is met."
    cases_wrong = "\n".join(f"- `{result['id']}`: {wrong(result).splitlines()[0]}" for result in results if wrong(result))
    if cases_wrong:
        goals += "\n\nNot right:\n\n" + cases_wrong
    halves = "\n".join(f"- `{result['id']}`: " + "; ".join(f"{knob} {half}, the need takes {need}" for knob, (half, need) in result["half"].items())
                       for result in healed_by_half(kept))
    if halves:
        goals += "\n\nHealed by half of the proposal, though a case with that little is short:\n\n" + halves
    path.write_text(f"{before}{BEGIN}\n{head}\n\n{kinds}\n\n{markdown(results)}\n\n{goals}\n{END}{rest.split(END, 1)[1]}")


def readme_write_again(path, command, program, results):
    """Replaces the row of that command in the table of cases that were checked several times, or adds it."""
    before, rest = path.read_text().split(AGAIN, 1)
    rows = rest[:re.match(r"(\|.*\n)*", rest).end()]
    after = rest[len(rows):]
    kept = [result for result in results if "verdict" in result]
    of = scores(results)
    row = f"| `{command}` | {program} | {len(kept)} | " + " | ".join(ratio(*of[name]) for name in OF_REPEATS) + " |\n"
    rows = [row if line.startswith(f"| `{command}` |") else line for line in rows.splitlines(True)]
    path.write_text(before + AGAIN + "".join(rows if row in rows else [*rows, row]) + after)
