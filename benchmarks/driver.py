"""Drives one supervisor behind a minimal Runtime API and prints its figures as JSON; standard library only.

Runs inside the container whose supervisor is measured: `python3 driver.py '{"command": [...], "environment": {...}}'`.
Its Runtime API is the floor: a blocking socket server that hands over an event and notes when the answer came.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from typing import Any

NEXT_HEADERS = {
    "Content-Type": "application/json",
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:bench",
    "Lambda-Runtime-Trace-Id": "Root=1-0-0",
}


class RuntimeApi:
    """One function's Runtime API; `polled` is set when the supervisor asks for its first event.

    Bare sockets: a server of the standard library costs as much as the supervisor that is measured.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.polled = threading.Event()
        self.first_poll = 0.0
        self.events: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self.listener = socket.create_server((host, 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        host, port = self.listener.getsockname()
        return f"{host}:{port}"

    def invoke(self, event: dict[str, Any]) -> tuple[float, bytes]:
        """Return seconds from hand-over to answer, and the answer."""
        started = time.perf_counter()
        self.events.put(json.dumps(event).encode())
        ended, answer = self.answers.get(timeout=60)
        return ended - started, answer

    def _accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                length = 0
                while (header := stream.readline().lower()) not in {b"\r\n", b""}:
                    if header.startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                body = stream.read(length)
                connection.sendall(self._next() if line.startswith(b"GET") else self._taken(body))

    def _next(self) -> bytes:
        if not self.polled.is_set():
            self.first_poll = time.perf_counter()
            self.polled.set()
        body = self.events.get()
        headers = {
            **NEXT_HEADERS,
            "Lambda-Runtime-Aws-Request-Id": f"request-{time.monotonic_ns()}",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 300) * 1000)),
            "Content-Length": str(len(body)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body

    def _taken(self, body: bytes) -> bytes:
        self.answers.put((time.perf_counter(), body))
        return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


def started(task: dict[str, Any]) -> tuple[RuntimeApi, subprocess.Popen[bytes], float]:
    """Start the supervisor and wait for its first poll; returns the seconds it took."""
    api = RuntimeApi()
    environment = {**os.environ, **task["environment"], "AWS_LAMBDA_RUNTIME_API": api.address}
    begun = time.perf_counter()
    process = subprocess.Popen(
        task["command"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if not api.polled.wait(30):
        process.kill()
        raise SystemExit(f"{task['command']} asked for no event within 30 s")
    return api, process, api.first_poll - begun


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process, in MiB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def median_ms(seconds: list[float]) -> float:
    return round(statistics.median(seconds) * 1000, 3)


def bare(script: str) -> float:
    """Return the seconds of the script alone."""
    begun = time.perf_counter()
    subprocess.run(["/bin/sh", script], check=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - begun


def rounds(task: dict[str, Any], api: RuntimeApi) -> dict[str, float]:
    """Return medians of the event, of the script alone and of awslambdaric alone.

    The three take turns: a processor that has just slept is slower for all of them, and what one of them did in a
    tight loop of its own would flatter it.
    """
    idle_client, process, _ = started({**task, "command": task["client"], "environment": {}})
    taken = [
        (api.invoke({})[0], bare(task["floor_script"]), idle_client.invoke({})[0]) for _ in range(task["warm"])
    ]
    process.kill()
    process.wait()
    event, script, client = (median_ms(list(column)) for column in zip(*taken[5:], strict=True))
    return {"warm_ms": event, "script_ms": script, "client_ms": client}


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Take all figures of one supervisor; times in ms, memory in MiB."""
    starts = []
    for _ in range(task["starts"]):
        _, process, seconds = started(task)
        process.kill()
        process.wait()
        starts.append(seconds)
    api, process, _ = started(task)
    idle = resident_mib(process.pid)
    events = rounds(task, api)
    staged = [api.invoke(task["s3_event"]) for _ in range(task["s3"])]
    process.kill()
    process.wait()
    return {
        **events,
        "start_ms": median_ms(starts),
        "idle_mib": round(idle, 1),
        "s3_ms": median_ms([seconds for seconds, _ in staged[5:]]),
        "answer": staged[-1][1].decode(errors="replace")[-1500:],
    }


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    shutil.copy(given["script"], "/tmp/script.sh")
    print(json.dumps(measure(given)))
