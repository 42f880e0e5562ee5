#!/usr/bin/python3
"""Random histories of apply, confirm and rollback against the model in model.py.

histories.py [--seed N] [--histories N] [--steps N] [--verbose]

Each step is a command, several at once, one that is killed at a system call, what an administrator writes into
knobs and files, or a reboot. After each one, knobs, files, the journal and the exit status have to be what the model
says. Several commands at once may have run in any order, and those whose exit status says so have been refused; after
one that was killed, all that has changed has to be in the journal, from which the model goes on. At the end of a history all is rolled back; where nobody
else wrote, and the newest run was always first, nothing may be left. A history that fails prints its seed, which
repeats it, but for the order in which commands run beside each other.
"""
import argparse
import copy
import itertools
import json
import os
import pty
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import machine
from model import Item, LINE, Model, REFUSED, Run, SYSCTL

VALUES = {
    "net.core.somaxconn": ("4096", "128", "1024", "8192"),
    "net.ipv4.ip_local_port_range": ("32768 60999", "1024 65535", "20000 60999"),
    "net.ipv4.tcp_fin_timeout": ("60", "30", "15", "45"),
}
LOW, HIGH = machine.FILES + "/10-site.conf", machine.FILES + "/99-site.conf"
KILLED_AT = ("write", "fsync", "renameat", "openat", "unlinkat", "fchmod")
EXPIRE_S = 60


def line_of(text):
    """The text of a line in a file, as the journal has it: (run, value) or None."""
    if not text:
        return None
    comment, _, setting = text.rpartition("\n")
    return int(comment[6:comment.index(",")]) if comment.startswith("# run ") else 0, setting.partition("=")[2].strip()


def lines_read():
    found, comment = {}, ""
    text = machine.files_read().get(machine.OURS, b"").decode()
    for line in text.splitlines():
        name = line.partition("=")[0].strip()
        if name in VALUES and line[0] != "#":
            found[name] = line_of(f"{comment}\n{line}")
        comment = line if line.startswith("# run ") else ""
    return found


def lines_edit(name, value):
    """As an administrator: another value for our line, or none."""
    text = open(machine.OURS).read().splitlines()
    at = max(i for i, line in enumerate(text) if line.partition("=")[0].strip() == name and line[0] != "#")
    if value:
        text[at] = f"{name} = {value}"
    else:
        del text[at - (at > 0 and text[at - 1].startswith("# run ")):at + 1]
    open(machine.OURS, "w").write("\n".join(text) + "\n")


def site_write(path, values):
    open(path, "w").write("".join(f"{name} = {value}\n" for name, value in values.items()))


class Wrong(Exception):
    pass


