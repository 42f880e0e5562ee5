#!/usr/bin/python3
"""Power cuts: what apply, confirm and rollback leave on a disk at any point, rollback restores.

crash_states.py [--all | --every N]

Records the calls of a command (strace), and makes of them each state that a disk may be in when the power is cut
after any of them. Data is on the disk from fsync() of the file on, the names of a directory from fsync() of the
directory on; until then each change of a name may be there without the others (POSIX; a file system with a journal
keeps their order), and a write may be missing, cut, or have blocks of zeros. Each state boots with the values that
its files set; then `rollback`, or `rollback --pending` as the unit does at boot, has to restore all.
--all: also cuts during the recovery, and after a command that was killed; --every N: one of N states.
Not covered: blocks with data of deleted files (ext4 with data=writeback), and a device that loses what it has synced.
"""
import argparse
import itertools
import os
import re
import sys

sys.dont_write_bytecode = True
import machine

WANTED = {"net.core.somaxconn": "2048", "net.ipv4.ip_local_port_range": "1024 65535", "net.ipv4.tcp_fin_timeout": "30"}
BEFORE = {
    machine.FILES + "/": b"",
    machine.FILES + "/10-site.conf": b"net.core.somaxconn = 16\nvm.swappiness=1\n",
    machine.OURS: b"# Written by epolltune, another day\n# run 0, then, bob: why\n"
                  b"net.ipv4.tcp_fin_timeout = 50\n\n# by hand\nvm.overcommit_memory = 0\n",
}
PERSIST = machine.apply_command(WANTED, "--persist")
CONFIRM = machine.apply_command(WANTED, "--confirm", "600s")
LATER = machine.apply_command({"net.core.somaxconn": "4000"}, "--persist")
STRACE = ["strace", "-o", "/run/strace", "-y", "-xx", "-s", "1000000", "-e", "trace=" + machine.CALLS]


def killed_at(syscall, when):
    return STRACE + ["-e", f"inject={syscall}:signal=KILL:when={when}"]


# What is recorded, and the commands before it, a tuple is killed at a call. `known`: whether plain
# rollback restores what was before.
SCENARIOS = (
    ("apply --persist", [], PERSIST, True),
    ("apply --confirm", [], CONFIRM, True),
    ("confirm --persist", [CONFIRM], ["confirm", "--persist"], True),
    ("rollback", [PERSIST], ["rollback"], True),
    ("apply again", [PERSIST], LATER, False),
    ("rollback of a killed apply", [(PERSIST, "renameat", 1)], ["rollback"], True),
)
# One of so many states is recovered with another power cut, or tried after a kill.
SOME = 20
# States that are not restored and are printed; the others are counted.
SHOWN = 3


def text_of(hexadecimal):
    return bytes.fromhex(hexadecimal.replace("\\x", ""))


def calls_read():
    """The recorded calls that change files: their name, paths, and data or size."""
    for line in open("/run/strace"):
        call = re.match(r"(\w+)\((.*)\) += (\d+)", line)
        if not call:
            continue
        name, arguments, _ = call.groups()
        at = [text_of(each).decode() for each in re.findall(r"<((?:\\x..)*)>", arguments)]
        strings = [text_of(each) for each in re.findall(r'"((?:\\x..)*)"', arguments)]
        if name in ("openat", "mkdirat", "unlinkat", "renameat", "renameat2"):
            paths = [os.path.join(directory, path.decode()) for directory, path in zip(at, strings)]
        else:
            paths = at[:1]
        if not paths or not paths[-1].startswith((machine.STATE, machine.FILES, "/var/lib")):
            continue
        if name == "openat" and "O_CREAT" not in arguments and "O_TRUNC" not in arguments:
            continue
        if name == "ftruncate":
            yield name, paths, int(arguments.split(", ")[1])
        elif name in ("rename", "unlink", "mkdir") or (name == "openat" and "O_EXCL" not in arguments):
            raise ValueError(f"a call that the model of a disk does not have: {line}")
        else:
            yield name, paths, strings[0] if name == "write" else None


def record(command):
    """Runs a command; returns its calls."""
    traced = machine.run(command, STRACE)
    if traced.returncode:
        sys.exit(f"{command}: {traced.stdout}{traced.stderr}")
    return list(calls_read())


