"""What there is to give away: the vCPUs of each compute environment, this machine, and its GPUs.

`Capacity.find` says where a job could start now, or why it cannot and which of these things it waits for. A job that
waits claims them for the rest of the scheduler's round, so that smaller jobs behind it do not starve it; whoever
wants none of them passes. A job that can never start claims nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from hfaas_emulator.batch.job import Resources
from hfaas_emulator.batch.reasons import CAPACITY, ENVIRONMENT, MAX_RESOURCE, QUEUE, REQUIREMENT, count
from hfaas_emulator.batch.records import ComputeEnvironment, JobQueue
from hfaas_emulator.containers.gpus import GpuMode, GpuPool

MACHINE, GPUS = "the machine", "its GPUs"
_WITH_GPU = re.compile(r"(?!g4ad|g5g)(p|g|gr)\d")  # those two have GPUs of AMD, or processors of Arm
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Machine:
    """What all jobs together may take of this machine."""

    vcpus: float
    memory_mb: int


@dataclass(frozen=True, slots=True)
class Lease:
    """What a job holds: `counted` vCPUs of the compute environment, the rest of this machine."""

    environment: str
    counted: float
    vcpus: float
    memory_mb: int
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a job cannot start: `cause` tells two waits apart, `claims` is what nobody behind it may take."""

    reason: str
    cause: str
    stuck: bool = False
    claims: frozenset[str] = frozenset()


