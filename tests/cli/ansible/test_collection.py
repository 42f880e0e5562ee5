"""The logic of the Ansible collection, without Ansible: what the program prints, and the pages of a fleet.

PROGRAM is the epolltune under test. Run by tests/cli/test_ansible.sh.
"""
import copy
import csv
import html.parser
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "src/share/ansible"))

from ansible_collections.epolltune.epolltune.plugins.module_utils import program  # noqa: E402
from ansible_collections.epolltune.epolltune.plugins.plugin_utils import fleet, fleet_csv, fleet_html  # noqa: E402

COLLECTION = ROOT / "src/share/ansible/ansible_collections/epolltune/epolltune"
PROGRAM = os.environ["PROGRAM"]
HOSTILE = '=cmd|\'/c calc\'!A1 <script>alert(1)</script>" onload="x \u202e\u0007 {{ 7 * 7 }}'
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout, done.stderr


def report_of(host, *options):
    installed = program.Program(PROGRAM, run)
    return installed.document("epolltune.report/1", "check", "--sysroot=%s" % (ROOT / "tests/hosts" / host), *options)[1]


class Fake:
    """A program that prints what a test wants."""

    def __init__(self, out="", err="", status=0, version="epolltune 0.1.0\n"):
        self.answers = {"--version": (0, version.encode(), b"")}
        self.answer = (status, out if isinstance(out, bytes) else out.encode(), err.encode())

    def __call__(self, command):
        return self.answers.get(command[1], self.answer)


class ProgramTest(unittest.TestCase):
    def problem(self, kind, *words, **of):
        with self.assertRaises(program.Problem) as caught:
            program.Program("epolltune", Fake(**of)).document("epolltune.report/1", "check")
        self.assertEqual(caught.exception.kind, kind)
        self.assertNotIn("\n", str(caught.exception))
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_a_program_that_is_not_there_is_missing(self):
        for name in "no-such-epolltune", "/no/such/epolltune", str(ROOT / "README.md"):
            with self.assertRaises(program.Problem) as caught:
                program.find(name)
            self.assertEqual(caught.exception.kind, "missing")
            self.assertIn(name, str(caught.exception))
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "epolltune")
            path.write_bytes(b"\x7fELF of another machine")
            path.chmod(0o755)
            with self.assertRaises(program.Problem) as caught:
                program.Program(program.find(str(path)), run)
            self.assertIn("cannot be run", str(caught.exception))

    def test_an_old_program_is_old_and_another_is_damaged(self):
        self.problem("old", "0.0.9", "0.1.0", version="epolltune 0.0.9\n")
        self.problem("damaged", "no version", version="busybox 1.36\n")
        self.problem("damaged", "no version", version="")
        newer = program.Program("epolltune", Fake(version="epolltune 1.0.10\nlibnl 3.7.0\n"))
        self.assertEqual(newer.version, "1.0.10")

    def test_what_is_no_report_is_named(self):
        self.problem("refused", "unknown option", "3", err='epolltune: apply: unknown option "--x"\nmore', status=3)
        self.problem("refused", "no error", status=3)
        for damaged in '{"schema": "epolltune.rep', "[1", "[" * 100000, b'\xff\xfe{"', "not json":
            self.problem("damaged", "invalid JSON", out=damaged)
        for other in "[]", '"x"', "{}", '{"schema": "epolltune.report/2"}', '{"schema": {}}':
            self.problem("damaged", "epolltune.report/1", out=other)

    def test_options_become_arguments(self):
        params = {"probe": ["accept-queue", "ports"], "gentle": True, "in_place": False, "family": None, "ignore": [],
                  "set": {"net.ipv4.ip_local_port_range": "1024 65535", "net.core.somaxconn": 8192}}
        self.assertEqual(program.arguments(program.APPLY, params), [
            "--probe=accept-queue,ports", "--gentle", "--set=net.core.somaxconn=8192,net.ipv4.ip_local_port_range=1024 65535"])
        self.assertEqual(program.arguments(program.TARGET, {"rate": "0", "name": "--help"}), ["--target=--help", "--rate=0"])
        with self.assertRaises(program.Problem):
            program.arguments(program.APPLY, {"set": {"net.ipv4.tcp_tw_reuse": True}})

    def test_every_option_is_one_of_the_program(self):
        for command, options in ("check", program.TARGET + program.CHECK), ("apply", program.TARGET + program.APPLY):
            text = run([PROGRAM, command, "--help"])[1].decode()
            for _name, option in options:
                self.assertRegex(text, r"%s\b" % re.escape(option), command)


