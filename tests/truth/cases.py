"""The cases, as data. A row is one kind of fault; severities, servers and needs make its cases."""
import hashlib
import json
import os
import platform
from dataclasses import dataclass, field
from itertools import product
from math import inf
from pathlib import Path

import rivals

SEVERITIES = (0.5, 0.9, 1.1, 1.5)  # Capacity by need: below 1 it is short.


def files(capacity):
    """What known servers hold besides connections is about 10 descriptors; the oracle has the last word."""
    return {"RLIMIT_NOFILE": capacity + 10}


def ports(capacity):
    """Ends of the same parity would make the kernel log a line."""
    return {"net.ipv4.ip_local_port_range": f"20000 {20000 + capacity // 2 * 2 - 1}"}


def window(name, share):
    """The buffer that carries so many bytes on their way: share of it is window."""
    return lambda capacity: {name: f"4096 {min(131072, int(capacity / share))} {int(capacity / share)}"}


# Targets, by what the wall needs. Everything else of them is small.
def arrivals(need, case):
    return {"connections": need, "rate": need * 10, "stall": "100ms", "rtt": "1ms"}


def round_trips(need, case):
    return {"connections": 50, "rate": round(need / case["rtt"]), "stall": "1ms", "rtt": f"{int(case['rtt'] * 1000)}ms"}


def held(need, case):
    return {"connections": need, "rate": 10, "stall": "10ms", "rtt": "1ms"}


def opened(need, case):
    return {"role": "proxy", "connections": need, "rate": 1, "stall": "10ms", "rtt": "1ms"}


