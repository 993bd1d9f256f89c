"""Chooses the engine: Docker where it answers, plain processes where it does not."""

from __future__ import annotations

from pathlib import Path

from hfaas_emulator.containers.connection import DEADLINE_S, PATIENCE_S
from hfaas_emulator.containers.docker import DockerEngine
from hfaas_emulator.containers.engine import Engine
from hfaas_emulator.containers.process import ProcessEngine
from hfaas_emulator.errors import EngineError

KINDS = ("auto", "docker", "process")


async def choose(kind: str, state_dir: Path, registry: str = "") -> Engine:
    """Return an engine that is not open yet and fetches images of `registry` (HOST:PORT); EngineError when `docker` is asked for and cannot be used."""
    if kind not in KINDS:
        raise EngineError(f"there is no engine {kind!r}", f"choose one of {', '.join(KINDS)}")
    if kind == "process":
        return ProcessEngine(state_dir)
    engine = DockerEngine(state_dir, registry)
    try:
        await engine.connect(PATIENCE_S if kind == "docker" else DEADLINE_S)
    except EngineError as error:
        await engine.close()
        if kind == "docker":
            raise
        return ProcessEngine(state_dir, why=error.message)
    return engine