class CheckTest(unittest.TestCase):
    def test_a_check_fails_only_if_the_task_asks_for_it(self):
        report = report_of("folklore", "--rate=50k")
        for status, fails in ("ok", ""), ("warning", "warning"), ("critical", "warning critical"), ("unknown", "warning critical"):
            report["summary"]["status"] = status
            for fail_on in "never", "warning", "critical":
                result = program.judge_check(report, fail_on)
                self.assertEqual(result["failed"], fail_on in fails.split(), (status, fail_on))
                self.assertIs(result["changed"], False)

    def test_short_and_tight_walls_are_named_unless_accepted(self):
        report = report_of("conntrack-full")
        verdicts = {wall["name"]: wall["verdict"] for wall in report["walls"]}
        result = program.judge_check(report, "never")
        self.assertTrue(result["short"])
        self.assertEqual(result["short"], [name for name in verdicts if verdicts[name] == "short"])
        for wall in report["walls"]:
            wall["accepted"] = True
        self.assertEqual(program.judge_check(report, "never")["short"], [])

    def test_a_report_without_its_fields_is_damaged(self):
        for broken in {}, {"summary": 1, "walls": []}, {"summary": {"status": "fine", "answer": ""}, "walls": []}:
            with self.assertRaises(program.Problem) as caught:
                program.judge_check(broken, "never")
            self.assertEqual(caught.exception.kind, "damaged")


def change(**of):
    return dict({"kind": "sysctl", "name": "net.core.somaxconn", "from": "16", "to": "2048", "became": "2048", "state": "done"}, **of)


LINE = change(kind="sysctl.d", **{"from": "", "to": "# why\nnet.core.somaxconn = 2048", "became": None})


def outcome(name, **of):
    return dict({"outcome": name, "changed": False, "run": None, "answer": "Ready.", "reason": None, "changes": [],
                 "manual": [], "proof": None, "persisted": []}, **of)


