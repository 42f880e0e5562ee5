"""What apply, confirm and rollback do, as the manual says: a model without system calls.

Each returns the exit statuses that it may have then.
A line of our file is (run, value), run 0 if it has no comment of ours; a file changes by such lines, or None.
"""
import copy

SYSCTL, LINE = "sysctl", "sysctl.d"
CLOSED = ("reverted", "stale")
DONE, PARTLY, REFUSED = 0, 1, 2


class Item:
    def __init__(self, kind, name, old, new, state="done"):
        self.kind, self.name, self.old, self.new, self.state = kind, name, old, new, state
        self.became, self.restored = new if state == "done" else None, old

    def shown(self):
        return self.kind, self.name, self.old, self.new, self.state


class Run:
    def __init__(self, boot, persist):
        self.boot, self.persist, self.items, self.status, self.undone = boot, persist, [], "unfinished", None
        self.confirmed = False

    def is_open(self):
        return self.status in ("unfinished", "waiting")

    def is_kept(self):
        """Confirmed, but cut off before its last record."""
        return self.status == "unfinished" and self.confirmed and self.undone is None

    def has_lines(self):
        """Whether no line of a confirmed run is missing, as far as the journal knows."""
        lines = [item for item in self.items if item.kind == LINE]
        written = [line.name for line in lines if line.state == "done"]
        return not (lines or self.persist) or all(item.name in written for item in self.items)

    def in_force(self):
        return any(item.state not in CLOSED for item in self.items)