def reopened(need, case):
    return {"role": "proxy", "connections": 1, "rate": need // 60, "stall": "10ms", "rtt": "1ms"}


def met(need, case):
    return held(need, case) | {"peers": need}


def remembered(need, case):
    return held(need, case) | {"rate": 1}


def closed(need, case):
    return round_trips(need, case) | {"connections": need, "stall": "10ms"}


def carried(need, case):
    return {"connections": 10, "rate": 10, "stall": "10ms", "rtt": f"{int(case['rtt'] * 1000)}ms",
            "bandwidth": f"{case['bandwidth'] // 1000}kbit"}


def received(need, case):
    return {"connections": 10, "rate": 10, "stall": "100ms", "rtt": "1ms", "datagrams": need * 10,
            "datagram": case["payload"]}


@dataclass(frozen=True)
class Row:
    """One kind of fault.

    capacity -> settings is what is planted; base holds of every case of the row, planted or not. load is the
    oracle's. may: walls that are short for the same reason, neither right nor wrong. ample: of the need, from which
    on no wall may be tight, and nothing be warned of. queued: servers of which exit status 3 is right, too, where no wall
    is short.
    """

    wall: str
    owner: str
    knob: str
    load: str
    target: object
    servers: tuple
    needs: tuple
    plant: object
    mode: str = "server"
    base: dict = field(default_factory=dict)
    more: dict = field(default_factory=dict)
    may: tuple = ()
    queued: tuple = ()
    kernel: str = ""  # Of a machine of its own, for what namespaces share.
    severities: tuple = SEVERITIES
    ample: float = 1.5


WEB = ("nginx", "haproxy", "redis", "memcached", "node", "gunicorn", "asyncio")
SOMAXCONN = "net.core.somaxconn"
UNIX = {"unix": 1}
# Its synchronous workers serve a few at a time, and whether the others wait too long depends on its requests: as far as
# they fit into the accept queue application.limit is unknown.
QUEUED = ("gunicorn",)
CONNECTED = {"connected": 0.5}  # Share of the clients that are there while epolltune checks.

# Where no network card is visible, one may give each datagram a page: twice what the wire here takes.
BY_CARD = {"severities": (*SEVERITIES, 3), "ample": 3}

ROWS = (
    # What a synchronous worker does not serve waits there: beyond that both are short.
    Row("accept-queue", "kernel", SOMAXCONN, "burst", arrivals, WEB, (120, 900), lambda c: {SOMAXCONN: c - 1},
        may=("application.limit",), queued=QUEUED),
    Row("accept-queue", "application", "listen.backlog", "burst", arrivals, WEB, (200, 1500),
        lambda c: {"listen.backlog": c - 1}, may=("application.limit",), queued=QUEUED),
    Row("accept-queue", "kernel", SOMAXCONN, "burst", arrivals, ("nginx", "redis"), (300,),
        lambda c: {SOMAXCONN: c - 1}, mode="run"),
    Row("accept-queue", "application", "listen.backlog", "burst", arrivals, ("nginx", "redis", "haproxy", "memcached"),
        (400,), lambda c: {"listen.backlog": c - 1}, mode="run"),
    # Four queues together hold less than their sum: by Poisson, a quarter of the need each and three deviations.
    Row("accept-queue", "application", "listen.backlog", "burst", arrivals, ("nginx",), (400, 1600),
        lambda c: {"listen.backlog": c // 4 + int(3 * (c / 4) ** 0.5)}, base={"workers": 4, "reuseport": 1}, more={"bursts": 24}),
    Row("accept-queue.unix", "kernel", SOMAXCONN, "burst", arrivals, WEB, (150,), lambda c: {SOMAXCONN: c - 1}, base=UNIX,
        may=("application.limit",), queued=QUEUED),
    Row("accept-queue.unix", "application", "listen.backlog", "burst", arrivals, WEB, (250,),
        lambda c: {"listen.backlog": c - 1}, base=UNIX, may=("application.limit",), queued=QUEUED),
    Row("syn-queue", "kernel", "net.ipv4.tcp_max_syn_backlog", "handshakes", round_trips, ("nginx", "redis", "haproxy"),
        (120, 360), lambda c: {"net.ipv4.tcp_max_syn_backlog": (c - 1) * 4 // 3},
        base={"net.ipv4.tcp_syncookies": 0}, more={"rtt": 0.4}),
    Row("syn-queue", "application", "listen.backlog", "handshakes", round_trips, ("nginx", "redis"), (120,),
        lambda c: {"listen.backlog": c - 1}, base={"net.ipv4.tcp_syncookies": 0}, more={"rtt": 0.4}),
    Row("syn-queue", "kernel", SOMAXCONN, "handshakes", round_trips, ("nginx", "haproxy"), (120,),
        lambda c: {SOMAXCONN: c - 1}, base={"net.ipv4.tcp_syncookies": 0}, more={"rtt": 0.4}),
    # Redis takes its own limit from it.
    Row("descriptors.process", "process", "RLIMIT_NOFILE", "hold", held, ("nginx", "redis", "node", "asyncio"),
        (300, 1000), files, may=("application.limit",)),
    Row("descriptors.process", "process", "RLIMIT_NOFILE", "hold", held, ("nginx", "redis"), (300,), files, more=CONNECTED,
        may=("application.limit",), severities=(0.9, 1.1, 1.5)),
    Row("descriptors.process", "process", "RLIMIT_NOFILE", "hold", held, ("node",), (600,), files, mode="run",
        may=("application.connections",)),
    # It spins once it has no descriptor left, of which check --run warns, however many it has.
    Row("descriptors.process", "process", "RLIMIT_NOFILE", "hold", held, ("asyncio",), (600,), files, mode="run",
        may=("application.connections",), ample=inf),
    Row("application.connections", "application", "", "hold", held, ("nginx", "redis", "haproxy", "node"),
        (200, 800), lambda c: {"application.connections": c}, mode="run"),
    # It sets its RLIMIT_NOFILE by that number, too.
    Row("application.connections", "application", "", "hold", held, ("memcached",), (200, 800),
        lambda c: {"application.connections": c}, mode="run", may=("descriptors.process",)),
    # The same of a server that runs already.
    Row("application.limit", "application", "", "hold", held, ("nginx", "haproxy", "redis"), (300,),
        lambda c: {"application.connections": c}),
    Row("application.limit", "application", "", "hold", held, ("memcached",), (300,),
        lambda c: {"application.connections": c}, may=("descriptors.process",)),
    Row("ports.ephemeral", "kernel", "net.ipv4.ip_local_port_range", "hold", opened, ("proxy",), (700, 1000, 2000), ports,
        may=("ports.rate",)),
    Row("ports.rate", "kernel", "net.ipv4.tcp_tw_reuse", "reconnect", reopened, ("redis-benchmark", "node"),
        (300, 1200), ports, mode="host"),
    # From 0.65 to 0.87 of it is window, so that 1.5 of the need can be as little as the margin.
    Row("buffers.send", "kernel", "net.ipv4.tcp_wmem", "transfer", carried, ("nginx",), (100_000, 400_000),
        window("net.ipv4.tcp_wmem", 0.78), mode="host", more={"rtt": 0.2}, severities=(*SEVERITIES, 2), ample=2),
    Row("buffers.receive", "kernel", "net.ipv4.tcp_rmem", "transfer", carried, ("nginx",), (100_000, 400_000),
        window("net.ipv4.tcp_rmem", 0.45), mode="host", more={"rtt": 0.2}),
    Row("udp.receive", "application", "SO_RCVBUF", "datagrams", received, ("datagrams",), (100, 600),
        lambda c: {"SO_RCVBUF": c * 2304 // 2}, base={"SO_RCVBUF": 2 << 20}, more={"payload": 1200}, **BY_CARD),
)

MAX_CONNTRACK = "net.netfilter.nf_conntrack_max"
RMEM_MAX = "net.core.rmem_max"
RMEM_DEFAULT = "net.core.rmem_default"
MAX_ORPHANS = "net.ipv4.tcp_max_orphans"
TCP_MEM = "net.ipv4.tcp_mem"
UNPRIVILEGED = {"user": 1000}
MEMORY = ("memory.connection", "buffers.memory")
BUSY = 16

MACHINE_ROWS = (
    Row("descriptors.system", "kernel", "fs.file-max", "stay", held, ("redis", "nginx"), (1000,),
        lambda c: {"fs.file-max": f"+{c + 30}"}, base=UNPRIVILEGED, kernel="6.12"),
    Row("epoll.watches", "kernel", "fs.epoll.max_user_watches", "hold", held, ("redis", "nginx"), (400,),
        lambda c: {"fs.epoll.max_user_watches": c + 4}, base=UNPRIVILEGED, kernel="6.1"),
    Row("conntrack", "kernel", MAX_CONNTRACK, "hold", remembered, ("redis", "nginx"), (300,),
        lambda c: {MAX_CONNTRACK: c + 2}, base={"tracked": 1, "net.netfilter.nf_conntrack_tcp_timeout_time_wait": 1},
        kernel="6.12"),
    Row("neighbours", "kernel", "net.ipv4.neigh.default.gc_thresh3", "peers", met, ("redis", "nginx"), (200,),
        lambda c: {"net.ipv4.neigh.default.gc_thresh3": f"+{c}"}, kernel="6.1"),
    Row("udp.receive", "kernel", RMEM_MAX, "datagrams", received, ("datagrams",), (400,),
        lambda c: {RMEM_MAX: c * 2304 // 2}, base={"SO_RCVBUF": 2 << 20, RMEM_MAX: 4 << 20}, more={"payload": 1200},
        kernel="6.12", **BY_CARD),
    Row("udp.receive", "kernel", RMEM_DEFAULT, "datagrams", received, ("memcached-udp",), (400,),
        lambda c: {RMEM_DEFAULT: c * 2304}, base={RMEM_DEFAULT: 4 << 20}, more={"payload": 1200}, kernel="6.12",
        **BY_CARD),
    # An answer of the oracle takes two round trips: a reset harms no client of a shorter one.
    Row("orphans", "kernel", MAX_ORPHANS, "closes", closed, ("nginx",), (40,), lambda c: {MAX_ORPHANS: c},
        more={"rtt": 0.8}, kernel="6.12", severities=(0.5, 3)),
    # Pages: a small request that waits takes one.
    Row("buffers.memory", "kernel", TCP_MEM, "unread", arrivals, ("redis", "nginx"), (1500,), lambda c: {TCP_MEM: f"{c} {c} {c}"},
        more={"probes": "buffers"}, kernel="6.12", severities=(0.5, 0.75, 1.5)),
    # The need is what the oracle weighs, of clients that are idle: busy ones take up to so many times as much.
    Row("cgroup.memory", "container", "memory.max", "stay", held, ("nginx",), (2000,), lambda c: {},
        base={"memory.max": "max"}, more={"weigh": 1}, may=MEMORY, kernel="6.12", severities=(0.5, 0.75, 1.5, BUSY),
        ample=BUSY),
    Row("cgroup.memory", "container", "memory.max", "stay", held, ("nginx",), (2000,), lambda c: {},
        base={"memory.max": "max"}, more={"weigh": 1} | CONNECTED, may=MEMORY, kernel="6.12",
        severities=(0.75, 1.5, BUSY), ample=BUSY),
    # Its clients keep a buffer of 16 KiB for 5 s, so that what they weigh depends on how fast they come.
    Row("cgroup.memory", "container", "memory.max", "stay", held, ("redis",), (2000,), lambda c: {},
        base={"memory.max": "max"}, more={"weigh": 1}, may=MEMORY, kernel="6.12", severities=(0.5, 1.5, BUSY), ample=BUSY),
    Row("cgroup.memory", "container", "memory.max", "stay", held, ("redis",), (2000,), lambda c: {},
        base={"memory.max": "max"}, more={"weigh": 1} | CONNECTED, may=MEMORY, kernel="6.12",
        severities=(0.5, 1.5, BUSY), ample=BUSY),
    # A busy process in the same group takes one CPU; answers wait for the next period.
    Row("cgroup.cpu", "container", "cpu.max", "paced", held, ("redis", "nginx"), (100,),
        lambda c: {"cpu.max": f"{c * 1000} 100000"}, base={"cpu.max": "max 100000", "spins": 1}, kernel="6.1",
        severities=(0.5, 1.5)),
)

# Odd and harmless for 150 clients: values of a whole machine, and of a control group.
MACHINE_DECOYS = {
    "defaults": {},
    "file-max-20000": {"fs.file-max": 20000, "user": 1000},
    "file-max-huge": {"fs.file-max": 9223372036854775807},
    "watches-5000": {"fs.epoll.max_user_watches": 5000, "user": 1000},
    "tracked": {"tracked": 1, MAX_CONNTRACK: 8192, "net.netfilter.nf_conntrack_tcp_timeout_time_wait": 1},
    "neighbours-200": {"net.ipv4.neigh.default.gc_thresh1": 64, "net.ipv4.neigh.default.gc_thresh2": 128,
                       "net.ipv4.neigh.default.gc_thresh3": 200},
    "orphans-1000": {MAX_ORPHANS: 1000},
    "backlog-500": {"net.core.netdev_max_backlog": 500},
    "budget-64": {"net.core.netdev_budget": 64},
    "socket-buffers-64k": {RMEM_MAX: 65536, "net.core.wmem_max": 65536},
    "group-roomy": {"memory.max": 256 << 20, "pids.max": 200, "cpu.max": "200000 100000"},
    "group-few-pids": {"pids.max": 40},
    "swap-and-dirty": {"vm.swappiness": 100, "vm.dirty_ratio": 5, "vm.overcommit_memory": 1},
}
MACHINE_KERNELS = ("6.1", "6.12", "newest")

# Two causes at once, by the walls and owners of rows above that share a server and a mode.
PAIRS = (
    (("accept-queue", "kernel"), ("descriptors.process", "process")),
    (("accept-queue", "application"), ("descriptors.process", "process")),
    (("accept-queue", "application"), ("application.connections", "application")),
    (("accept-queue", "kernel"), ("application.connections", "application")),
    (("accept-queue", "application"), ("application.limit", "application")),
    (("accept-queue.unix", "application"), ("descriptors.process", "process")),
    (("ports.ephemeral", "kernel"), ("accept-queue", "application")),
    (("buffers.send", "kernel"), ("buffers.receive", "kernel")),
)

# Odd and harmless for 150 clients: values of this network namespace. None may be accused.
DECOYS = {
    "defaults": {},
    "somaxconn-512": {SOMAXCONN: 512},
    "somaxconn-65535": {SOMAXCONN: 65535},
    "syn-backlog-64-with-cookies": {"net.ipv4.tcp_max_syn_backlog": 64},
    "syn-backlog-65535": {"net.ipv4.tcp_max_syn_backlog": 65535},
    "cookies-always": {"net.ipv4.tcp_syncookies": 2},
    "abort-on-overflow": {"net.ipv4.tcp_abort_on_overflow": 1},
    "tw-buckets-500": {"net.ipv4.tcp_max_tw_buckets": 500},
    "tw-reuse-1": {"net.ipv4.tcp_tw_reuse": 1},
    "ports-few-server": {"net.ipv4.ip_local_port_range": "40000 40099"},
    "ports-wide": {"net.ipv4.ip_local_port_range": "10240 65535"},
    "rmem-small": {"net.ipv4.tcp_rmem": "4096 16384 65536"},
    "wmem-small": {"net.ipv4.tcp_wmem": "4096 16384 65536"},
    "rmem-large": {"net.ipv4.tcp_rmem": "4096 87380 33554432"},
    "wmem-large": {"net.ipv4.tcp_wmem": "4096 65536 33554432"},
    "no-timestamps": {"net.ipv4.tcp_timestamps": 0},
    "no-sack": {"net.ipv4.tcp_sack": 0, "net.ipv4.tcp_dsack": 0},
    "no-window-scaling": {"net.ipv4.tcp_window_scaling": 0},
    "fin-timeout-5": {"net.ipv4.tcp_fin_timeout": 5},
    "keepalive-60": {"net.ipv4.tcp_keepalive_time": 60, "net.ipv4.tcp_keepalive_intvl": 10},
    "retries-low": {"net.ipv4.tcp_synack_retries": 2, "net.ipv4.tcp_syn_retries": 3, "net.ipv4.tcp_retries2": 8},
    "fastopen-3": {"net.ipv4.tcp_fastopen": 3},
    "slow-start-after-idle-0": {"net.ipv4.tcp_slow_start_after_idle": 0},
    "no-metrics-save": {"net.ipv4.tcp_no_metrics_save": 1},
    "ecn-1": {"net.ipv4.tcp_ecn": 1},
    "mtu-probing": {"net.ipv4.tcp_mtu_probing": 1},
    "notsent-lowat": {"net.ipv4.tcp_notsent_lowat": 16384},
    "busy-cpu": {"neighbours": 2},
    "small-server-limits": {"listen.backlog": 255, "RLIMIT_NOFILE": 1600, "application.connections": 700},
    "small-backlog": {"listen.backlog": 200},
    "reno": {"net.ipv4.tcp_congestion_control": "reno"},
}
OF_CAUSE = ("wall", "owner", "knob", "severity", "finest", "ample", "may", "queued")  # What a result keeps of it.
HEALTHY_SERVERS = ("nginx", "redis", "haproxy", "memcached", "node")
HEALTHY_NEED = 150


def files_as_decoys(advice):
    return {f"advice-{name}": values for name, values in advice.items()}


def cause(row, need, severity):
    return {"wall": row.wall, "owner": row.owner, "knob": row.knob, "load": row.load, "need": need,
            "severity": severity, "finest": max(of for of in row.severities if of < 1), "ample": severity >= row.ample,
            "may": list(row.may), "queued": list(row.queued), "plant": row.plant(round(need * severity)), "enough": row.plant(need)}


def options(row, need, case):
    return row.target(need, case)


def base_case(row, server, need):
    return {"server": server, "mode": row.mode, "base": dict(row.base), "rtt": 0, "bursts": 1, "payload": 1200,
            "bandwidth": 1_000_000} | row.more | ({"bandwidth": round(need / row.more["rtt"] * 8)} if row.load == "transfer" else {})


def planted():
    for row in ROWS + MACHINE_ROWS:
        for server, need, severity in product(row.servers, row.needs, row.severities):
            case = base_case(row, server, need)
            if row.kernel:
                case["kernel"] = row.kernel
            mode = f"machine-{row.kernel}" if row.kernel else row.mode
            kind = "-reuseport" * ("reuseport" in row.base) + "-connected" * ("connected" in row.more)
            case["id"] = f"{row.wall}/{row.owner}/{row.knob or 'directive'}/{mode}/{server}{kind}/{need}x{severity}"
            case["causes"] = [cause(row, need, severity)]
            case["target"] = {"bandwidth": "1mbit"} | row.target(need, case)
            yield case


def two_causes():
    done = set()
    for first, second in PAIRS:
        for a, b, larger in product(ROWS, ROWS, (1, 2)):
            if (a.wall, a.owner) != first or (b.wall, b.owner) != second or a.mode != b.mode and "host" in (a.mode, b.mode):
                continue
            if a.base.get("reuseport") or "connected" in a.more or "connected" in b.more or b.base.get("unix") and not a.base.get("unix"):
                continue
            mode = "run" if "run" in (a.mode, b.mode) else a.mode
            if (mode == "run") != ("application.connections" in (first[0], second[0])):
                continue
            if a.mode == "server" and mode == "run":
                continue
            for server in [s for s in a.servers if s in b.servers] or ["proxy"] * ("proxy" in a.servers):
                need = max(a.needs[0], b.needs[0]) * larger
                case = base_case(a, server, need)
                case["base"] |= b.base
                case["mode"] = mode
                case["id"] = f"two/{a.wall}+{b.wall}/{a.owner}/{mode}/{server}/{need}"
                case["causes"] = [cause(a, need, 0.5), cause(b, need, 0.5)]
                one, two = a.target(need, case), b.target(need, case)
                # The larger load of both; the stall is that of the row whose wall is made of it.
                case["target"] = {"bandwidth": "1mbit"} | one | two | {
                    key: max(one[key], two[key]) for key in ("connections", "rate") if key in one and key in two}
                for row, target in ((a, one), (b, two)):
                    if row.target is arrivals:
                        case["target"] |= {"stall": target["stall"], "rate": target["rate"]}
                if case["id"] not in done:
                    done.add(case["id"])
                    yield case


def healthy_case(name, server, values):
    return {"id": f"healthy/{name}/{server}", "lenient": name.startswith("advice-"), "server": server, "mode": "server",
            "rtt": 0, "bursts": 1, "payload": 1200, "bandwidth": 1_000_000, "base": dict(values), "causes": [],
            "target": {"connections": HEALTHY_NEED, "rate": HEALTHY_NEED * 10, "stall": "100ms", "rtt": "1ms",
                       "bandwidth": "1mbit"}}


def healthy(advice):
    decoys = DECOYS | files_as_decoys(advice)
    for (name, values), server in product(decoys.items(), HEALTHY_SERVERS):
        yield healthy_case(name, server, values)
    for number, (name, values) in enumerate(MACHINE_DECOYS.items()):
        kernel = MACHINE_KERNELS[number % len(MACHINE_KERNELS)]
        yield healthy_case(f"machine-{kernel}-{name}", ("nginx", "redis")[number % 2], values) | {"kernel": kernel}


def every():
    """All cases."""
    advice = {name.split()[-1]: {k: v.lstrip(">") for k, v in values.items()} for name, values in rivals.constants().items()}
    found = {}
    for case in (*planted(), *two_causes(), *healthy(advice)):
        if case["id"] in found:
            raise ValueError(f"two cases are {case['id']}")
        found[case["id"]] = case
    return list(found.values())


def hash_of(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()[:12]


def row_of(case):
    """What a result holds for: another value of the case makes another."""
    return hash_of(json.dumps(case))


def basis():
    """What else makes another: the benchmark itself, the kernel, and the CPUs."""
    here = Path(__file__).parent
    return {"bench": hash_of(b"".join(path.read_bytes() for path in (*sorted(here.glob("*.py")), here / "run"))),
            "kernel": platform.release(), "cpus": os.cpu_count()}
