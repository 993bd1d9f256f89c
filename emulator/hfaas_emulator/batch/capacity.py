"""What there is to give away: the vCPUs of each compute environment, this machine, and its GPUs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """What all jobs together may take of this machine."""

    vcpus: float
    memory_mb: int