class Model:
    def __init__(self, defaults):
        self.defaults, self.boot = defaults, 1
        self.knobs, self.lines, self.low, self.high, self.runs = dict(defaults), {}, {}, {}, []
        self.written = 0  # how often a command wrote the journal

    def shown(self):
        runs = [(run.status, [item.shown() for item in run.items]) for run in self.runs]
        return {"knobs": self.knobs, "lines": self.lines, "runs": runs}

    def at_boot(self):
        lines = {name: value for name, (_, value) in self.lines.items()}
        return {**self.defaults, **self.low, **lines, **self.high}

    def reboot(self):
        self.boot += 1
        self.knobs = self.at_boot()

    def open_run(self):
        return next((run for run in reversed(self.runs) if run.is_open()), None)

    # apply and confirm

    def line_needed(self, name, value, number):
        line = self.lines.get(name)
        return [] if line and line[1] == value else [Item(LINE, name, line, (number, value), "planned")]

    def standing(self):
        """What runs of this boot have set and what is still so, the newest first."""
        found = {}
        for run in reversed(self.runs):
            for item in reversed(run.items):
                if (run.status == "applied" and run.boot == self.boot and item.kind == SYSCTL and item.state == "done"
                        and self.knobs[item.name] == item.became):
                    found.setdefault(item.name, item.became)
        return found

    def plan(self, values, persist):
        items = [Item(SYSCTL, name, self.knobs[name], value, "planned") for name, value in values.items()
                 if self.knobs[name] != value]
        number, lines = len(self.runs) + 1, []
        planned = {item.name: item.new for item in items}
        for name, value in list(self.standing().items()) + list(planned.items()) if persist else ():
            if name not in planned or planned[name] == value and name not in [line.name for line in lines]:
                lines += self.line_needed(name, value, number)
        return items + lines

    def found(self, item):
        return self.knobs[item.name] if item.kind == SYSCTL else self.lines.get(item.name)

    def put(self, item, value):
        if item.kind == SYSCTL:
            self.knobs[item.name] = value
        elif value:
            self.lines[item.name] = value
        else:
            self.lines.pop(item.name, None)

    def apply(self, values, persist=False, confirm=False, planned=None):
        """planned: the state by which the plan was made: refused where another command wrote the journal since."""
        at = planned or self
        items = at.plan(values, persist and not confirm)
        if at.open_run():
            return (REFUSED,)
        if not items:
            return DONE, PARTLY  # Where the line of another file has to be changed by hand.
        if at.written != self.written:
            return (REFUSED,)
        self.written += 1
        run = Run(self.boot, persist)
        self.runs.append(run)
        for item in copy.deepcopy(items):
            if self.found(item) != item.old:
                self.undo(run)
                return (REFUSED,)
            self.put(item, item.new)
            item.state, item.became = "done", item.new
            run.items.append(item)
        run.status = "waiting" if confirm else "applied"
        return DONE, PARTLY

    def made(self, run):
        return [item for item in run.items if item.kind == SYSCTL and item.state == "done" and run.boot == self.boot]

    def kept(self, run):
        """What a run has made and is still so."""
        return [item for item in self.made(run) if self.knobs[item.name] == item.became]

    def missing(self, run):
        """The lines of a run that --persist adds."""
        return [line for item in self.kept(run)
                for line in self.line_needed(item.name, item.became, self.runs.index(run) + 1)]

    def unwritten(self, persist):
        """The newest run if it was confirmed, and confirm --persist can write its lines."""
        run = self.runs[-1] if self.runs else None
        return run if persist and run and run.status == "applied" and run.confirmed and run.boot == self.boot and \
            self.missing(run) else None

    def confirm(self, persist=False):
        run = next((run for run in reversed(self.runs)
                    if run.status == "waiting" and run.boot == self.boot or
                    run.is_kept() and (run.boot == self.boot or run.has_lines())), None)
        run = run or self.unwritten(persist)
        if not run:  # Refused where the newest run was taken back, or was lost at a reboot.
            return DONE, REFUSED
        if run.status == "waiting" and self.made(run) and not self.kept(run):
            return (REFUSED,)
        self.written += 1
        for line in self.missing(run) if (run.persist or persist) and run.boot == self.boot else ():
            self.put(line, line.new)
            line.state, line.became = "done", line.new
            run.items.append(line)
        whole = run.status == "applied" or len(self.kept(run)) == len(self.made(run))
        run.status, run.confirmed = "applied", True
        return (DONE if whole else PARTLY,)

    # rollback

    def left(self, run, item):
        """Whether what the run has set can be what is found: only a line carries a value over a reboot."""
        return item.kind == LINE or run.boot == self.boot or self.persisted(run, item.name)

    def persisted(self, run, name):
        """Whether a line that was written in the boot of the run was there when this boot began."""
        return any(each.boot == run.boot and item.kind == LINE and item.name == name and item.state != "stale"
                   and (item.state != "reverted" or each.undone == self.boot)
                   for each in self.runs for item in each.items)

    def later(self, run, item):
        """Whether a later run, not rolled back, has left what is found."""
        return any((each.kind, each.name, each.state, each.became) == (item.kind, item.name, "done", self.found(item))
                   for other in self.runs[self.runs.index(run) + 1:] if self.left(other, item) for each in other.items)

    def undo_item(self, run, item, persisted, force):
        found, old, later = self.found(item), item.old, self.later(run, item)
        mine = found == (item.new if item.became is None else item.became)
        if item.kind == SYSCTL and run.boot != self.boot and not (persisted and (mine or later)):
            item.state = "stale"
            return
        mine = force or mine and not later
        if item.kind == SYSCTL and run.boot != self.boot and mine:
            old = self.at_boot()[item.name]
        if mine or found == old and not later:
            self.put(item, old)
            item.state, item.restored = "reverted", old
        else:
            item.state = "conflict"

    def undo(self, run, force=False):
        """True: some of it is not restored, or a later run's line sets it again at the next boot."""
        self.written += 1
        due = [(item, run.boot != self.boot and self.persisted(run, item.name)) for item in run.items
               if item.state not in CLOSED]
        run.undone = self.boot
        for item, persisted in reversed(due):
            self.undo_item(run, item, persisted, force)
        run.status = "partly reverted" if run.in_force() else "reverted"
        number, again = self.runs.index(run) + 1, False
        for item in run.items:
            line = self.lines.get(item.name)
            if item.kind == SYSCTL and item.state == "reverted" and line:
                again |= line[0] > number and line[1] != item.restored
        return run.in_force() or again

    def rollback(self, number=None, force=False, pending=False):
        for kept in [run for run in self.runs if pending and run.is_kept() and run.has_lines()]:
            kept.status = "applied"
            self.written += 1
        run = self.runs[number - 1] if number else self.open_run()
        if not run and not pending:
            run = next((each for each in reversed(self.runs) if each.in_force()), None)
        if not run or not run.in_force() and run.status != "unfinished":
            return (DONE,)
        return (PARTLY if self.undo(run, force) else DONE,)
