"""The servers of the cases: how each is started with a backlog and a limit on connections, and what it speaks."""
import os
import resource
import signal
import socket
import subprocess
import time
from dataclasses import dataclass

PORT = 8080

NGINX = """
daemon off;
pid {work}/pid;
error_log /dev/null;
user root;
worker_processes {workers};
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    keepalive_requests 100000;
    client_body_temp_path {work}/1; proxy_temp_path {work}/2; fastcgi_temp_path {work}/3;
    uwsgi_temp_path {work}/4; scgi_temp_path {work}/5;
    server {{
        listen {listen} backlog={backlog}{reuseport};
        location / {{ return 200 ok; }}
        location /file {{ root {work}; }}
    }}
}}
"""

HAPROXY = """
global
    maxconn {connections}
defaults
    mode http
    timeout client 600s
    timeout server 600s
    timeout connect 5s
frontend web
    bind {listen} backlog {backlog}
    maxconn {connections}
    http-request return status 200 content-type text/plain string ok
"""

PROXY = """
global
    maxconn {connections}
defaults
    mode tcp
    retries 0
    timeout client 600s
    timeout server 600s
    timeout connect 5s
frontend proxy
    bind {listen} backlog {backlog}
    maxconn {connections}
    default_backend stored
backend stored
    server redis {peer}:6379
"""

NODE = """
const server = require('http').createServer((request, response) => response.end('ok'));
server.keepAliveTimeout = 600000;
server.maxConnections = {connections};
server.listen({{ {listen}, backlog: {backlog} }});
"""

GUNICORN = """
def application(environment, start):
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

ASYNCIO = """
import asyncio

async def serve(reader, writer):
    while line := await reader.readline():
        for _ in range(line.startswith(b"*") and 2):
            await reader.readline()
        writer.write(b"+PONG\\r\\n")
        await writer.drain()

async def main():
    server = await asyncio.{start}(serve, {listen}, backlog={backlog})
    await server.serve_forever()

asyncio.run(main())
"""

DATAGRAMS = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if {rcvbuf}:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, {rcvbuf})
server.bind(("0.0.0.0", 8080))
while True:
    data, peer = server.recvfrom(65536)
    server.sendto(data[:8], peer)
"""

HTTP = (b"GET / HTTP/1.1\r\nHost: test\r\n\r\n", b"HTTP/1.1 200")
REDIS = (b"PING\r\n", b"+PONG")
MEMCACHED = (b"version\r\n", b"VERSION")


@dataclass(frozen=True)
class Server:
    """A row: the argument vector and the file it reads, with {placeholders}; what clients send and expect."""

    command: str
    speaks: tuple
    protocol: str
    file: tuple = ()
    connections: str = ""  # The directive that limits them.
    backlog: str = ""
    unix: str = ""  # What {listen} is for a UNIX socket; empty: it has none.
    tcp: str = "8080"


SERVERS = {
    "nginx": Server("nginx -e /dev/null -c {work}/nginx.conf", HTTP, "http", ("nginx.conf", NGINX), "worker_connections",
                    "backlog", "unix:{work}/socket"),
    "haproxy": Server("haproxy -db -f {work}/haproxy.cfg", HTTP, "http", ("haproxy.cfg", HAPROXY), "maxconn", "backlog",
                      "unix@{work}/socket", "*:8080"),
    "redis": Server("redis-server --save '' --protected-mode no --daemonize no --logfile /dev/null --dir {work} {listen} "
                    "--tcp-backlog {backlog} --maxclients {connections} --set-proc-title no", REDIS, "redis", (), "maxclients", "tcp-backlog",
                    "--port 0 --unixsocket {work}/socket", "--port 8080"),
    "memcached": Server("memcached -u root -t 1 -U 0 {listen} -b {backlog} -c {connections}", MEMCACHED, "memcached", (),
                        "-c", "-b", "-s {work}/socket", "-p 8080"),
    "node": Server("node {work}/server.js", HTTP, "http", ("server.js", NODE), "maxConnections", "backlog",
                   "path: '{work}/socket'", "port: 8080, host: '0.0.0.0'"),
    "gunicorn": Server("gunicorn --chdir {work} --workers {workers} --worker-tmp-dir {work} --backlog {backlog} "
                       "--bind {listen} --log-file /dev/null app", HTTP, "http", ("app.py", GUNICORN), "", "--backlog",
                       "unix:{work}/socket", "0.0.0.0:8080"),
    "asyncio": Server("/usr/bin/python3 {work}/server.py", REDIS, "redis", ("server.py", ASYNCIO), "", "backlog",
                      "'{work}/socket'", "'0.0.0.0', 8080"),
    "proxy": Server("haproxy -db -f {work}/haproxy.cfg", REDIS, "redis", ("haproxy.cfg", PROXY), "maxconn", "backlog",
                    "", "*:8080"),
    "memcached-udp": Server("memcached -u root -t 1 -p 0 -U 8080", MEMCACHED, "memcached"),
    "datagrams": Server("/usr/bin/python3 {work}/server.py", REDIS, "redis", ("server.py", DATAGRAMS)),
}


