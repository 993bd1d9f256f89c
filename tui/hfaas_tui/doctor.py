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
    return [_python(), *_docker(), _gpu(), _disk(), _endpoint(), _network()]


def _python() -> Finding:
    return Finding("ok", "Python", f"{platform.python_version()} on {platform.machine()} at {sys.executable}")


def _docker() -> Iterator[Finding]:
    from hfaas_emulator.errors import EngineError

    try:
        yield Finding("ok", "Docker", asyncio.run(_engine_detail()))
    except EngineError as error:
        yield Finding("note", "Docker", f"{error.message}; functions run as plain processes, images are not used")
        if error.hint:
            yield Finding("note", "Docker", error.hint)


async def _engine_detail() -> str:
    from hfaas_emulator.containers.docker import DockerEngine

    with tempfile.TemporaryDirectory() as state:
        engine = DockerEngine(Path(state))
        try:
            await engine.connect()
            return engine.detail
        finally:
            await engine.close()


def _gpu() -> Finding:
    if Path("/proc/driver/nvidia/version").exists():
        return Finding("ok", "GPU", "an NVIDIA driver is loaded")
    return Finding("note", "GPU", "no NVIDIA driver; GPU jobs come with Batch")


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
