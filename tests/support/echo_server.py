# A server on port 8080 that echoes, or answers requests of HTTP. Its argument is its fault: it spins at EMFILE,
# exits at EMFILE, stops accepting after a request that is not of HTTP, blocks where a client does not read, has a
# small send buffer; or none.
import select
import socket
import sys

fault = sys.argv[1]
listener = socket.create_server(("", 8080), backlog=1000)
listener.setblocking(False)
if fault == "small":
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
events = select.epoll()
events.register(listener, select.EPOLLIN)
clients = {}


def accept():
    try:
        client = listener.accept()[0]
    except BlockingIOError:
        return
    except OSError:
        if fault == "exits":
            raise
        if fault != "spins":
            events.modify(listener, 0)
        return
    client.setblocking(fault == "blocks")
    clients[client.fileno()] = client
    events.register(client, select.EPOLLIN)


def answer(client):
    try:
        data = client.recv(4096)
        requests = data.count(b"GET ")
        reply = requests * b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" or data
        if fault == "stops" and data and not requests:
            listener.close()
        if data and fault == "blocks":
            client.sendall(reply)
        elif data:
            client.send(reply)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    if data:
        return
    del clients[client.fileno()]
    client.close()
    if listener.fileno() >= 0:
        events.modify(listener, select.EPOLLIN)


while True:
    for fd, _ in events.poll():
        if fd == listener.fileno():
            accept()
        else:
            answer(clients[fd])
