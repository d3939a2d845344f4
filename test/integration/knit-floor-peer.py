"""A knit floor board for the driver's tests, by hand: `call PORT NUMBER` or `serve`. Each line of stdin is a packet, in Python's
escapes ("7002", "\\xff9"); "~0.3" waits so long. Prints "ready PORT", then "received N" with the bytes anybody sent it when stdin ends."""

import socket
import sys
import time

received = 0


def heard(connection):
    global received
    connection.setblocking(False)
    try:
        while data := connection.recv(4096):
            received += len(data)
    except (BlockingIOError, ConnectionError):
        pass
    connection.setblocking(True)


if sys.argv[1] == "call":
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    print("ready", sys.argv[2], flush=True)
else:
    listener = socket.create_server(("127.0.0.1", 0))
    print("ready", listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
if len(sys.argv) > 3:
    connection.sendall(sys.argv[3].encode())
for line in sys.stdin:
    packet = line.rstrip("\n")
    if packet.startswith("~"):
        time.sleep(float(packet[1:]))
    else:
        connection.sendall(packet.encode("latin-1").decode("unicode_escape").encode("latin-1"))
heard(connection)
print("received", received, flush=True)
connection.close()
