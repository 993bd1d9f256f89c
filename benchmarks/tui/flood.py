"""An emulator that has nothing but log lines, as many as wanted: `python flood.py RATE TOTAL`; standard library only.

It speaks as the real one does, so that the whole way of a line is measured: socket, JSON, store. Lines are numbered;
one in a thousand says `needle`. What it says on its standard output: the port, then how many lines went in how long.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time

BATCH = 1000
FUNCTIONS = 7
WORDS = (
    "reading the frame",
    "predicted: dog 97%",
    "uploaded the result to s3://video/output",
    "\u001b[32mok\u001b[0m",
)
ANSWERS = {
    "/_hfaas/status": json.dumps({"pid": 1, "started": 1.0, "endpoint": "", "version": "0"}),
    "/_hfaas/machine": "{}",
    "/_hfaas/spaces": '{"spaces": []}',
    "/2015-03-31/functions": '{"Functions": []}',
    "/": "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>",
}
BLOCK, MOMENT = "@@@@", 8888888888.125
"""What stands in the text of a batch for its number and its time."""


def batch() -> bytes:
    """Return a thousand lines of which only number and time are missing."""
    rows = []
    for number in range(BATCH):
        word = "needle" if number == 500 else WORDS[number % len(WORDS)]
        text = f"line {BLOCK}{number:03d} {word} frame-{number:04d}.jpg " + "x" * (number % 60)
        name = f"bench-function-{number % FUNCTIONS}"
        level = "ERROR" if number % 50 == 0 else "INFO"
        rows.append([MOMENT, name, f"{number % 97:08x}-0000-4000-8000-000000000000", level, text])
    return json.dumps({"seq": 1, "lines": rows}).encode() + b"\n"


def pour(connection: socket.socket, rate: float, total: int) -> None:
    """Send the lines, each batch when it is due."""
    template, began = batch(), time.perf_counter()
    for number in range(total // BATCH):
        time.sleep(max(0.0, began + number * BATCH / rate - time.perf_counter()))
        body = template.replace(BLOCK.encode(), b"%04d" % number)
        body = body.replace(str(MOMENT).encode(), b"%.3f" % time.time())
        connection.sendall(b"%x\r\n%s\r\n" % (len(body), body))
    print(json.dumps({"sent": total, "seconds": time.perf_counter() - began}), flush=True)


def serve(connection: socket.socket, rate: float, total: int) -> None:
    """Answer one connection."""
    with connection, connection.makefile("rb") as stream:
        while line := stream.readline():
            path = line.split()[1].decode().partition("?")[0].rstrip("/") or "/"
            while stream.readline() not in {b"\r\n", b""}:
                pass
            if path in {"/_hfaas/logs", "/_hfaas/trace"}:
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                if path == "/_hfaas/logs":
                    pour(connection, rate, total)
                stream.read()
                return
            body = ANSWERS.get(path, "").encode()
            head = "200 OK" if path in ANSWERS else "404 Not Found"
            connection.sendall(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def main() -> None:
    """Serve until the standard input ends."""
    rate, total = float(sys.argv[1]), int(sys.argv[2])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        threading.Thread(target=accept, args=(listener, rate, total), daemon=True).start()
        sys.stdin.read()


def accept(listener: socket.socket, rate: float, total: int) -> None:
    """Take connections."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, rate, total), daemon=True).start()


main()
