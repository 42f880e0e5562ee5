"""Disposable machines (tests/vm/machine) for what all namespaces share: limits of the kernel, and control groups."""
import fcntl
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import namespaces
import servers
from servers import GROUP

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = "/usr/bin/python3"
NONE_HERE = 77  # Exit status of tests/vm/machine.
# Of the standard library: what no case imports.
LEFT_OUT = ("test", "idlelib", "lib2to3", "tkinter", "ensurepip", "pydoc_data", "unittest", "distutils", "config-*",
            "dist-packages", "*.opt-*.pyc")
# What of each is in use before the server starts: a value "+N" is N more.
IN_USE = {
    "fs.file-max": lambda: int(namespaces.sysctl_read("fs.file-nr").split()[0]),
    "net.ipv4.neigh.default.gc_thresh3": lambda: neighbours(),
}


def neighbours():
    """Column 1, the same on each CPU."""
    with open("/proc/net/stat/arp_cache") as file:
        return int(file.read().splitlines()[1].split()[0], 16)


def is_global(name):
    return name.startswith(("fs.", "net.", "kernel.", "vm."))


def python_files(at):
    """Copies the standard library once, and returns options of tests/vm/machine for an interpreter."""
    library = subprocess.run([PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"], check=True,
                             capture_output=True, text=True).stdout.strip()
    os.makedirs(at.parent, exist_ok=True)
    with open(f"{at}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not at.exists():
            new = at.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(library, new, ignore=shutil.ignore_patterns(*LEFT_OUT))
            for module in new.glob("lib-dynload/*.so"):
                module.chmod(0o755)  # tests/vm/machine copies the libraries of what is executable.
            new.rename(at)
    modules = [module for module in at.glob("lib-dynload/*.so") if module.name.startswith(("_ctypes.", "_json.", "resource."))]
    return [f"{PYTHON}:{PYTHON}", f"{at}:{library}", *(f"{module}:{library}/lib-dynload/{module.name}" for module in modules)]


SCRIPT = f"""#!/bin/sh
mkdir /tmp/truth
printf '%s' "$1" >/tmp/case
shift
PROGRAM=/usr/bin/epolltune exec unshare --mount --pid --fork --kill-child --mount-proc {PYTHON} /tests/truth/run --case --work /tmp/truth "$@" </tmp/case
"""


def command(case, work, more, program):
    """The argument vector that runs the case in a machine of its own; its script is written below work."""
    script = f"{work}/script"
    with open(script, "w") as file:
        file.write(SCRIPT)
    files = python_files(ROOT / "build/truth/python")
    files += [f"{ROOT}/tests/truth:/tests/truth", f"{ROOT}/tests/cli/lint/gists:/tests/cli/lint/gists"]
    for tool in servers.tools(case["server"]):
        if tool != PYTHON:
            files.append(f"{shutil.which(tool)}:/usr/bin/{tool}")
    options = [option for file in files for option in ("--file", file)]
    return [str(ROOT / "tests/vm/machine"), "--kernel", case["kernel"], "--program", program, "--time", "800", *options,
            script, json.dumps(case), *more]


class Machine:
    """The machine that this process runs in: its values before the case."""

    def __init__(self):
        self.original = {}
        self.in_use = {}  # Before the server starts, where a value is relative to it.

    def prepare(self, settings):
        """Gives each value of the machine that a phase before has changed back, and writes those of this phase."""
        if settings.get("tracked"):
            if os.path.exists("/proc/sys/net/netfilter"):
                subprocess.run(["modprobe", "-r", "nf_conntrack"], check=False)
            namespaces.run("modprobe", "nf_conntrack", "enable_hooks=1")
        wanted = {name: value for name, value in settings.items() if is_global(name)}
        for name in wanted:
            self.original.setdefault(name, namespaces.sysctl_read(name))
        for name, value in (self.original | wanted).items():
            if str(value).startswith("+"):
                self.in_use[name] = IN_USE[name]()
                value = self.in_use[name] + int(value)
            namespaces.sysctl_write(name, value)
        group_make({name: value for name, value in settings.items() if name.startswith(("memory.", "cpu.", "pids."))})

    def cleanup(self):
        """Waits until nothing is left of the processes of a phase."""
        deadline = time.monotonic() + 60
        while os.path.exists("/sys/class/net/wire") or group_removed():
            if time.monotonic() > deadline:
                raise TimeoutError("the wire or the control group of a phase remains")
            time.sleep(0.01)


def group_make(limits):
    if not limits:
        return
    with open("/sys/kernel/mm/transparent_hugepage/enabled", "w") as file:  # What a group takes is weighed by the page.
        file.write("never")
    with open("/sys/fs/cgroup/cgroup.subtree_control", "w") as file:
        file.write("+memory +cpu +pids")
    os.makedirs(GROUP, exist_ok=True)
    for name, value in limits.items():
        if not str(value).startswith("+"):
            with open(f"{GROUP}/{name}", "w") as file:
                file.write(str(value))


def group_removed():
    """Whether it is still there."""
    try:
        os.rmdir(GROUP)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
