"""A disposable machine to change and to reboot: private user, network, mount and PID namespaces.

Its knobs are those of its network namespace, its files are in memory. A reboot gives it another boot id, ends the
watchdogs, and sets its knobs as the files in sysctl.d say, otherwise to the kernel's defaults. enter() runs the
calling script again, inside.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys

PROGRAM = os.environ.get("PROGRAM") or str(pathlib.Path(__file__).resolve().parents[2] / "build/epolltune")
STATE, FILES, OURS = "/var/lib/epolltune", "/etc/sysctl.d", "/etc/sysctl.d/90-epolltune.conf"
BOOT, REPORT = "/run/boot_id", "/run/report.json"
# Those of the network namespace, whose defaults do not depend on the machine.
KNOBS = ("net.core.somaxconn", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_fin_timeout")
CALLS = "openat,write,fsync,ftruncate,fchmod,fchown,mkdirat,unlinkat,renameat,renameat2,rename,unlink,mkdir"
defaults = {}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def enter():
    if os.environ.get("EPOLLTUNE_MACHINE") != "inside":
        os.environ["EPOLLTUNE_MACHINE"] = "inside"
        # The shell is process 1, which waits for orphans.
        inside = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child",
                  "--mount-proc", "sh", "-c", '"$@"; exit $?', "sh", sys.executable] + sys.argv
        sys.exit(subprocess.run(inside).returncode)
    if not os.access("/proc/sys/net/core/somaxconn", os.W_OK):
        skip("no private user, network and mount namespaces with net.core")
    for directory in ("/run", "/var/lib", FILES, "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"):
        if os.path.isdir(directory):
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory], check=True)
    # A machine, not a container whose files nothing reads at boot.
    os.makedirs("/run/systemd/system")
    # LeakSanitizer does not work in a traced process.
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"
    defaults.update(knobs_read())
    pathlib.Path(BOOT).write_text("")
    subprocess.run(["mount", "--bind", BOOT, "/proc/sys/kernel/random/boot_id"], check=True)
    boot()


def knob_file(name):
    return pathlib.Path("/proc/sys") / name.replace(".", "/")


def knob_write(name, value):
    knob_file(name).write_text(value)


def knobs_read():
    return {name: " ".join(knob_file(name).read_text().split()) for name in KNOBS}


def at_boot(files):
    """What the files set, in the order of their names, the last line of a knob counts."""
    values = dict(defaults)
    for path in sorted(files):
        if os.path.dirname(path) != FILES or not path.endswith(".conf") or "/." in path:
            continue
        for line in files[path].decode().splitlines():
            name, equals, value = line.partition("=")
            if equals and name.strip() in values and line[0] not in "#;":
                values[name.strip()] = " ".join(value.split())
    return values


def files_read(*directories):
    """The files below the directories, b"" with a final "/" for each directory."""
    found = {}
    for directory in directories or (FILES,):
        if os.path.isdir(directory):
            found[directory + "/"] = b""
        for name in os.listdir(directory) if os.path.isdir(directory) else ():
            found[f"{directory}/{name}"] = pathlib.Path(directory, name).read_bytes()
    return found


def files_write(files):
    """Makes the files of both directories these."""
    for directory in (FILES, STATE):
        for name in os.listdir(directory) if os.path.isdir(directory) else ():
            os.unlink(f"{directory}/{name}")
    if os.path.isdir(STATE):
        os.rmdir(STATE)
    for path in sorted(files):
        if path.endswith("/"):
            os.makedirs(path, 0o755, exist_ok=True)
        else:
            pathlib.Path(path).write_bytes(files[path])


def watchdogs_end():
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text() == "epolltune-watch\n":
                os.kill(int(comm.parent.name), signal.SIGKILL)
        except OSError:
            pass


def boot():
    watchdogs_end()
    number = int(pathlib.Path(BOOT).read_text()[-13:] or "0", 16) + 1
    identity = f"00000000-0000-4000-8000-{number:012x}"
    pathlib.Path(BOOT).write_text(identity + "\n")
    for name, value in at_boot(files_read()).items():
        knob_write(name, value)
    target = {"role": "server", "connections": 1000, "rate_per_s": 1000, "stall_us": 100000, "rtt_us": 50000,
              "bandwidth_bps": 1000000}
    report = {"schema": "epolltune.report/1", "time": "2026-01-01T00:00:00Z", "host": {"boot": identity,
              "isolation": "lab"}, "target": target, "walls": [], "findings": []}
    pathlib.Path(REPORT).write_text(json.dumps(report))


def apply_command(values, *options):
    settings = ",".join(f"{name}={value}" for name, value in values.items())
    return ["apply", "--from", REPORT, "--no-proof", "--yes", "--allow-lower", "--set", settings, *options]


def run(command, tracer=()):
    return subprocess.run([*tracer, PROGRAM, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True)