class History:
    def __init__(self, seed, verbose):
        self.random, self.verbose, self.log = random.Random(seed), verbose, []
        self.alone = self.random.random() < 0.4  # nobody else writes
        self.ordered = seed % 2 == 0  # runs are rolled back the newest first
        machine.files_write({machine.FILES + "/": b""})
        machine.boot()
        self.model = Model(machine.defaults)
        self.boots = {open(machine.BOOT).read().strip(): 1}

    def note(self, text):
        self.log.append(text)
        if self.verbose:
            print(text, flush=True)

    # What is there

    def runs_read(self):
        shown = machine.run(["history", "--format", "json"])
        if not os.path.exists(machine.STATE + "/journal.jsonl"):
            return []
        if shown.returncode:
            raise Wrong(f"history: {shown.stdout}{shown.stderr}")
        runs = []
        for each in json.loads(shown.stdout)["runs"]:
            run = Run(self.boots[each["boot"]], each["persist"])
            run.status = each["status"]
            for change in each["changes"]:
                old, new, became = change["from"], change["to"], change["became"]
                if change["kind"] == LINE:
                    old, new, became = line_of(old), line_of(new), line_of(became)
                item = Item(change["kind"], change["name"], old, new, change["state"])
                item.became = became or None
                run.items.append(item)
            runs.append(run)
        return runs

    def undone_read(self):
        """The boot of the last rollback of each run, and whether it was confirmed, which history does not show."""
        for line in open(machine.STATE + "/journal.jsonl"):
            record = json.loads(line)
            run = self.model.runs[record["run"] - 1]
            if record["event"] == "rollback":
                run.undone = self.boots[record["boot"]]
            if record["event"] == "confirm":
                run.confirmed = True

    def now(self):
        """What is there, as a model."""
        now = copy.copy(self.model)
        now.knobs, now.lines, now.runs = machine.knobs_read(), lines_read(), self.runs_read()
        return now

    def check(self, candidates):
        self.compare(candidates)
        if self.verbose:
            print("\n".join(f"\t{key}: {value}" for key, value in self.model.shown().items()))

    def compare(self, candidates):
        """Goes on with the first candidate that is what is there."""
        now = self.now()
        for candidate in candidates:
            if candidate.shown() == now.shown():
                self.model = candidate
                break
        else:
            raise Wrong("".join(f"\n{key}: {value}\nby the model: {self.model.shown()[key]}"
                                for key, value in now.shown().items()))
        if not self.model.open_run() and os.path.exists(machine.FILES + "/.90-epolltune.conf.new"):
            raise Wrong("a temporary file is left")

    # Commands, each a pair: what to run, and what the model does

    def command(self):
        choose = self.random.choice
        kind = self.random.choices(("apply", "confirm", "rollback"), (5, 2, 4))[0]
        if kind == "apply":
            names = self.random.sample(sorted(VALUES), self.random.randint(1, 3))
            values = {name: choose(VALUES[name]) for name in names}
            persist, confirm = self.random.random() < 0.5, self.random.random() < 0.4
            options = ["--persist"] * persist + ["--confirm", "3600s"] * confirm
            return machine.apply_command(values, *options), lambda model, planned=None: model.apply(
                values, persist, confirm, planned)
        if kind == "confirm":
            persist = self.random.random() < 0.5
            return ["confirm"] + ["--persist"] * persist, lambda model, planned=None: model.confirm(persist)
        force = not self.alone and self.random.random() < 0.15
        pending = self.random.random() < 0.2
        number = choose([None, None] + list(range(1, len(self.model.runs) + 1))) if not pending else None
        if self.ordered:
            number = None
        words = ["rollback"] + ["--force"] * force + ["--pending"] * pending + [str(number)] * bool(number)
        return words, lambda model, planned=None: model.rollback(number, force, pending)

    def one(self):
        words, change = self.command()
        self.note(" ".join(words))
        self.run_one(words, change)
        self.check([self.model])

    def run_one(self, words, change):
        done, allowed = machine.run(words), change(self.model)
        if done.returncode not in allowed:
            raise Wrong(f"exit status {done.returncode}, not of {allowed}: {done.stdout}{done.stderr}")

    def several(self):
        """As an apply is refused that planned before another wrote the journal."""
        commands = [self.command() for _ in range(self.random.randint(2, 3))]
        self.note(" & ".join(" ".join(words) for words, _ in commands))
        started = [subprocess.Popen([machine.PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL) for words, _ in commands]
        statuses = [process.wait() for process in started]
        self.note(f"exit statuses {statuses}")
        self.check(self.outcomes([(change, status) for (_, change), status in zip(commands, statuses)]))

    def outcomes(self, commands):
        for count in range(len(commands), -1, -1):
            for order in itertools.permutations(commands, count):
                if any(status != REFUSED for change, status in commands if (change, status) not in order):
                    continue
                for planned in itertools.product(*(range(at + 1) for at in range(count))):
                    states, right = [copy.deepcopy(self.model)], True
                    for at, (change, status) in enumerate(order):
                        states.append(copy.deepcopy(states[-1]))
                        right &= status in change(states[-1], states[planned[at]])
                    if right:
                        yield states[-1]

    def killed(self):
        words, _ = self.command()
        syscall, when = self.random.choice(KILLED_AT), self.random.randint(1, 30)
        self.note(f"{' '.join(words)}, killed at {syscall} {when}")
        knobs, lines, boot = machine.knobs_read(), lines_read(), self.model.boot
        machine.run(words, ["strace", "-o", "/run/strace", "-e", f"trace={syscall}", "-e",
                            f"inject={syscall}:signal=KILL:when={when}"])
        self.model.runs = self.runs_read()
        if self.model.runs:
            self.undone_read()
        self.model.knobs, self.model.lines = machine.knobs_read(), lines_read()
        for kind, before, after in ((SYSCTL, knobs, self.model.knobs), (LINE, lines, self.model.lines)):
            for name in VALUES:
                if before.get(name) != after.get(name):
                    self.accounted(kind, name, before.get(name), after.get(name), boot)

    def accounted(self, kind, name, before, after, boot):
        """What a command that was killed has changed is in the journal, with what was before or is restored."""
        for run in self.model.runs:
            for item in run.items:
                if (item.kind, item.name) == (kind, name) and (item.old == before and item.new == after or
                                                              run.undone == boot):
                    return
        raise Wrong(f"{name} was {before}, is {after}, and is not in the journal")

    def expired(self):
        """A run that is not confirmed in time; only where no other one is open."""
        name = self.random.choice(sorted(VALUES))
        value = self.random.choice([value for value in VALUES[name] if value != self.model.knobs[name]])
        if self.model.open_run():
            return
        self.note(f"{name} = {value} for 1 s")
        self.run_one(machine.apply_command({name: value}, "--confirm", "1s"),
                     lambda model: model.apply({name: value}, confirm=True))
        self.model.undo(self.model.runs[-1])
        end = time.monotonic() + EXPIRE_S
        while self.runs_read()[-1].status in ("waiting", "unfinished") and time.monotonic() < end:
            time.sleep(0.05)
        self.check([self.model])

    # The administrator

    def foreign(self):
        name = self.random.choice(sorted(VALUES))
        value = self.random.choice(VALUES[name])
        kind = self.random.choice(("knob", "knob", "line", "low", "high"))
        self.note(f"administrator: {kind} {name} = {value}")
        if kind == "knob":
            machine.knob_write(name, value)
            self.model.knobs[name] = value
        elif kind == "line" and name in self.model.lines:
            value = self.random.choice((value, None))
            lines_edit(name, value)
            self.model.lines[name] = (self.model.lines[name][0], value)
            if not value:
                del self.model.lines[name]
            elif lines_read()[name] != self.model.lines[name]:
                raise Wrong("the edit of a line went wrong")
        elif kind in ("low", "high"):
            site = getattr(self.model, kind)
            site.update({name: value}) if self.random.random() < 0.7 else site.pop(name, None)
            site_write(LOW if kind == "low" else HIGH, site)
        self.check([self.model])

    def asked(self):
        """The administrator changes a knob while apply asks."""
        names = self.random.sample(sorted(VALUES), 2)
        values = {name: self.random.choice(VALUES[name]) for name in names}
        name, value = names[1], self.random.choice(VALUES[names[1]])
        persist = self.random.random() < 0.5
        words = machine.apply_command(values, *["--persist"] * persist)
        words.remove("--yes")
        self.note(f"{' '.join(words)}, and {name} = {value} while it asks")
        before = copy.deepcopy(self.model)
        terminal, own = pty.openpty()
        process = subprocess.Popen([machine.PROGRAM, *words], stdin=own, stdout=own, stderr=own)
        os.close(own)
        shown = b""
        while True:
            try:
                read = os.read(terminal, 65536)
            except OSError:  # the program has ended
                break
            shown += read
            if b"[y/N]" in shown:
                machine.knob_write(name, value)
                self.model.knobs[name] = value
                os.write(terminal, b"y\n")
                shown = b""
        status, allowed = process.wait(), self.model.apply(values, persist, False, before)
        os.close(terminal)
        if status not in allowed:
            raise Wrong(f"exit status {status}, not of {allowed}")
        self.check([self.model])

    def reboot(self):
        self.note("reboot")
        machine.boot()
        self.model.reboot()
        self.boots[open(machine.BOOT).read().strip()] = self.model.boot
        self.check([self.model])

    def end(self):
        """Rolls back run by run, the newest first. Where nobody else wrote, nothing of ours may be left.

        Unless a value was rolled back before the later run whose line had set it at boot: it stays until the next one.
        """
        for number in range(len(self.model.runs), 0, -1):
            self.note(f"rollback {number}")
            self.run_one(["rollback", str(number)], lambda model, number=number: model.rollback(number))
            self.check([self.model])
        if self.alone and self.ordered and (self.model.lines or self.model.knobs != machine.defaults):
            raise Wrong(f"all is rolled back, but there are lines {self.model.lines}, knobs {self.model.knobs}")

    def run(self, steps):
        for _ in range(steps):
            kind = self.random.choices(("one", "several", "killed", "expired", "foreign", "asked", "reboot"),
                                       (120, 16, 28, 1, *([0, 0] if self.alone else [24, 8]), 12))[0]
            getattr(self, kind)()
        self.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--histories", type=int, default=10)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    machine.enter()
    good = 0
    for seed in range(options.seed, options.seed + options.histories):
        history = History(seed, options.verbose)
        try:
            history.run(options.steps)
            good += 1
        except Wrong as wrong:
            print(f"--seed {seed} --steps {options.steps} --histories 1:\n" + "\n".join(history.log) + f"\n{wrong}\n")
    print(f"{good} of {options.histories} histories of {options.steps} steps as the model says, from seed "
          f"{options.seed}")
    sys.exit(good != options.histories)


if __name__ == "__main__":
    main()
