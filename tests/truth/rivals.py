"""What others would write on the same machines: constants as data, by network sysctls only.

A value ">N" means at least N, as in TuneD. Values of the whole machine (vm.*, fs.*, net.core.*mem_max) are left out:
no case depends on them.
"""
import re
from pathlib import Path

GISTS = Path(__file__).resolve().parent.parent / "cli/lint/gists"

# The [sysctl] sections of Debian's tuned 2.20.0, includes resolved.
TUNED = {
    "TuneD throughput-performance": {"net.core.somaxconn": ">2048"},
    "TuneD network-throughput": {"net.core.somaxconn": ">2048", "net.ipv4.tcp_rmem": "4096 87380 16777216",
                                 "net.ipv4.tcp_wmem": "4096 16384 16777216"},
    "TuneD network-latency": {"net.ipv4.tcp_fastopen": "3"},
}

DOUBLED = ("net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_max_tw_buckets")
LIMIT_OF_DOUBLING = 65536

# Not visible in a network namespace, or not the network's.
GLOBAL = re.compile(r"(vm|fs|kernel)\.|net\.core\.(rmem|wmem|netdev|busy|optmem|default_qdisc)|net\.netfilter|"
                    r"net\.ipv4\.tcp_(mem|max_orphans)$|net\.ipv4\.udp_mem")

# What the loads of the oracle can depend on; rivals that differ in nothing of it are tried once.
MATTERS = re.compile(r"net\.core\.somaxconn|net\.ipv4\.(ip_local_|tcp_(syncookies|max_syn|max_tw|tw_|abort|rmem|wmem|"
                     r"window_scaling|timestamps|sack|moderate|congestion|slow_start|syn_retries|synack|fin_timeout))")


def gist(path):
    values = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition("#")[0].partition("=")
        if name.strip() and not GLOBAL.match(name.strip()):
            values[name.strip()] = " ".join(value.split()).strip('"')
    return values


def constants():
    """Name to the sysctls that it writes, whatever the machine."""
    return TUNED | {f"gist {path.stem}": gist(path) for path in sorted(GISTS.glob("*.conf"))}


def double(read):
    """Doubles what is below 64 Ki, by the running values."""
    return {name: str(2 * int(read(name))) for name in DOUBLED if int(read(name)) < LIMIT_OF_DOUBLING}


def value_to_write(value, current):
    if value.startswith(">"):
        return value[1:] if int(current) < int(value[1:]) else None
    return value if value != current else None
