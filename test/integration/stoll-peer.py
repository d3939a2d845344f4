"""A recording machine for the driver's tests, by hand. Each line of stdin is a line it sends, with TIME for the present time;
"~0.3" waits so long. Prints "ready PORT", then "received N" with the bytes anybody sent it when stdin ends."""

import socket
import sys
import time
from datetime import datetime, timezone

listener = socket.create_server(("127.0.0.1", 0))
print("ready", listener.getsockname()[1], flush=True)
connection, _ = listener.accept()
for line in sys.stdin:
    if line.startswith("~"):
        time.sleep(float(line[1:]))
        continue
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    connection.sendall(line.replace("TIME", now).encode())
    # No two events in one millisecond.
    time.sleep(0.002)
connection.setblocking(False)
received = 0
try:
    while data := connection.recv(4096):
        received += len(data)
except (BlockingIOError, ConnectionError):
    pass
print("received", received, flush=True)
connection.close()
