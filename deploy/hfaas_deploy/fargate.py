"""What Fargate sells: each number of vCPUs with certain amounts of memory only."""

from __future__ import annotations

PAIRS: dict[float, tuple[int, ...]] = {
    0.25: (512, 1024, 2048),
    0.5: tuple(range(1024, 4096 + 1, 1024)),
    1: tuple(range(2048, 8192 + 1, 1024)),
    2: tuple(range(4096, 16_384 + 1, 1024)),
    4: tuple(range(8192, 30_720 + 1, 1024)),
    8: tuple(range(16_384, 61_440 + 1, 4096)),
    16: tuple(range(32_768, 122_880 + 1, 8192)),
    32: (61_440, 122_880, 249_856),
}
"""MiB by vCPUs."""

LONGEST_JOB = 14 * 86_400
"""Seconds after which Fargate ends a job whatever it was told."""


def memory(vcpus: float, wanted: int) -> int | None:
    """The least that is sold and not below `wanted`; None when there is no such pair."""
    return next((amount for amount in PAIRS.get(vcpus, ()) if amount >= wanted), None)


def vcpus_for(wanted: int) -> float | None:
    """The fewest vCPUs that so much memory is sold with."""
    return next((vcpus for vcpus in PAIRS if memory(vcpus, wanted)), None)
