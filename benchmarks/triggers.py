"""The two OneTriggers as processes, and the webhook that each of them calls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.counting import Proxy

UPSTREAM = "onetrigger==1.0.4"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Hook:
    """A webhook: notes when each event came, and their ids; may refuse some, may take its time."""

    taken: list[tuple[str, float]] = field(default_factory=list)
    ids: set[tuple[str, str]] = field(default_factory=set)
    refuse: int = 0
    delay_s: float = 0.0
    url: str = ""

    def open(self) -> None:
        """Listen on a free port, as long as this process lives."""
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                came = time.perf_counter()
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(hook.answer(event, came))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(self, event: Mapping[str, Any], came: float) -> int:
        """Take one event, or refuse it."""
        if self.refuse:
            self.refuse -= 1
            return 503
        self.taken.append((str(event["Key"]), came))
        if known := event["Records"][0].get("eventId"):
            self.ids.add((str(event["Key"]), str(known)))
        time.sleep(self.delay_s)
        return 200

    def first(self, key: str) -> float | None:
        """Return when the first event of a file came."""
        return next((came for known, came in self.taken if known == key), None)

    def missing(self, keys: Sequence[str]) -> int:
        """Return how many of the files no event came of."""
        return len(set(keys) - {key for key, _ in self.taken})

    def doubled(self, keys: Sequence[str]) -> int:
        """Return how many events came too often."""
        counted = Counter(key for key, _ in self.taken)
        return sum(max(0, counted[key] - 1) for key in set(keys))

    def distinct(self, keys: Sequence[str]) -> int:
        """Return how many events are left for who knows an eventId again; none where there is no such id."""
        return sum(key in keys for key, _ in self.ids)


@dataclass
class Trigger:
    """One OneTrigger: how it is started, what counts its requests, where its events go."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    proxy: Proxy
    hook: Hook
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its words go to its log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env={**os.environ, **self.environment}, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End it with no chance to say good-bye."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def cpu(self) -> float:
        """Return the seconds of processor time it has used; SystemExit with its words when it has ended."""
        assert self.process
        if self.process.poll() is not None:
            raise SystemExit(f"{self.name} ended: {self.log.read_text()[-500:]}")
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def resident(self) -> float:
        """Return its resident memory, in MiB."""
        assert self.process
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def ours(state: Path) -> list[str]:
    """Return how our OneTrigger is started."""
    program = Path(sys.executable).with_name("hfaas-supervisor")
    return [str(program), "onetrigger", "run", "--state", str(state)]


def upstreams(python: Path | None) -> list[str]:
    """Return how upstream's is started; without an environment given, one is made in the cache folder."""
    return [str((python or environment()).with_name("onetrigger")), "run"]


def environment() -> Path:
    """Return the interpreter of an environment with upstream's package, made once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "hfaas" / UPSTREAM.replace("==", "-")
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run(["uv", "venv", "-q", "--clear", "--python", "3.11", str(folder)], check=True)
        subprocess.run(
            ["uv", "pip", "install", "-q", "--python", str(python), UPSTREAM, "setuptools<81"], check=True
        )
        (folder / "complete").touch()
    return python
