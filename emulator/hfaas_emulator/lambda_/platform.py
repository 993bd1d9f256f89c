"""What every execution environment is given: the engine, the control planes, the ways to say what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hfaas_emulator.clock import Clock
from hfaas_emulator.containers.engine import Engine
from hfaas_emulator.containers.gpus import GpuPool
from hfaas_emulator.file_systems import nowhere
from hfaas_emulator.idle import Idle
from hfaas_emulator.lambda_.background import Background
from hfaas_emulator.lambda_.function import ControlPlane
from hfaas_emulator.lambda_.past import Past
from hfaas_emulator.lambda_.runtime_api import RuntimeApi
from hfaas_emulator.onedata.trust import Trust
from hfaas_emulator.trace import Trace


class LogSink(Protocol):
    """Takes log lines, each with its Unix time in milliseconds."""

    def append(
        self, account: str, region: str, group: str, stream: str, lines: Sequence[tuple[int, str]]
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Platform:
    """`emulator` is the id on every container's label, `endpoint` the edge's URL as containers see it,
    `trust` tells what they need to trust the emulated Oneprovider, `folder` what stands in for an access point of EFS.
    """

    engine: Engine
    control: ControlPlane
    logs: LogSink
    trace: Trace
    idle: Idle
    clock: Clock
    runtime: RuntimeApi
    background: Background
    endpoint: str
    emulator: str
    gpus: GpuPool = field(default_factory=GpuPool)
    trust: Callable[[], Trust] = Trust
    past: Past = field(default_factory=Past)
    folder: Callable[[str], Path] = nowhere