def tools(name):
    """The programs that a case with that server needs."""
    needed = {"proxy": ["haproxy", "redis-server"], "redis-benchmark": ["redis-benchmark", "redis-server"],
              "node": ["node", "redis-server"], "asyncio": ["/usr/bin/python3"], "datagrams": ["/usr/bin/python3"],
              "memcached-udp": ["memcached"], "redis": ["redis-server"]}
    return needed.get(name, [name])


def prepare(name, work, settings, peer=""):
    """Writes its file and returns its command line for sh."""
    row = SERVERS[name]
    unix = settings.get("unix")
    fields = {
        "work": work, "peer": peer, "workers": settings.get("workers", 1), "start": "start_unix_server" if unix else "start_server",
        "reuseport": " reuseport" if settings.get("reuseport") else "",
        "backlog": settings.get("listen.backlog", 60000), "connections": settings.get("application.connections", 9000),
        "rcvbuf": settings.get("SO_RCVBUF", 0),
    }
    fields["listen"] = (row.unix if unix else row.tcp).format(work=work)
    os.makedirs(work, exist_ok=True)
    if row.file:
        with open(f"{work}/{row.file[0]}", "w") as file:
            file.write(row.file[1].format(**fields))
    if settings.get("user"):
        os.chown(work, settings["user"], settings["user"])
    return row.command.format(**fields)


GROUP = "/sys/fs/cgroup/server"  # The control group of the server, in machines.


def group_enter():
    if os.path.exists(GROUP):
        with open(f"{GROUP}/cgroup.procs", "w") as file:
            file.write("0")


def group_memory():
    with open(f"{GROUP}/memory.current") as file:
        return int(file.read())


def limit_set(settings):
    """In the process that becomes the server."""
    os.setsid()
    group_enter()
    files = settings.get("RLIMIT_NOFILE", resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    if settings.get("user"):
        os.setgid(settings["user"])
        os.setuid(settings["user"])


def listens(name, work, settings):
    if name in ("datagrams", "memcached-udp"):
        with open("/proc/net/udp") as file:
            return f":{PORT:04X} " in file.read()
    if settings.get("unix"):
        return os.path.exists(f"{work}/socket")
    with open("/proc/net/tcp") as file:
        return any(f":{PORT:04X} " in line.split()[1] + " " and line.split()[3] == "0A" for line in file)


def start(name, work, settings, peer=""):
    """The server, after it listens."""
    command = prepare(name, work, settings, peer)
    # gunicorn accepts only after its worker has started.
    server = subprocess.Popen(["/bin/sh", "-c", "exec " + command], preexec_fn=lambda: limit_set(settings),
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not listens(name, work, settings):
        if server.poll() is not None:
            raise RuntimeError(f"{name} has ended with {server.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} does not listen")
        time.sleep(0.01)
    if name not in ("datagrams", "memcached-udp", "proxy"):
        answer_wait(name, work, settings, deadline)
    memory = str(settings.get("memory.max", ""))
    if memory.startswith("+"):  # Beside what it takes before its clients come.
        with open(f"{GROUP}/memory.max", "w") as file:
            file.write(str(group_memory() + int(memory)))
    return server


def answer_wait(name, work, settings, deadline):
    request, reply = SERVERS[name].speaks
    while True:
        try:
            with connect(work, settings) as client:
                client.settimeout(5)
                client.sendall(request)
                if client.recv(4096).startswith(reply):
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} does not answer")
        time.sleep(0.05)


def connect(work, settings):
    if settings.get("unix"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(f"{work}/socket")
        return client
    return socket.create_connection(("127.0.0.1", PORT), 5)


def processes(server):
    """Of its session."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == server.pid:
            found.append((int(pid), fields[0]))
    return found


def stop(server):
    deadline = time.monotonic() + 30
    while running := [pid for pid, state in processes(server) if state not in "TZ"]:
        for pid in running:  # It may have started one since.
            os.kill(pid, signal.SIGSTOP)
        if time.monotonic() > deadline:
            raise TimeoutError("the server does not stop")
        time.sleep(0.002)


def resume(server):
    for pid, _ in processes(server):
        os.kill(pid, signal.SIGCONT)
