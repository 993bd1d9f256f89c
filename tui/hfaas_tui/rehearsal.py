"""An emulator of one's own: started as a child process, ended with it, whatever happens in between."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hfaas_tui.errors import CliError
from hfaas_tui.watch import Emulator

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
LAST_LINES = 12
LITTLE = 1 << 20
"""Bytes of free disk that are too few to begin with."""


@dataclass(frozen=True, slots=True)
class Options:
    """How an emulator is started; see `hfaas up --help`."""

    state: Path
    port: int = 0
    engine: str = "auto"
    concurrency: int | None = None
    retry_delay: float | None = None
    discard: bool = False
    gpu: str = "exclusive"
    scale_down: bool = False
    onedata_port: int = 0
    flush_delay: str = ""
    registry: str = ""
    file_systems: Path | None = None

    def arguments(self) -> list[str]:
        """Return the command that starts it in the foreground."""
        command = [sys.executable, "-m", "hfaas_emulator", "--port", str(self.port), "--state", str(self.state)]
        command += ["--engine", self.engine]
        if self.concurrency is not None:
            command += ["--concurrency", str(self.concurrency)]
        if self.retry_delay is not None:
            command += ["--retry-delay", str(self.retry_delay)]
        if self.gpu != "exclusive":
            command += ["--gpu", self.gpu]
        if self.scale_down:
            command.append("--scale-down")
        if self.onedata_port:
            command += ["--onedata-port", str(self.onedata_port)]
        if self.flush_delay:
            command += ["--flush-delay", self.flush_delay]
        if self.registry:
            command += ["--registry", self.registry]
        if self.file_systems:
            command += ["--file-systems", str(self.file_systems)]
        return [*command, "--discard"] if self.discard else command


@contextmanager
def rehearsal(options: Options) -> Iterator[Emulator]:
    """Run an emulator while the block lasts; the tether (its stdin) ends it even when we are killed."""
    log = options.state / "emulator.log"
    options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("wb") as errors:
        child = subprocess.Popen(
            [*options.arguments(), "--tether"], stdin=subprocess.PIPE, stdout=errors, stderr=errors
        )
    try:
        yield wait_ready(child, options.state, log)
    finally:
        _end(child)


def detach(options: Options) -> Emulator:
    """Start an emulator that outlives us."""
    options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = options.state / "emulator.log"
    with log.open("wb") as errors:
        child = subprocess.Popen(
            options.arguments(),
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )
    return wait_ready(child, options.state, log)


def wait_ready(child: subprocess.Popen[bytes], state: Path, log: Path) -> Emulator:
    """Wait until the emulator has written its address; CliError with its own words when it ends instead."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise _ended(child.returncode, log)
        try:
            about = json.loads((state / "emulator.json").read_text())
        except (OSError, ValueError):
            about = {}
        if about.get("pid") == child.pid:
            return Emulator(about["endpoint"])
        time.sleep(0.01)
    child.kill()
    raise CliError(f"the emulator was not ready within {START_TIMEOUT_S} s", f"see {log}")


def _ended(code: int, log: Path) -> CliError:
    """Put into words why an emulator ended before it was ready: its own, unless the disk took none."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
        full = shutil.disk_usage(log.parent).free < LITTLE
    except OSError as error:
        return CliError(f"the emulator ended at once (exit code {code}): {log}: {error.strerror}")
    if full:
        return CliError(f"the disk of {log.parent} is full", "make room, or choose another folder with --state")
    hint = lines.pop().removeprefix("hint: ") if lines and lines[-1].startswith("hint: ") else ""
    words = "\n".join(line.removeprefix("error: ") for line in lines)
    return CliError(words or f"the emulator ended at once (exit code {code})", hint)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin:
        child.stdin.close()
    try:
        child.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
