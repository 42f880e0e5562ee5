"""Namespaces of one case: two hosts, "server" and "client", and the path between them."""
import ctypes
import fcntl
import json
import os
import selectors
import signal
import struct
import subprocess
import time
from collections import deque

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SERVER = "10.77.0.1"
CLIENT = "10.77.0.2"
libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def run(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


answer_pipe = None  # Of this process, where in_child() made it.


def fork():
    """A process that may outlive this one: it keeps no pipe open that somebody reads to its end."""
    child = os.fork()
    if not child and answer_pipe is not None:
        os.close(answer_pipe)
    return child


def in_child(function, *arguments):
    """What the function returns in a process of its own, which ends with it: (process id, pipe)."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, read
    global answer_pipe
    answer_pipe = write
    status = 1
    try:
        os.close(read)
        answer = {"answer": function(*arguments)}
        status = 0
    except BaseException as error:  # The parent has to hear of each.
        answer = {"error": f"{type(error).__name__}: {error}"}
    with os.fdopen(write, "w") as pipe:
        json.dump(answer, pipe)
    os._exit(status)


def answer_of(child):
    pid, pipe = child
    with os.fdopen(pipe) as stream:
        text = stream.read()
    os.waitpid(pid, 0)
    answer = json.loads(text or '{"error": "the process has ended without an answer"}')
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["answer"]


def sysctl_path(name):
    return "/proc/sys/" + name.replace(".", "/")


def sysctl_read(name):
    with open(sysctl_path(name)) as file:
        return " ".join(file.read().split())


def sysctl_write(name, value, lenient=False):
    """lenient: as `sysctl --system`, which goes on where the kernel refuses one."""
    if name == "net.ipv4.ip_local_port_range":
        low, high = map(int, value.split())
        value = f"{low} {high - (high - low + 1) % 2}"  # The kernel logs a line where both have the same parity.
    try:
        with open(sysctl_path(name), "w") as file:
            file.write(str(value))
    except OSError:
        if not lenient:
            raise


def tun_open(name):
    """A TUN device of the calling network namespace."""
    tun_set_interface, no_packet_information, tun = 0x400454CA, 0x1000, 1
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, tun_set_interface, struct.pack("16sH22x", name.encode(), tun | no_packet_information))
    return device


def relay(ends, delay):
    """Carries packets between two devices, each after the delay in seconds. It drops none."""
    waiting = {end: deque() for end in ends}
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    selector = selectors.DefaultSelector()
    for end in ends:
        selector.register(end, selectors.EVENT_READ)
    while True:
        due = min((queue[0][0] for queue in waiting.values() if queue), default=None)
        now = time.monotonic()
        for key, _ in selector.select(None if due is None else max(0, due - now)):
            try:
                for _ in range(64):
                    waiting[other[key.fd]].append((time.monotonic() + delay, os.read(key.fd, 65536)))
            except BlockingIOError:
                pass
        now = time.monotonic()
        for end, queue in waiting.items():
            while queue and queue[0][0] <= now:
                try:
                    os.write(end, queue.popleft()[1])
                except OSError:
                    pass  # The other host is not up yet.


class Hosts:
    """The calling process becomes the server's host; enter() is for the client's. rtt in seconds, 0: a veth pair.

    initial: the server's is the network namespace that the process is in. What is appended to keep stays open as long
    as the process lives.
    """

    def __init__(self, rtt=0, initial=False):
        if not initial:
            check(libc.unshare(CLONE_NEWNET), "unshare")
        self.keep = []
        self.server = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.holder = fork()
        if not self.holder:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            try:
                check(libc.unshare(CLONE_NEWNET), "unshare")
                os.close(0)
                signal.pause()
            finally:
                os._exit(1)
        own = os.stat("/proc/self/ns/net").st_ino
        deadline = time.monotonic() + 60
        while os.stat(f"/proc/{self.holder}/ns/net").st_ino == own:
            if time.monotonic() > deadline:
                raise TimeoutError("no network namespace for the client")
            time.sleep(0.005)
        run("ip", "link", "set", "lo", "up")
        if rtt:
            ends = [tun_open("wire"), self.at_client(tun_open, "wire")]
            if not fork():
                try:
                    relay(ends, rtt / 2)
                finally:
                    os._exit(1)
            for end in ends:
                os.close(end)
        else:
            run("ip", "link", "add", "name", "wire", "type", "veth", "peer", "name", "wire", "netns", str(self.holder))
        self.address_set(SERVER)
        self.at_client(self.address_set, CLIENT)
        self.at_client(run, "ip", "link", "set", "lo", "up")

    def at_client(self, function, *arguments):
        """Calls it in the client's network namespace, in this process, which is then in the server's."""
        self.enter()
        try:
            return function(*arguments)
        finally:
            self.leave()

    def address_set(self, address):
        run("ip", "address", "add", address + "/16", "dev", "wire")
        run("ip", "link", "set", "wire", "up")

    def enter(self):
        other = os.open(f"/proc/{self.holder}/ns/net", os.O_RDONLY)
        check(libc.setns(other, CLONE_NEWNET), "setns")
        os.close(other)

    def leave(self):
        check(libc.setns(self.server, CLONE_NEWNET), "setns")