class Capacity:
    """Leases out; belongs to the event loop."""

    def __init__(self, machine: Machine, gpus: GpuPool, *, scale_down: bool) -> None:
        self._machine = machine
        self._gpus = gpus
        self._scale_down = scale_down
        self._counted: defaultdict[str, float] = defaultdict(float)
        self._vcpus = 0.0
        self._memory_mb = 0

    def given(self, need: Resources) -> Resources:
        """Return what a job is given, which is less than it needs where the machine is scaled down to."""
        vcpus, memory_mb = min(need.vcpus, self._machine.vcpus), min(need.memory_mb, self._machine.memory_mb)
        return Resources(vcpus, memory_mb, need.gpus)

    def note(self, need: Resources) -> str:
        """Say what a job gets less than it asked for, or nothing."""
        given = self.given(need)
        notes = []
        if given.vcpus < need.vcpus:
            notes.append(f"{given.vcpus:g} of {need.vcpus:g} vCPUs")
        if given.memory_mb < need.memory_mb:
            notes.append(f"{given.memory_mb} of {need.memory_mb} MB")
        if need.gpus and self._gpus.falls_back:
            notes.append(f"on CPU instead of {count(need.gpus, 'GPU')}")
        return "; ".join(notes)

    def find(self, queue: JobQueue, need: Resources, claims: AbstractSet[str]) -> ComputeEnvironment | Blocked:
        """Return the first environment of a queue in which a job could start now, or why there is none."""
        if blocked := self._never(queue, need):
            return blocked
        able = [each for each in queue.environments if not self._refusal(each, need)]
        if not able:
            return Blocked(refusal := self._refusals(queue, need), refusal, stuck=True)
        for environment in able:
            if environment.arn not in claims and self._fits(environment, need):
                return self._short(need, claims) or environment
        said = self._full(able[0], need, claimed=able[0].arn in claims)
        return Blocked(said, f"room in {able[0].name}", claims=frozenset(each.arn for each in able))

    def take(self, environment: ComputeEnvironment, need: Resources) -> Lease:
        """Lease what `find` just found."""
        gpus = self._gpus.take(need.gpus)
        if gpus is None:
            raise RuntimeError("a GPU was given away between two lines of code")
        given = self.given(need)
        lease = Lease(environment.arn, need.vcpus, given.vcpus, given.memory_mb, gpus)
        self._add(lease, 1)
        return lease

    def claim(self, lease: Lease) -> None:
        """Count a lease that outlived an emulator, be there room or not."""
        self._gpus.claim(lease.gpus)
        self._add(lease, 1)

    def give(self, lease: Lease) -> None:
        """Take a lease back."""
        self._add(lease, -1)
        self._gpus.give(lease.gpus)

    def _add(self, lease: Lease, sign: int) -> None:
        self._counted[lease.environment] += sign * lease.counted
        self._vcpus += sign * lease.vcpus
        self._memory_mb += sign * lease.memory_mb

    def _never(self, queue: JobQueue, need: Resources) -> Blocked | None:
        said = self._misfit(need)
        if not queue.enabled:
            said = f"{QUEUE} - the job queue {queue.name} is DISABLED"
        return Blocked(said, said, stuck=True) if said else None

    def _misfit(self, need: Resources) -> str:
        """Say what of this machine could never do."""
        cure = "start the emulator with --scale-down to run it with less"
        if not self._scale_down and need.vcpus > self._machine.vcpus:
            asked = count(need.vcpus, "vCPU")
            return f"{REQUIREMENT} - needs {asked}, this machine has {self._machine.vcpus:g}; {cure}"
        if not self._scale_down and need.memory_mb > self._machine.memory_mb:
            has = f"this machine has {self._machine.memory_mb} MB for jobs"
            return f"{REQUIREMENT} - needs {need.memory_mb} MB, {has}; {cure}"
        if self._gpus.can_ever(need.gpus):
            return ""
        asked = count(need.gpus, "GPU")
        if self._gpus.total:
            return f"{REQUIREMENT} - needs {asked}, this machine has {self._gpus.total}"
        return f"{REQUIREMENT} - needs {asked}: {self._gpus.detail}; start with --gpu fallback to run it on CPU"

    def _refusals(self, queue: JobQueue, need: Resources) -> str:
        refusals = [self._refusal(each, need) for each in queue.environments]
        return "; ".join(dict.fromkeys(refusals)) or f"{QUEUE} - {queue.name} has no compute environment"

    def _refusal(self, environment: ComputeEnvironment, need: Resources) -> str:
        if not environment.enabled:
            return f"{ENVIRONMENT} - the compute environment {environment.name} is DISABLED"
        if need.gpus and not _may_have_gpus(environment):
            types = ", ".join(environment.instance_types)
            return f"{REQUIREMENT} - needs {count(need.gpus, 'GPU')}, {environment.name} has none ({types})"
        if need.vcpus > environment.max_vcpus:
            asked, most = count(need.vcpus, "vCPU"), environment.max_vcpus
            return f"{MAX_RESOURCE} - needs {asked}, {environment.name} has maxvCpus {most:g}"
        return ""

    def _fits(self, environment: ComputeEnvironment, need: Resources) -> bool:
        return self._counted[environment.arn] + need.vcpus <= environment.max_vcpus + _ROUNDING

    def _full(self, environment: ComputeEnvironment, need: Resources, *, claimed: bool) -> str:
        taken = f"{self._counted[environment.arn]:g} of {environment.max_vcpus:g} of {environment.name} are taken"
        return _waits(count(need.vcpus, "vCPU"), taken, claimed=claimed)

    def _short(self, need: Resources, claims: AbstractSet[str]) -> Blocked | None:
        """Tell what of the machine or its GPUs is not there now."""
        given, machine, claimed = self.given(need), self._machine, MACHINE in claims
        if claimed or self._vcpus + given.vcpus > machine.vcpus + _ROUNDING:
            taken = f"{self._vcpus:g} of {machine.vcpus:g} of this machine are taken"
            said = _waits(count(given.vcpus, "vCPU"), taken, claimed=claimed)
        elif self._memory_mb + given.memory_mb > machine.memory_mb:
            taken = f"{self._memory_mb} of {machine.memory_mb} MB of this machine are taken"
            said = _waits(f"{given.memory_mb} MB", taken, claimed=False)
        else:
            return self._short_of_gpus(need, claimed=GPUS in claims)
        return Blocked(said, MACHINE, claims=frozenset((MACHINE,)))

    def _short_of_gpus(self, need: Resources, *, claimed: bool) -> Blocked | None:
        if not need.gpus or self._gpus.mode is GpuMode.SHARE or self._gpus.falls_back:
            return None
        if need.gpus > self._gpus.free:
            self._gpus.take(need.gpus)  # in vain, but whoever keeps one for nothing learns of it
        elif not claimed:
            return None
        taken = f"{self._gpus.total - self._gpus.free} of {self._gpus.total} here are taken"
        return Blocked(_waits(count(need.gpus, "GPU"), taken, claimed=claimed), GPUS, claims=frozenset((GPUS,)))


def _waits(what: str, taken: str, *, claimed: bool) -> str:
    kept = ", the rest is kept for a job before it" if claimed else ""
    return f"{CAPACITY} - waits for {what}: {taken}{kept}"


def _may_have_gpus(environment: ComputeEnvironment) -> bool:
    types = environment.instance_types
    return not types or any(_WITH_GPU.match(each) for each in types)
