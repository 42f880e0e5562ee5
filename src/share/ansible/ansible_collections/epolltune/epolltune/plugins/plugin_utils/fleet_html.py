# A fleet as one HTML page without scripts, and without anything from elsewhere.
# SPDX-License-Identifier: MIT
"""A fleet as one HTML page without scripts, and without anything from elsewhere."""

from html import escape

# Colours of text and of its background, for light and dark.
PALETTE = {
    "page": (("#1b1f24", "#ffffff"), ("#e6e9ed", "#14171a")),
    "quiet": (("#57606a", "#ffffff"), ("#a9b1ba", "#14171a")),
    "critical": (("#86061d", "#ffe3e6"), ("#ffc9cf", "#5a0f1c")),
    "warning": (("#6b4300", "#fff1cc"), ("#ffe1a0", "#4a3300")),
    "unknown": (("#40464d", "#e6e9ed"), ("#d5dae0", "#343a41")),
    "ok": (("#0d5524", "#ddf4e3"), ("#a9e6bb", "#123a1f")),
}
CLASS = {"short": "critical", "tight": "warning", "unknown": "unknown", "ok": "ok", "n/a": "quiet"}
STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 90rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; } p { margin: .3rem 0; } ul { padding-left: 1.2rem; }
.scroll { overflow-x: auto; background: inherit; } main { background: inherit; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid #8a929b; padding: .3rem .5rem; text-align: left; vertical-align: top; overflow-wrap: normal; }
thead th { font-weight: 600; white-space: nowrap; }
thead th:first-child, tbody th { position: sticky; left: 0; background: inherit; }
thead tr, tbody tr { background: inherit; } table, thead, tbody { background: inherit; }
tbody th { min-width: 9rem; max-width: 22rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) { tbody th { min-width: 6rem; max-width: 8rem; } }
td b, td span { display: block; white-space: nowrap; }
td.note { overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: .95em; }
a { color: inherit; }
@media print { body { max-width: none; padding: 0; } section { break-inside: avoid; } }
"""

MULTIPLES = {
    "B": (1024, ("B", "KiB", "MiB", "GiB", "TiB")),
    "B/s": (1000, ("B/s", "kB/s", "MB/s", "GB/s", "TB/s")),
    "us": (1000, ("us", "ms", "s")),
}


def style():
    lines = []
    for scheme, wrap in ((0, "%s"), (1, "@media (prefers-color-scheme: dark) { %s }")):
        rules = " ".join("%s { color: %s; background: %s; }" % ("body" if name == "page" else "." + name, *PALETTE[name][scheme])
                         for name in PALETTE)
        lines.append(wrap % rules)
    return STYLE + "\n".join(lines) + "\n"


def amount(value, unit):
    """A quantity as the reports print it."""
    if value is None:
        return "unknown"
    if value > 1 << 62:
        return "no limit"
    if unit in MULTIPLES:
        step, names = MULTIPLES[unit]
        at = 0
        while value >= step and at < len(names) - 1:
            value, at = value / step, at + 1
        return "%s %s" % (("%.3g" % value if value < 999.5 else "%.0f" % value), names[at])
    text = "{:,}".format(value).replace(",", "\u202f")
    return "%s %s" % (text, unit) if unit == "%" else text


def span(values, unit):
    """A quantity of equal hosts: the minimum and maximum where they differ, of (value, sign)."""
    low, high = (sign + amount(value, unit) for value, sign in (min(values), max(values)))
    return low if low == high else "%s to %s" % (low, high)


def said_by(group, of):
    """What equal hosts say; where they differ, what the first says, by its name."""
    first = of(group[0])
    if all(of(host) == first for host in group):
        return first
    return "%s (on %s; different on others)" % (first, group[0]["name"])


def names_of(group):
    return ", ".join(host["name"] for host in group)


def wall_cell(group, name):
    walls = [wall for host in group for wall in host["report"]["walls"] if wall["name"] == name]
    if not walls or walls[0]["verdict"] == "n/a":
        return '<td class="quiet">n/a</td>'
    first = walls[0]
    values = [(wall["capacity"], wall["sign"]) for wall in walls if wall["capacity"] is not None]
    said = first["verdict"].upper() if first["verdict"] == "short" else first["verdict"]
    if first["accepted"]:
        said += " (accepted)"
    figure = span(values, first["unit"]) if values else "no figure"
    needs = [(wall[end], "") for wall in walls for end in ("needed", "needed_max") if wall[end] is not None]
    needed = " of " + span(needs, first["unit"]) if needs else ""
    if first["verdict"] == "unknown" and first["needed"] is None:
        return '<td class="quiet">unknown</td>'
    return '<td class="%s"><b>%s</b><span>%s</span></td>' % (
        "unknown" if first["accepted"] else CLASS[first["verdict"]], escape(said), escape(figure + needed))


def row(at, group, walls, states):
    first = group[0]
    count = '<span class="quiet">%d equal</span>' % len(group) if len(group) > 1 else ""
    head = '<tr><th scope="row"><a href="#group-%d">%s</a>%s</th>' % (at, escape(names_of(group)), count and "<br>" + count)
    if not first["report"]:
        return '%s<td class="unknown note" colspan="%d"><b>%s</b> %s</td></tr>' % (
            head, max(1, len(walls)), escape(states[first["state"]]), escape(first["detail"]))
    return head + "".join(wall_cell(group, name) for name in walls) + "</tr>"


def finding_item(group, at):
    def text(key):
        return escape(said_by(group, lambda host: host["report"]["findings"][at][key]))

    finding = group[0]["report"]["findings"][at]
    proposals = "".join("<br><code>%s</code> %s → <b>%s</b>" % (escape(knob), escape(now) or "unknown", escape(then))
                        for knob, now, then in finding["proposals"])
    return '<li><span class="%s">%s</span> <code>%s</code>: %s<br><span class="quiet">%s</span>%s</li>' % (
        escape(finding["level"]), escape(finding["level"]), escape(finding["id"]), text("title"), text("detail"), proposals)


def section(at, group, states):
    first, report = group[0], group[0]["report"]
    lines = ['<section id="group-%d"><h2>%s</h2>' % (at, escape(names_of(group)))]
    if not report:
        lines.append("<p><b>%s</b> %s</p>" % (escape(states[first["state"]]), escape(first["detail"])))
    else:
        memory = "unknown" if report["memory"] is None else span([(host["report"]["memory"], "") for host in group], "B")
        machine = "Linux %s · %s CPUs · %s" % (report["kernel"], "unknown" if report["cpus"] is None else report["cpus"], memory)
        load = "Target: %s connections · %s new/s · %s" % (
            amount(report["connections"], ""), amount(report["rate"], ""), report["role"])
        lines.append("<p>%s</p>" % escape(said_by(group, lambda host: host["report"]["answer"])))
        lines.append('<p class="quiet">%s<br>%s%s · checked %s%s</p>' % (
            escape(machine), escape(load), escape(report["server"] and " · server " + report["server"]),
            escape(min(host["report"]["time"] for host in group)), ", by the settings" if report["quick"] else ""))
        if report["findings"]:
            lines.append("<ul>%s</ul>" % "".join(
                finding_item(group, each) for each in range(len(report["findings"]))))
    return "".join(lines) + "</section>"


def summary(groups, states):
    """How many hosts have each state, in one line."""
    names = {"critical": "not ready", "warning": "ready with warnings", "ok": "ready", "unknown": "not known"}
    counts = {}
    for group in groups:
        host = group[0]
        said = names[host["report"]["status"]] if host["report"] else states[host["state"]]
        counts[said] = counts.get(said, 0) + len(group)
    total = sum(counts.values())
    return "%d host%s: %s." % (total, "" if total == 1 else "s", ", ".join("%s %d" % (said, counts[said]) for said in counts))


def write(groups, walls, states):
    body = [
        "<h1>epolltune: limits of the fleet</h1>",
        "<p>%s Worst first; equal machines share a row.</p>" % escape(summary(groups, states)),
        '<div class="scroll" tabindex="0" role="region" aria-label="Hosts and walls"><table><thead><tr><th scope="col">Hosts</th>',
        "".join('<th scope="col">%s</th>' % escape(name) for name in walls) or "<th>State</th>",
        "</tr></thead><tbody>",
        "\n".join(row(at, group, walls, states) for at, group in enumerate(groups, 1)),
        "</tbody></table></div>",
        "\n".join(section(at, group, states) for at, group in enumerate(groups, 1)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">'
        "<title>epolltune: limits of the fleet</title><style>%s</style></head>\n<body><main>\n%s\n</main></body></html>\n"
        % (style(), "\n".join(body)))