class Disk:
    """What is on the disk for certain, and the changes that may be."""

    def __init__(self, files):
        self.data, self.writes = {}, {}
        self.names, self.changes = {"/var/lib": {}}, {}
        self.view = {}
        for path, text in files.items():
            if path.endswith("/"):
                self.names[path[:-1]] = {}
                self.view[path[:-1]] = path[:-1]
        for path in self.names:
            if os.path.dirname(path) in self.names:
                self.names[os.path.dirname(path)][os.path.basename(path)] = path
        for path, text in files.items():
            if not path.endswith("/"):
                self.view[path] = node = len(self.data)
                self.data[node] = text
                self.names[os.path.dirname(path)][os.path.basename(path)] = node

    def name_change(self, path, node):
        """A name of a directory gets a node, or None."""
        return os.path.dirname(path), {os.path.basename(path): node}

    def change(self, directory, names):
        self.changes.setdefault(directory, []).append(names)

    def take(self, name, paths, more):
        path = paths[0]
        if name == "mkdirat":
            self.names[path] = {}
            self.view[path] = path
            self.change(*self.name_change(path, path))
        elif name == "openat":
            self.view[path] = node = len(self.data)
            self.data[node] = b""
            self.change(*self.name_change(path, node))
        elif name == "write" or name == "ftruncate":
            self.writes.setdefault(self.view[path], []).append(more)
        elif name == "fsync" and path in self.names:
            for names in self.changes.pop(path, []):
                self.names[path].update(names)
        elif name == "fsync":
            node = self.view[path]
            self.data[node] = self.written(node, len(self.writes.get(node, [])))
            self.writes.pop(node, None)
        elif name == "unlinkat":
            self.view.pop(path)
            self.change(*self.name_change(path, None))
        elif name.startswith("renameat"):
            node = self.view.pop(path)
            self.view[paths[1]] = node
            directory, names = self.name_change(path, None)
            names[os.path.basename(paths[1])] = node  # one change: a rename is atomic
            self.change(directory, names)

    def written(self, node, count):
        text = self.data[node]
        for write in self.writes.get(node, [])[:count]:
            text = text[:write] if isinstance(write, int) else text + write
        return text

    def contents(self, node):
        """All that a file may hold."""
        writes = self.writes.get(node, [])
        found = {self.written(node, count) for count in range(len(writes) + 1)}
        for count, write in enumerate(writes):
            if isinstance(write, int):
                continue
            text, half = self.written(node, count), len(write) // 2
            found |= {text + write[:size] for size in (1, half, len(write) - 1)}
            found |= {text + bytes(len(write)), text + write[:half] + bytes(len(write) - half),
                      text + bytes(half) + write[half:]}
        return sorted(found)

    def listings(self, directory):
        """All that a directory may list."""
        found, changes = [], self.changes.get(directory, [])
        for chosen in itertools.product((False, True), repeat=len(changes)):
            names = dict(self.names[directory])
            for names_changed in itertools.compress(changes, chosen):
                names.update(names_changed)
            names = {name: node for name, node in names.items() if node is not None}
            if names not in found:
                found.append(names)
        return found

    def states(self):
        """The files of each state, by path."""
        for listings in itertools.product(*(self.listings(directory) for directory in self.names)):
            nodes = {}
            for directory, names in zip(self.names, listings):
                nodes.update({f"{directory}/{name}": node for name, node in names.items()})
            there = [path for path, node in nodes.items() if node in self.names] + [machine.FILES]
            # What is in a directory that is lost is lost too.
            nodes = {path: node for path, node in nodes.items()
                     if node not in self.names and os.path.dirname(path) in there}
            for contents in itertools.product(*(self.contents(node) for node in nodes.values())):
                yield {**{path + "/": b"" for path in there}, **dict(zip(nodes, contents))}


def crash_states(files, calls, every=1):
    """Each state of the disk that a power cut after any of the calls may leave, once; of N the last."""
    disk, seen = Disk(files), set()
    for call in [None] + calls:
        if call:
            disk.take(*call)
        for state in disk.states():
            key = frozenset(state.items())
            if key not in seen:
                seen.add(key)
                if len(seen) % every == 0:
                    yield state


def snapshot():
    return machine.files_read(machine.FILES, machine.STATE)


