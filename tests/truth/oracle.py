"""The oracle: real servers under load, judged by their clients alone. Nothing here knows of epolltune.

Each function returns how many clients were harmed: refused, closed, without an answer, or answered only after the
kernel had sent something of theirs again that had not arrived (TCP_INFO). That needs no clock: a busy machine harms
nobody. Two need one: paced() counts answers that come late, transfer() what a path carries in a round trip.
"""
import errno
import os
import resource
import select
import socket
import struct
import subprocess
import threading
import time

import servers
from namespaces import CLIENT, SERVER
from servers import PORT

QUIET = 0.3  # Seconds without news after which no handshake is on its way; a SYN is sent again after 1 s.
PATIENCE = 6  # Seconds without news after which a client that has no answer gets none.
LATE = 0.02  # Seconds of an answer: less than half of a period of 100 ms, for which a group with half a CPU is stopped.
PACED, LATE_SHARE = 200, 0.1  # Requests, and the share of late answers that is harm.
LAST, PACKETS = 8, 12  # Clients with more packets than a page holds, and these.
FILES = 20000
ANSWER = 20000  # Bytes: more than ten segments, less than a send buffer.
TCP_REPAIR = 19


def tcp_info(client, at):
    return struct.unpack_from("I", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 220), at)[0]


def retransmits(client):
    """tcpi_total_retrans without tcpi_dsack_dups: handshakes, and data that had not arrived."""
    return tcp_info(client, 100) - tcp_info(client, 216)


