"""The plane that decides about jobs, over a runner whose containers the test ends by hand and a clock it moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest

from hfaas_emulator.batch.capacity import Machine
from hfaas_emulator.batch.job import Dependency, Resources, Retry, Submission, Task
from hfaas_emulator.batch.records import ComputeEnvironment, JobDefinition, JobQueue
from hfaas_emulator.batch.runner import Result, Work
from hfaas_emulator.batch.service import Batch
from hfaas_emulator.batch.state import Job
from hfaas_emulator.clock import ManualClock
from hfaas_emulator.containers.engine import Gpu
from hfaas_emulator.containers.gpus import GpuMode, GpuPool
from hfaas_emulator.errors import AwsError, StateError
from hfaas_emulator.idle import Idle
from hfaas_emulator.journal import Change, Journal
from hfaas_emulator.lambda_.function import RoleCredentials
from hfaas_emulator.trace import Hop, Trace, What

ACCOUNT, REGION = "000000000000", "us-east-1"
EXITED = "Essential container in task exited"


class Container:
    """A started attempt; `end` lets it end."""

    def __init__(self, work: Work, started: int) -> None:
        self.work = work
        self.started = started
        self.log_stream = f"{work.definition}/default/{work.key}"
        self.task_arn = f"arn:task/{work.key}"
        self.address = f"10.0.0.{len(work.key)}"
        self.graces: list[float] = []
        self.ignores_stop = False
        self.stop_fails: Exception | None = None
        self.is_forgotten = False
        self._result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def end(self, exit: int | None = 0, reason: str = "", status_reason: str = EXITED) -> None:
        if not self._result.done():
            self._result.set_result(Result(exit, reason, status_reason, 12))

    def break_off(self, error: Exception) -> None:
        self._result.set_exception(error)

    async def result(self) -> Result:
        return await asyncio.shield(self._result)

    async def stop(self, grace_s: float = 30) -> None:
        self.graces.append(grace_s)
        if self.stop_fails:
            error, self.stop_fails = self.stop_fails, None
            raise error
        if not self.ignores_stop or grace_s == 0:
            self.end(143)

    def forget(self) -> None:
        assert self._result.done(), "it was forgotten while it ran"
        self.is_forgotten = True


class Machinery:
    """A Runner: what is started stays until it is forgotten, also when the plane dies."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.containers: dict[str, Container] = {}
        self.works: list[Work] = []
        self.trouble: Callable[[Work], Exception | None] = lambda _work: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.adopts = True

    async def start(self, work: Work) -> Container:
        self.works.append(work)
        await self.gate.wait()
        if error := self.trouble(work):
            raise error
        assert work.key not in self.containers, f"{work.key} runs twice"
        container = self.containers[work.key] = Container(work, int(self.clock.now() * 1000))
        return container

    async def adopt(self) -> Mapping[str, Container]:
        there = {key: each for key, each in self.containers.items() if not each.is_forgotten}
        return there if self.adopts else {}


class Control:
    """Queues by name."""

    def __init__(self) -> None:
        self.queues: dict[str, JobQueue] = {}
        self.asked = 0

    def environment(self, name: str = "ce", vcpus: float = 2, **more: Any) -> ComputeEnvironment:
        arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/{name}"
        return ComputeEnvironment(arn, name, more.pop("kind", "EC2"), vcpus, **more)

    def queue(self, name: str, *environments: ComputeEnvironment, priority: int = 1, enabled: bool = True) -> None:
        arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{name}"
        self.queues[name] = JobQueue(arn, name, priority, environments, enabled)

    async def job_queue(self, account: str, region: str, name: str) -> JobQueue:
        self.asked += 1
        await asyncio.sleep(0)
        if (queue := self.queues.get(name.rpartition("/")[2])) is None:
            raise AwsError("ClientException", f"no queue {name}")
        return queue

    async def job_definition(self, account: str, region: str, name: str) -> JobDefinition:
        raise AwsError("ClientException", f"no definition {name}")

    async def credentials(self, role: str, session: str) -> RoleCredentials:
        return RoleCredentials("AKIA", "secret", role)

    async def secret(self, account: str, region: str, source: str) -> str:
        return source

    async def publish(self, account: str, region: str, event: Mapping[str, Any]) -> None:
        return None


class FullDisk(Journal):
    """A journal that fails when told to."""

    def __init__(self) -> None:
        super().__init__(None)
        self.trouble: Exception | None = None
        self.writes_left: int | None = None

    def write(self, changes: Any) -> None:
        written: list[Change] = list(changes)
        if self.writes_left is not None:
            if not self.writes_left:
                raise StateError("full")
            self.writes_left -= 1
        if self.trouble:
            raise self.trouble
        super().write(written)