def etc(files):
    return {path: text for path, text in files.items() if path.startswith(machine.FILES)}


def wrong(allowed):
    """Why the machine is not as one of the allowed sets of files make it."""
    files = machine.files_read()
    if files not in allowed:
        return f"the files are {files}"
    if machine.knobs_read() != machine.at_boot(files):
        return f"the knobs are {machine.knobs_read()}, by the files {machine.at_boot(files)}"
    return None


def recover(command, allowed):
    done = machine.run(command)
    why = wrong(allowed) if done.returncode == 0 else f"exit status {done.returncode}"
    return f"{' '.join(command)}: {why}\n{done.stdout}{done.stderr}" if why else None


def boots(state):
    machine.files_write(state)
    machine.boot()


def state_judge(state, before, after, known):
    """Why a state is not restored; None: it is."""
    boots(state)
    why = recover(["rollback", "--pending"], [before, after])
    if why or not known:
        return why
    why = recover(["rollback"], [before])
    if why:
        return "after --pending: " + why
    boots(state)
    why = recover(["rollback"], [before])
    if why:
        return why
    done = machine.run(["rollback"])
    return None if done.stdout == "Nothing to roll back.\n" else f"rollback is not done: {done.stdout}{done.stderr}"


def judge(name, files, calls, before, after, known, counts, every=1):
    good = 0
    for state in crash_states(files, calls, every):
        why = state_judge(state, before, after, known)
        if why and counts[0] - counts[1] < SHOWN:
            shown = "".join(f"\n  {path}: {text!r}" for path, text in sorted(state.items()))
            print(f"{name}: {why}\nthe disk had{shown}\n")
        good += not why
        counts[0] += 1
        counts[1] += not why
    return good


def prepare(commands):
    boots(BEFORE)
    for command in commands:
        killed = isinstance(command, tuple)
        done = machine.run(command[0], killed_at(*command[1:])) if killed else machine.run(command)
        if bool(done.returncode) != killed:
            sys.exit(f"{command}: {done.stdout}{done.stderr}")


def scenario_run(name, commands, command, known, counts, every):
    prepare(commands)
    files = snapshot()
    before = etc(BEFORE) if known else etc(files)
    calls = record(command)
    after = machine.files_read() if command[0] != "rollback" else etc(files)
    tried = counts[0]
    good = judge(name, files, calls, before, after, known, counts, every)
    print(f"{name}: {good} of {counts[0] - tried} states after a power cut restored ({len(calls)} calls)", flush=True)
    return files, calls, before, after


def recoveries_run(scenarios, counts):
    """Power cuts while the boot unit recovers from a power cut, for some of the states."""
    tried, good, recovered = counts[0], 0, 0
    for (files, calls, before, after), (name, _, _, known) in scenarios:
        for state in crash_states(files, calls, SOME):
            boots(state)
            again = record(["rollback", "--pending"])
            good += judge(f"rollback --pending after {name}", state, again, before, after, known, counts)
            recovered += 1
    print(f"{recovered} recoveries: {good} of {counts[0] - tried} states after a second power cut restored")


def killed_run(counts):
    """A power cut while rollback, on the same boot, reverts a command that was killed."""
    tried, good, killed = counts[0], 0, 0
    for syscall, times in (("write", 16), ("fsync", 18), ("renameat", 3), ("openat", 60), ("unlinkat", 3)):
        for when in range(1, times + 1):
            prepare([])
            files = snapshot()
            if not machine.run(PERSIST, killed_at(syscall, when)).returncode:
                break
            calls = list(calls_read())
            calls += record(["rollback"])
            good += judge(f"rollback after a kill at {syscall} {when}", files, calls, etc(BEFORE), etc(BEFORE), True,
                          counts, SOME)
            killed += 1
    print(f"{killed} times killed, then rollback: {good} of {counts[0] - tried} states after a power cut restored")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    machine.enter()
    counts = [0, 0]
    done = [(scenario_run(*scenario, counts, options.every), scenario) for scenario in SCENARIOS]
    if options.all:
        recoveries_run(done, counts)
        killed_run(counts)
    print(f"{counts[1]} of {counts[0]} restored")
    sys.exit(counts[0] != counts[1])


if __name__ == "__main__":
    main()