class ApplyTest(unittest.TestCase):
    def test_changed_and_failed_follow_the_outcome(self):
        cases = (
            (outcome("planned", changes=[change()]), 0, True, False),
            (outcome("planned"), 1, False, False),
            (outcome("nothing to change"), 0, False, False),
            (outcome("nothing to change", manual=[{}]), 1, False, False),
            (outcome("nothing to change"), 3, False, True),
            (outcome("applied", changed=True, run=1), 0, True, False),
            (outcome("waiting", changed=True, run=1), 1, True, False),
            (outcome("applied", changed=True, run=1, reason="run 1 is confirmed, but not persisted"), 2, True, True),
            (outcome("reverted", reason="it did not improve"), 2, False, True),
            (outcome("partly reverted", changed=True), 2, True, True),
            (outcome("refused", reason="run 2 waits"), 2, False, True),
            (outcome("nothing to confirm"), 0, False, False),
        )
        for document, status, changed, failed in cases:
            result = program.judge_apply(document, status)
            self.assertEqual((result["changed"], result["failed"]), (changed, failed), document["outcome"])
            self.assertIn(document["reason"] or "", result["msg"])
        self.assertIn("1 manual step left", program.judge_apply(cases[3][0], 1)["msg"])
        with self.assertRaises(program.Problem):
            program.judge_apply({"outcome": "applied"}, 0)

    def test_a_rollback_that_skips_values_is_no_failure(self):
        document = {"changed": True, "outcome": "partly reverted", "reason": "modified since", "run": 1, "conflict": 1,
                    "unreachable": 0, "other_netns": 0, "changes": []}
        result = program.judge_rollback(document, 1)
        self.assertEqual((result["changed"], result["failed"], result["skipped"]), (True, False, 1))
        self.assertIn("1 value skipped", result["msg"])
        self.assertTrue(program.judge_rollback(dict(document, outcome="unfinished"), 2)["failed"])
        self.assertTrue(program.judge_rollback(dict(document, outcome="refused", changed=False), 3)["failed"])

    def test_the_difference_has_the_lines(self):
        running, file = program.diff([change(), change(name="net.ipv4.tcp_rmem", became="4096 8192 9000"), LINE])
        self.assertEqual(running["before_header"], "running values")
        self.assertEqual(running["before"], "net.core.somaxconn = 16\nnet.ipv4.tcp_rmem = 16\n")
        self.assertEqual(running["after"], "net.core.somaxconn = 2048\nnet.ipv4.tcp_rmem = 4096 8192 9000\n")
        self.assertEqual((file["before"], file["after"]), ("", "# why\nnet.core.somaxconn = 2048\n"))

    def test_a_rollback_is_the_reverse(self):
        undone = program.reverse([change(), change(name="planned", state="planned"), LINE])
        self.assertEqual([each["kind"] for each in undone], ["sysctl.d", "sysctl"])
        running = program.diff(undone)[0]
        self.assertEqual((running["before"], running["after"]), ("net.core.somaxconn = 2048\n", "net.core.somaxconn = 16\n"))

    def test_the_run_that_is_meant(self):
        def history(*states):
            return {"runs": [{"run": number, "status": state} for number, state in enumerate(states, 1)]}

        for runs, wanted, number in (
                (history("applied", "applied"), None, None), (history("applied", "waiting"), None, 2),
                (history("unfinished", "reverted"), None, 1), (history("applied", "applied", "reverted"), "last", 2),
                (history("applied", "waiting"), "last", 2), (history("reverted"), "last", None),
                (history("applied", "applied"), "1", 1), (history("applied"), "7", None)):
            found = program.run_of(runs, wanted)
            self.assertEqual(found and found["run"], number, (runs, wanted))


def checked(report):
    return {"changed": False, "failed": False, "report": report}


def changed_report(report, **of):
    found = copy.deepcopy(report)
    found["host"].update(of)
    return found


class Reader(html.parser.HTMLParser):
    """The rows of the table, and whether each element ends."""

    VOID = ("meta", "br")

    def __init__(self, page):
        super().__init__()
        self.open, self.rows, self.elements = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data.strip() + " "


def luminance(colour):
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def lines_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


class FleetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.good = report_of("linux-6.18")
        cls.full = report_of("conntrack-full")

    def groups(self, *hosts):
        return fleet.groups_of([fleet.host_of(*host) for host in hosts])

    def page(self, *hosts):
        groups = self.groups(*hosts)
        return fleet_html.write(groups, fleet.walls_of(groups), fleet.STATES)

    def table(self, *hosts):
        return lines_of(fleet_csv.write(self.groups(*hosts), fleet.STATES))

    def test_the_worst_host_is_first_and_equal_ones_share_a_row(self):
        python = {"rc": 0}
        hosts = [("c", python, checked(self.good)), ("full", python, checked(self.full)), ("a", python, checked(self.good)),
                 ("gone", {"unreachable": True, "msg": "no route"}, None), ("bare", {"rc": 127}, {"skipped": True}),
                 ("b", python, checked(changed_report(self.good, kernel="5.10"))),
                 ("none", python, {"failed": False, "problem": "missing", "msg": "not installed"}),
                 ("crash", python, {"failed": True, "msg": "MODULE FAILURE"}), ("never", None, None)]
        for order in hosts, hosts[::-1]:
            rows = Reader(self.page(*order)).rows
            self.assertEqual([row[0].strip() for row in rows], [
                "Hosts", "full", "gone", "bare", "none", "crash", "never", "a, c 2 equal", "b"])
        for row, text in zip(rows[2:7], ("unreachable", "no Python", "no epolltune", "error", "not checked")):
            self.assertIn(text, row[1])
        self.assertIn("no route", rows[2][1])
        self.assertIn("SHORT", rows[1][1])
        names = [line["host"] for line in self.table(*hosts)]
        self.assertEqual(sorted(set(names), key=names.index), ["full", "gone", "bare", "none", "crash", "never", "a", "c", "b"])

    def test_what_differs_among_equal_hosts_is_said(self):
        alone = self.page(("a", {"rc": 0}, checked(self.full)))
        self.assertNotIn("different on others", alone)
        self.assertEqual(len(Reader(self.page(*((name, {"rc": 0}, checked(self.full)) for name in "ab"))).rows), 2)
        other = copy.deepcopy(self.full)
        finding = next(each for each in other["findings"] if each["level"] == "critical")
        wall = next(each for each in other["walls"] if each["name"] == "conntrack")
        detail = finding["detail"]
        finding["detail"], other["summary"]["answer"], wall["at_most"] = "7 of 8", "Not ready at all.", not wall["at_most"]
        other["host"]["memory_bytes"] += 1 << 27
        page = self.page(("b", {"rc": 0}, checked(other)), ("a", {"rc": 0}, checked(self.full)))
        head, row = Reader(page).rows
        self.assertEqual(row[0].strip(), "a, b 2 equal")
        self.assertIn(html.escape(detail) + " (on a; different on others)", page)
        self.assertIn(html.escape(self.full["summary"]["answer"]) + " (on a; different on others)", page)
        self.assertEqual(page.count("different on others"), 2)
        self.assertRegex(row[head.index("conntrack ")], "SHORT ([^≤]+) to ≤ \\1")
        self.assertRegex(page, " CPUs · [0-9.]+ GiB to [0-9.]+ GiB<")

    def test_each_figure_is_that_of_the_report(self):
        walls = {line["wall"]: line for line in self.table(("full", {"rc": 0}, checked(self.full)))}
        for wall in self.full["walls"]:
            line = walls[wall["name"]]
            self.assertEqual(line["verdict"], wall["verdict"])
            self.assertEqual(line["capacity"], "" if wall["limit"] is None else str(wall["limit"]))
            self.assertEqual(line["needed"], "" if wall["needed"] is None else str(wall["needed"]))
        text = run([PROGRAM, "check", "--sysroot=%s" % (ROOT / "tests/hosts/conntrack-full"), "--color=never"])[1].decode()
        first = Reader(self.page(("full", {"rc": 0}, checked(self.full)))).rows
        short = first[1][first[0].index("conntrack ")].replace("\u202f", " ").split()
        line = next(line for line in text.splitlines() if line.startswith("conntrack ")).split()
        self.assertEqual([part for part in short[1:] if part != "of"], [part for part in line[1:-2]])

    def test_a_measured_figure_comes_before_the_limit(self):
        report = copy.deepcopy(self.full)
        for wall, of in zip(report["walls"], (
                {"method": "measured", "measured": 17, "limit": 99, "at_least": True},
                {"method": "derived", "measured": 17, "limit": 99, "at_most": True},
                {"method": "running", "measured": None, "limit": 99, "at_least": False, "at_most": False})):
            wall.update(of, verdict="ok", unit="connections", needed=16)
        lines = self.table(("full", {"rc": 0}, checked(report)))[:3]
        self.assertEqual([(line["capacity"], line["bound"]) for line in lines], [("17", "at least"), ("99", "at most"), ("99", "")])
        page = Reader(self.page(("full", {"rc": 0}, checked(report)))).rows[1]
        self.assertIn("ok ≥ 17 of 16 ", page)

    def test_what_a_hostile_host_says_is_text(self):
        report = copy.deepcopy(self.full)
        report["summary"]["answer"] = report["walls"][0]["name"] = report["host"]["kernel"] = HOSTILE
        report["findings"][0].update(id=HOSTILE, title=HOSTILE, detail=HOSTILE, level="critical", accepted=False, proposals=[
            {"knob": HOSTILE, "current": None, "proposed": HOSTILE, "field": None}])
        page = self.page((HOSTILE, {"rc": 0}, checked(report)), (HOSTILE + "2", {"unreachable": True, "msg": HOSTILE}, None))
        reader = Reader(page)
        self.assertEqual(reader.open, [])
        self.assertFalse({"script", "img", "link", "iframe", "object"} & {tag for tag, _attributes in reader.elements})
        for tag, attributes in reader.elements:
            self.assertFalse([name for name in attributes if name.startswith("on")], tag)
            self.assertRegex(attributes.get("href", "#"), "^#")
        self.assertIn(ESCAPED, page)
        self.assertNotIn("\u202e", page)
        self.assertNotIn("\u0007", page)
        self.assertNotRegex(page, "https?://|url\\(|@import")

    def test_no_cell_of_the_table_is_a_formula(self):
        starts = "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "\n+1", "'=1", '"=1', "\uff1d1"
        for start in starts:
            report = copy.deepcopy(self.full)
            report["summary"]["answer"] = report["walls"][0]["knob"] = report["walls"][0]["name"] = start
            text = fleet_csv.write(self.groups((start, {"rc": 0}, checked(report))), fleet.STATES)
            for line in lines_of(text):
                for value in line.values():
                    self.assertNotRegex(value, r"^[\s'\"]*[=+@\-\uff1d]" if not value.startswith("'") else "^$", start)
                self.assertEqual(len(line), len(fleet_csv.COLUMNS))
                self.assertNotIn(None, line)

    def test_a_damaged_report_makes_a_damaged_host_and_no_exception(self):
        whole = {"host": self.full["host"], "walls": self.full["walls"], "findings": self.full["findings"]}
        paths = [(key,) for key in self.full] + [("summary", "status"), ("host", "cpus"), ("target", "role"), ("walls", 0), (
            "findings", 0), ("walls", 0, "verdict"), ("walls", 0, "limit"), ("walls", 0, "needed"), ("walls", 0, "name"),
            ("findings", 0, "proposals"), ("findings", 0, "level")]
        self.assertTrue(all(whole.values()))
        for path in paths:
            for value in None, 7, -1, 1e999, "x", [], {}, [[]], [None], {"a": [1]}, 10 ** 400, True, "\ud800":
                report = copy.deepcopy(self.full)
                parent = report
                for key in path[:-1]:
                    parent = parent[key]
                parent[path[-1]] = value
                host = ("h", {"rc": 0}, checked(report))
                self.page(host).encode()
                self.assertEqual({line["host"] for line in self.table(host)} or {"h"}, {"h"})
        for report in "text", [1], {"a": 1}, {"summary": {}}:
            row = Reader(self.page(("h", {"rc": 0}, checked(report)))).rows[1]
            self.assertIn("damaged report", row[1])

    def test_a_problem_that_is_no_text_is_an_error(self):
        for problem in None, [], {}, ["missing"], 7:
            row = Reader(self.page(("h", {"rc": 0}, {"failed": False, "problem": problem, "msg": "m"}))).rows[1]
            self.assertIn("error", row[1])

    def test_a_huge_report_makes_a_small_page(self):
        report = copy.deepcopy(self.full)
        report["walls"] = report["walls"] * 5000
        report["findings"] = report["findings"] * 5000
        report["summary"]["answer"] = "x" * 10 ** 6
        self.assertLess(len(self.page(("h", {"rc": 0}, checked(report)))), 10 ** 6)

    def test_an_empty_fleet_has_a_page(self):
        self.assertEqual(len(Reader(self.page()).rows), 1)
        self.assertEqual(self.table(), [])

    def test_colours_have_the_contrast_of_wcag_aa(self):
        for name, schemes in fleet_html.PALETTE.items():
            for colours in schemes:
                dark, light = sorted(luminance(colour) for colour in colours)
                self.assertGreaterEqual((light + 0.05) / (dark + 0.05), 4.5, (name, colours))


class CollectionTest(unittest.TestCase):
    def test_its_version_is_that_of_the_program(self):
        galaxy = (COLLECTION / "galaxy.yml").read_text()
        version = run([PROGRAM, "--version"])[1].decode().split()[1]
        self.assertRegex(galaxy, r"(?m)^version: %s$" % re.escape(version))
        self.assertIn("## %s\n" % version, (COLLECTION / "CHANGELOG.md").read_text())


if __name__ == "__main__":
    unittest.main()
