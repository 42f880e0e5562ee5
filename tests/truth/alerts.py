"""Alert rules on counters and gauges, as rivals: what they see of the host while the oracle's clients load it.

Time ranges are left out: a rule fires if its condition holds when the load ends, or if its counter grew.
"""
import os
import resource

LOSSES = ("TcpExt.ListenOverflows", "TcpExt.ListenDrops", "TcpExt.TCPReqQFullDrop", "TcpExt.TCPReqQFullDoCookies",
          "TcpExt.TCPTimeWaitOverflow", "TcpExt.PruneCalled", "TcpExt.RcvPruned", "TcpExt.TCPRcvQDrop",
          "TcpExt.TCPBacklogDrop", "TcpExt.TCPAbortOnMemory", "Udp.RcvbufErrors", "softnet.dropped",
          "nf_conntrack.drop", "nf_conntrack.early_drop", "arp_cache.table_fulls")
GAUGES = ("files", "conntrack", "process files", "TCP memory", "orphans", "TIME_WAIT", "neighbours")

# Name to (gauge to the share of its limit above which it fires, counters that may not grow).
RULES = {
    # prometheus/node_exporter, docs/node-mixin/alerts/alerts.libsonnet
    "alerts of node_exporter's mixin": ({"conntrack": 0.75, "files": 0.7}, ()),
    "each gauge above 80 % of its limit": (dict.fromkeys(GAUGES, 0.8), ()),
    "each counter of losses that grows": ({}, LOSSES),
}


def numbers(path):
    try:
        with open(path) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def table(path, name, found):
    """/proc/net/stat: a line of names, then one of each CPU."""
    try:
        with open(path) as file:
            head, *lines = (line.split() for line in file)
    except OSError:
        return
    for column, of in enumerate(head):
        found[f"{name}.{of}"] = sum(int(line[column], 16) for line in lines)


def counters():
    found = {}
    for path in ("/proc/thread-self/net/netstat", "/proc/thread-self/net/snmp"):
        with open(path) as file:
            lines = [line.split() for line in file]
        for names, values in zip(lines[::2], lines[1::2]):
            found |= {names[0].rstrip(":") + "." + name: int(value) for name, value in zip(names[1:], values[1:])}
    table("/proc/thread-self/net/stat/nf_conntrack", "nf_conntrack", found)
    table("/proc/thread-self/net/stat/arp_cache", "arp_cache", found)
    with open("/proc/thread-self/net/softnet_stat") as file:
        found["softnet.dropped"] = sum(int(line.split()[1], 16) for line in file)
    return found


def process_files(network):
    """The largest share of their RLIMIT_NOFILE that processes of this network namespace have open."""
    largest = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(pid) in (1, os.getpid()) or os.readlink(f"/proc/{pid}/ns/net") != network:
                continue
            limit = resource.prlimit(int(pid), resource.RLIMIT_NOFILE)[0]
            largest = max(largest, len(os.listdir(f"/proc/{pid}/fd")) / limit)
        except OSError:
            pass  # It has ended.
    return largest


def gauges():
    sockets = {}
    with open("/proc/thread-self/net/sockstat") as file:
        for line in file:
            name, *pairs = line.split()
            sockets |= {name + key: int(value) for key, value in zip(pairs[::2], pairs[1::2])}
    ratios = {
        "files": (numbers("/proc/sys/fs/file-nr")[:1], numbers("/proc/sys/fs/file-max")),
        "conntrack": (numbers("/proc/sys/net/netfilter/nf_conntrack_count"), numbers("/proc/sys/net/netfilter/nf_conntrack_max")),
        "TCP memory": ([sockets["TCP:mem"]], numbers("/proc/sys/net/ipv4/tcp_mem")[2:]),
        "orphans": ([sockets["TCP:orphan"]], numbers("/proc/sys/net/ipv4/tcp_max_orphans")),
        "TIME_WAIT": ([sockets["TCP:tw"]], numbers("/proc/sys/net/ipv4/tcp_max_tw_buckets")),
        "neighbours": ([counters().get("arp_cache.entries", 0) // os.cpu_count()], numbers("/proc/sys/net/ipv4/neigh/default/gc_thresh3")),
    }
    found = {name: used[0] / limit[0] for name, (used, limit) in ratios.items() if used and limit and limit[0]}
    return found | {"process files": process_files(os.readlink("/proc/thread-self/ns/net"))}


def firing(before, after, of):
    """The rules that fire, each with the first reason."""
    fired = {}
    for name, (shares, losses) in RULES.items():
        reasons = [gauge for gauge, share in shares.items() if of.get(gauge, 0) > share]
        reasons += [counter for counter in losses if after.get(counter, 0) > before.get(counter, 0)]
        if reasons:
            fired[name] = reasons[0]
    return fired


def watched(hosts, load):
    """What load() returns, and the rules that fire at the server's host when it ends."""
    before = counters()
    answer = load()
    hosts.leave()
    return answer, firing(before, counters(), gauges())
