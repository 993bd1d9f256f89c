"""What this machine can run: each line of `hfaas doctor` is one finding."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Level = Literal["ok", "note", "bad"]
LOW_DISK = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; a `note` costs something, a `bad` one stands in the way."""

    level: Level
    subject: str
    text: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def examine() -> list[Finding]:
    """Look at everything."""
    return [_python(), *_engine(), _disk(), _endpoint(), _network()]


def _python() -> Finding:
    return Finding("ok", "Python", f"{platform.python_version()} on {platform.machine()} at {sys.executable}")


def _engine() -> list[Finding]:
    """Look at Docker, and at the GPUs as it can give them; without Docker, as a plain process sees them."""
    from hfaas_emulator.containers import gpu_probe
    from hfaas_emulator.errors import EngineError

    try:
        return asyncio.run(_docker())
    except EngineError as error:
        found = gpu_probe.look()
        return [*_no_docker(error.message, error.hint), _gpu(found.detail, there=bool(found.gpus))]


async def _docker() -> list[Finding]:
    from hfaas_emulator.containers.docker import DockerEngine

    with tempfile.TemporaryDirectory() as state:
        engine = DockerEngine(Path(state))
        try:
            await engine.connect()
            await engine.find_gpus()
            return [Finding("ok", "Docker", engine.detail), _gpu(engine.gpu_detail, there=bool(engine.gpus))]
        finally:
            await engine.close()


def _no_docker(message: str, hint: str) -> Iterator[Finding]:
    yield Finding("note", "Docker", f"{message}; functions run as plain processes, images are not used")
    if hint:
        yield Finding("note", "Docker", hint)


def _gpu(detail: str, *, there: bool) -> Finding:
    if there:
        return Finding("ok", "GPU", detail)
    return Finding("note", "GPU", f"{detail}; jobs that ask for a GPU wait, with --gpu fallback they run on CPU")


def _disk() -> Finding:
    place = Path.cwd() if os.access(Path.cwd(), os.W_OK) else Path(tempfile.gettempdir())
    free = shutil.disk_usage(place).free
    text = f"{free / (1 << 30):.1f} GiB free at {place}"
    return Finding("ok" if free > LOW_DISK else "bad", "disk", text)


def _endpoint() -> Finding:
    named = os.environ.get("AWS_ENDPOINT_URL")
    if named:
        return Finding("note", "AWS_ENDPOINT_URL", f"{named}: commands talk to it unless --endpoint says otherwise")
    return Finding("ok", "AWS_ENDPOINT_URL", "not set; commands talk to this project's emulator")


def _network() -> Finding:
    return Finding("ok", "network", "not needed once the images your functions name are on this machine")