class World:
    """The plane and everything around it."""

    def __init__(self, journal: FullDisk) -> None:
        self.journal = journal
        self.clock = ManualClock()
        self.control = Control()
        self.control.queue("q", self.control.environment())
        self.machinery = Machinery(self.clock)
        self.gpus = GpuPool((), GpuMode.EXCLUSIVE, "no NVIDIA GPU here")
        self.machine = Machine(64, 100_000)
        self.scale_down = False
        self.announced: list[tuple[str, str]] = []
        self.serial = 0
        self.trace = Trace(self.clock)
        self.idle = Idle()
        self.plane: Batch
        self.make()

    def make(self) -> None:
        self.plane = Batch(
            self.machinery,
            self.control,
            self.gpus,
            self.trace,
            self.idle,
            self.journal,
            self.clock,
            self.machine,
            scale_down=self.scale_down,
            announce=lambda job: self.announced.append((job.id, str(job.status))),
        )

    async def remake(self, **changes: Any) -> None:
        """Set the plane up anew with other settings, before anything was submitted."""
        await self.plane.close()
        for name, value in changes.items():
            setattr(self, name, value)
        self.make()
        await self.plane.open()

    async def restart(self, *, gone: bool = False) -> None:
        """Let the emulator die and come back; `gone` tells that its containers died with it."""
        await self.plane.close()
        if gone:
            self.machinery.containers.clear()
        self.trace, self.idle = Trace(self.clock), Idle()
        self.gpus = GpuPool([Gpu(uuid, "T4", 0) for uuid in self.gpus._all], self.gpus.mode, self.gpus.detail)
        self.announced.clear()
        self.make()
        await self.plane.open()
        await self.turn()

    async def turn(self) -> None:
        """Let everything that can go on go on."""
        for _ in range(30):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        await self.turn()
        self.clock.advance(seconds)
        await self.turn()

    async def submit(
        self,
        name: str = "job",
        *,
        vcpus: float = 1,
        memory_mb: int = 100,
        gpus: int = 0,
        after: tuple[Dependency | str, ...] = (),
        nodes: int = 0,
        queue: str = "q",
        retry: int | Retry = 1,
        **more: Any,
    ) -> str:
        """Submit a job and return its id, which is its name and a number."""
        self.serial += 1
        task = Task("image", Resources(vcpus, memory_mb, gpus), **more.pop("task", {}))
        submission = Submission(
            id=f"{name}-{self.serial}",
            name=name,
            account=ACCOUNT,
            region=REGION,
            queue=queue,
            definition=f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/def:1",
            definition_name="def",
            created=int(self.clock.now() * 1000),
            tasks=(task,) * (nodes or 1),
            retry=retry if isinstance(retry, Retry) else Retry(retry),
            dependencies=tuple(Dependency(each) if isinstance(each, str) else each for each in after),
            is_multinode=nodes > 0,
            **more,
        )
        await self.plane.submit(submission)
        await self.turn()
        return submission.id

    def job(self, id: str) -> Job:
        job = self.plane.job(id)
        assert job is not None
        return job

    def status(self, id: str) -> str:
        return str(self.job(id).status)

    def states(self, *ids: str) -> list[str]:
        return [self.status(each) for each in ids]

    def container(self, id: str) -> Container:
        """Return the container of a job's latest attempt."""
        return [each for each in self.machinery.containers.values() if each.work.job == id][-1]

    def running(self) -> list[str]:
        """Return whose containers run."""
        return [each.work.job for each in self.machinery.containers.values() if not each._result.done()]

    async def end(self, id: str, exit: int | None = 0, reason: str = "", status_reason: str = EXITED) -> None:
        self.container(id).end(exit, reason, status_reason)
        await self.turn()

    def hops(self, id: str, what: What = What.JOB_STATE) -> list[Hop]:
        return [hop for hop in self.trace.since(0) if hop.what is what and hop.detail.get("job") == id]

    def told(self, id: str) -> list[str]:
        """Return the states a job was told to be in, without repetitions."""
        told = [str(hop.detail["status"]) for hop in self.hops(id)]
        return [each for index, each in enumerate(told) if index == 0 or told[index - 1] != each]


@pytest.fixture
def journal() -> Iterator[FullDisk]:
    journal = FullDisk()
    yield journal
    journal.close()


@pytest.fixture
async def world(journal: FullDisk) -> AsyncIterator[World]:
    """One queue `q` over one environment `ce` of two vCPUs, on a large machine without GPUs."""
    world = World(journal)
    await world.plane.open()
    yield world
    await world.plane.close()