class Clients:
    """Clients that connect at once, each with one request."""

    def __init__(self, hosts, speaks, unix=None):
        hosts.keep.append(self)
        self.request, self.reply = speaks
        self.unix = unix
        self.poll = select.epoll()
        self.of = {}  # Descriptor to client, of all that are open.
        self.connecting, self.answered, self.failed = set(), set(), set()

    def open(self, source=""):
        client = socket.socket(socket.AF_UNIX if self.unix else socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if source:
            client.bind((source, 0))
        error = client.connect_ex(self.unix or (SERVER, PORT))
        fd = client.fileno()
        self.of[fd] = client
        if error not in (0, errno.EINPROGRESS):
            self.failed.add(fd)
            return
        self.connecting.add(fd)
        self.poll.register(fd, select.EPOLLOUT)

    def look(self, wait):
        """Takes the events of now, or waits for some. Whether there were any."""
        events = self.poll.poll(wait, 4096)
        for fd, _ in events:
            client = self.of[fd]
            try:
                if fd in self.connecting:
                    self.connecting.remove(fd)
                    error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if error:
                        raise OSError(error, "connect")
                    client.send(self.request)
                    self.poll.modify(fd, select.EPOLLIN)
                elif client.recv(4096).startswith(self.reply):
                    self.answered.add(fd)
                    self.poll.modify(fd, 0)
                else:
                    raise ConnectionError("closed")
            except OSError:
                self.failed.add(fd)
                self.answered.discard(fd)
                self.poll.unregister(fd)
        return bool(events)

    def harmed(self):
        again = {fd for fd in self.answered if not self.unix and retransmits(self.of[fd])}
        return len(self.of) - len(self.answered) + len(again)

    def settle(self, quiet):
        while self.look(quiet):
            pass

    def answers(self):
        """Waits until each has its answer or fails."""
        last = time.monotonic()
        while len(self.answered) + len(self.failed) < len(self.of) and time.monotonic() - last < PATIENCE:
            if self.look(0.5):
                last = time.monotonic()


def burst(hosts, case, settings, work):
    """The clients of one stall: they arrive while the server is stopped."""
    server = server_start(hosts, case, settings, work)
    servers.stop(server)
    hosts.enter()
    clients = Clients(hosts, servers.SERVERS[case["server"]].speaks, f"{work}/socket" if settings.get("unix") else None)
    for _ in range(case["need"]):
        clients.open()
        clients.look(0)
    clients.settle(QUIET)
    refused = len(clients.failed)
    servers.resume(server)
    clients.answers()
    return refused if settings.get("unix") else clients.harmed()


def handshakes(hosts, case, settings, work):
    """The clients of one round trip: they arrive before the first of them can end its handshake."""
    servers.start(case["server"], work, settings)
    hosts.enter()
    clients = Clients(hosts, servers.SERVERS[case["server"]].speaks)
    began = time.monotonic()
    for _ in range(case["need"]):
        clients.open()
    if time.monotonic() - began > case["rtt"] * 0.8:
        raise TimeoutError("the machine is too busy to send all within one round trip")
    clients.answers()
    return clients.harmed()


def vanish(client):
    """Ends a connection at this side without a packet: to the server the client stays, and it takes no file here."""
    client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    client.close()


def weigh(hosts, case, settings, work):
    """The memory of the server's control group without the clients of stay(), and what they take of it."""
    servers.start(case["server"], work, settings)
    before = servers.group_memory()
    if stay_clients(hosts, case):
        raise RuntimeError("the clients are harmed without a limit")
    return before, servers.group_memory() - before


def stay(hosts, case, settings, work):
    """hold() where the clients' own files would count as the server's: each has its answer and is on another machine."""
    servers.start(case["server"], work, settings)
    return stay_clients(hosts, case)


def stay_clients(hosts, case):
    hosts.enter()
    clients = 0
    try:
        for clients in range(case["need"]):
            client = socket.create_connection((SERVER, PORT), PATIENCE)
            ask(client, *servers.SERVERS[case["server"]].speaks)
            vanish(client)
    except OSError:
        return case["need"] - clients
    return 0


def paced(hosts, case, settings, work):
    """Requests one after the other at a server that shares its control group with a busy process."""
    servers.start(case["server"], work, settings)
    hosts.enter()
    late = 0
    with socket.create_connection((SERVER, PORT), PATIENCE) as client:
        for _ in range(PACED):
            began = time.monotonic()
            ask(client, *servers.SERVERS[case["server"]].speaks)
            late += time.monotonic() - began > LATE
            time.sleep(0.007)
    return late if late > PACED * LATE_SHARE else 0


def closes(hosts, case, settings, work):
    """Clients whose server answers and closes, as many in a round trip as the target says, for four of them.

    Harmed is who cannot read to the end of the answer. The initial window does not hold it: of a shorter one the kernel
    has sent data and FIN before it resets the orphan. None closes, as the kernel would count its orphan, too.
    """
    os.makedirs(work, exist_ok=True)
    with open(f"{work}/file", "wb") as file:
        file.truncate(ANSWER)
    servers.start(case["server"], work, settings)
    hosts.enter()
    clients = [socket.socket() for _ in range(case["need"] * 4)]
    hosts.keep.append(clients)
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # No orphan in the end either.
        client.setblocking(False)
        client.connect_ex((SERVER, PORT))
    for client in clients:
        if not select.select((), (client,), (), PATIENCE)[1]:
            raise TimeoutError("a client does not connect")
    began = time.monotonic()
    for number, client in enumerate(clients):
        time.sleep(max(0, began + number * case["rtt"] / case["need"] - time.monotonic()))
        client.send(b"GET /file HTTP/1.0\r\n\r\n")
    if time.monotonic() - began > case["rtt"] * 4.2:
        raise TimeoutError("the machine is too busy to close that many in a round trip")
    harmed = sum(not is_whole(client) for client in clients)
    time.sleep(case["rtt"])  # The last are orphans until then.
    return harmed


def is_whole(client):
    """Whether the answer has its end."""
    client.settimeout(PATIENCE)
    size = 0
    try:
        while more := len(client.recv(4096)):
            size += more
    except OSError:
        return False
    return size > ANSWER


def unread(hosts, case, settings, work):
    """Requests that wait for a server that is stopped; those of the last clients take several packets."""
    server = servers.start(case["server"], work, settings)
    servers.stop(server)
    hosts.enter()
    request, reply = servers.SERVERS[case["server"]].speaks
    clients = []
    hosts.keep.append(clients)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    for number in range(case["need"]):
        clients.append(socket.create_connection((SERVER, PORT), PATIENCE))
        clients[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        clients[-1].send(request)
    try:
        for _ in range(PACKETS):
            for client in clients[-LAST:]:
                client.send(request * (1000 // len(request)))
    except TimeoutError:
        return LAST
    time.sleep(QUIET)
    again = sum(bool(retransmits(client)) for client in clients)
    servers.resume(server)
    return again + sum(not answers(client, reply) for client in clients)


def answers(client, reply):
    client.settimeout(PATIENCE)
    try:
        return client.recv(4096).startswith(reply)
    except OSError:
        return False


def peers(hosts, case, settings, work):
    """Clients with an address each on the same link."""
    servers.start(case["server"], work, settings)
    hosts.enter()
    addresses = [f"10.77.{1 + number // 250}.{1 + number % 250}" for number in range(case["need"])]
    subprocess.run(["ip", "-batch", "-"], check=True, text=True,
                   input="".join(f"address add {address}/16 dev wire\n" for address in addresses))
    clients = Clients(hosts, servers.SERVERS[case["server"]].speaks)
    for address in addresses:
        clients.open(address)
        clients.look(0)
    clients.answers()
    return clients.harmed()


def hold(hosts, case, settings, work):
    """Clients that come one after the other and stay, each with a request when it comes and one at the end."""
    server_start(hosts, case, settings, work)
    hosts.enter()
    request, reply = servers.SERVERS[case["server"]].speaks
    held = []
    hosts.keep.append(held)
    try:
        for _ in range(case["need"]):
            client = socket.socket(socket.AF_UNIX if settings.get("unix") else socket.AF_INET)
            held.append(client)
            client.settimeout(PATIENCE)
            client.connect(f"{work}/socket" if settings.get("unix") else (SERVER, PORT))
            ask(client, request, reply)
        for client in held:
            ask(client, request, reply)
    except OSError:
        return case["need"] - len(held) + 1
    return 0


def ask(client, request, reply):
    client.sendall(request)
    if not client.recv(4096).startswith(reply):
        raise ConnectionError("closed")


def server_start(hosts, case, settings, work):
    """The server of the case; a proxy with the store that it connects to."""
    peer = ""
    if case["server"] == "proxy":
        peer = CLIENT
        store_start(hosts, work)
    return servers.start(case["server"], work, settings, peer)


def store_start(hosts, work):
    """A Redis at the client's host, for the connections that the server's host opens."""
    os.makedirs(work, exist_ok=True)
    command = f"exec redis-server --save '' --protected-mode no --port 6379 --tcp-backlog 60000 --maxclients 15000 --logfile /dev/null --dir {work}"
    hosts.at_client(lambda: subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
    deadline = time.monotonic() + 60
    while True:
        try:
            hosts.at_client(lambda: socket.create_connection(("127.0.0.1", 6379), 5).close())
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


NODE_CLIENT = """
const net = require('net');
let left = %d;
const pause = 6000 / left;
function next() {
    if (!left--) process.exit(0);
    const socket = net.connect(6379, '%s', () => socket.write('PING\\r\\n'));
    socket.on('error', error => { console.log(error.code); process.exit(1); });
    socket.on('data', () => { socket.on('close', () => setTimeout(next, pause)); socket.end(); });
}
next();
"""


def reconnect(hosts, case, settings, work):
    """A program without keep-alive that closes first: it opens the connections of 60 s, ten times as fast."""
    store_start(hosts, work)
    if case["server"] == "node":
        command = ["node", "-e", NODE_CLIENT % (case["need"], CLIENT)]
    else:
        batches = 12
        command = ["sh", "-c", f"for batch in $(seq {batches}); do redis-benchmark -h {CLIENT} -k 0 -c 1 -n {case['need'] // batches} "
                   "-t ping_mbulk -q || exit 1; sleep 0.5; done"]
    began = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if time.monotonic() - began > 50:
        raise TimeoutError("the machine is too busy to open all within TIME_WAIT")
    return int(done.returncode != 0 or "assign requested address" in done.stderr + done.stdout)


def datagrams(hosts, case, settings, work):
    """What arrives at a UDP socket during a stall, and is answered after it."""
    memcached = case["server"] == "memcached-udp"
    payload = b"x" * case["payload"]
    if memcached:
        payload = b"\0\1\0\0\0\1\0\0version".ljust(case["payload"] - 2) + b"\r\n"
    server = servers.start(case["server"], work, settings)
    servers.stop(server)
    hosts.enter()
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)  # For the answers, that none is lost here.
    client.connect((SERVER, PORT))
    for _ in range(case["need"]):
        client.send(payload)
    time.sleep(QUIET)
    servers.resume(server)
    client.settimeout(PATIENCE / 2)
    try:
        for answered in range(case["need"]):
            client.recv(2048)
    except TimeoutError:
        return case["need"] - answered
    return 0


def round_trips(address, times, until):
    """The times of handshakes, one after the other: what the path takes while the transfer is on it.

    By tcpi_rtt, which does not count how long this process waits for a CPU.
    """
    while time.monotonic() < until:
        with socket.create_connection((address, PORT), PATIENCE * 5) as client:
            times.append(tcp_info(client, 68) / 1e6)


def transfer(hosts, case, settings, work):
    """Whether one connection carries less in a round trip than the bandwidth of the target asks for.

    The host in question sends, or receives for buffers.receive. On a busy machine a round trip takes longer; what
    is carried in one does not depend on it.
    """
    os.makedirs(work, exist_ok=True)
    with open(f"{work}/file", "wb") as file:
        file.truncate(1 << 30)
    address = SERVER
    if case["wall"] == "buffers.receive":
        address = CLIENT
        hosts.at_client(servers.start, case["server"], work, settings)
    else:
        servers.start(case["server"], work, settings)
        hosts.enter()
    client = socket.create_connection((address, PORT), PATIENCE * 5)
    client.sendall(b"GET /file HTTP/1.1\r\nHost: test\r\n\r\n")
    warm = time.monotonic() + case["rtt"] * 25
    while time.monotonic() < warm:
        client.recv(1 << 16)
    times = []
    began, received = time.monotonic(), 0
    sampler = threading.Thread(target=round_trips, args=(address, times, began + case["rtt"] * 20), daemon=True)
    sampler.start()
    while time.monotonic() - began < case["rtt"] * 20:
        received += len(client.recv(1 << 16))
    seconds = time.monotonic() - began
    sampler.join()
    trip = sorted(times)[len(times) // 2]
    return int(received / seconds * trip < case["bandwidth"] / 8 * case["rtt"])


LOADS = {load.__name__: load for load in (burst, handshakes, hold, stay, paced, closes, unread, peers, reconnect,
                                         datagrams, transfer)}


def harmed(hosts, case, settings, work):
    return LOADS[case["load"]](hosts, case, settings, work)
