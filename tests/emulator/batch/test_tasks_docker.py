"""Attempts of jobs in real containers."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hfaas_emulator.batch.job import Resources, Task
from hfaas_emulator.batch.records import JobDefinition, JobQueue
from hfaas_emulator.batch.runner import NotStarted, Result, Work
from hfaas_emulator.batch.tasks import TaskRunner
from hfaas_emulator.clock import SystemClock
from hfaas_emulator.containers.docker import DockerEngine
from hfaas_emulator.errors import AwsError
from hfaas_emulator.lambda_.function import RoleCredentials
from hfaas_emulator.logs.store import Group
from hfaas_emulator.trace import Trace

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

WAITS = "trap 'echo stopping; exit 5' TERM; echo up; while :; do sleep 0.05; done"


class Control:
    """No queues, no definitions, no secrets; one role."""

    async def job_queue(self, account: str, region: str, name: str) -> JobQueue:
        raise AwsError("ClientException", name)

    async def job_definition(self, account: str, region: str, name: str) -> JobDefinition:
        raise AwsError("ClientException", name)

    async def credentials(self, role: str, session: str) -> RoleCredentials:
        return RoleCredentials("AKIA", "key", "token")

    async def secret(self, account: str, region: str, source: str) -> str:
        raise AwsError("ResourceNotFoundException", source)

    async def publish(self, account: str, region: str, event: Mapping[str, Any]) -> None: ...


class Log:
    """Keeps lines with their times."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, str]] = []
        self.streams: dict[str, list[str]] = {}

    def begin(self, account: str, region: str, group: str, stream: str) -> None:
        self.streams.setdefault(stream, [])

    def append(self, account: str, region: str, group: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        self.kept += lines
        self.streams.setdefault(stream, []).extend(line for _, line in lines)

    async def tail(self, account: str, region: str, group: str, stream: str, limit: int) -> list[tuple[int, str]]:
        return self.kept[-limit:]

    def has(self, group: Group, name: str) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return [line for _, line in self.kept]


class World:
    """A runner on Docker; `shell` makes the work of a command line."""

    def __init__(self, engine: DockerEngine, image: str) -> None:
        self.engine = engine
        self.image = image
        self.log = Log()
        self.runner = self.over(engine)

    def over(self, engine: DockerEngine) -> TaskRunner:
        clock = SystemClock()
        return TaskRunner(engine, Control(), self.log, Trace(clock), clock, "http://here:1", "task-tests")

    def shell(self, line: str, **changes: Any) -> Work:
        return self.work(("sh", "-c", line), **changes)

    def work(self, command: tuple[str, ...] = (), **changes: Any) -> Work:
        task = Task(self.image, Resources(1, 64), command, log_prefix="pre")
        own = {field.name for field in dataclasses.fields(Work)} - {"environment"}
        task = dataclasses.replace(task, **{key: value for key, value in changes.items() if key not in own})
        made = Work(str(uuid.uuid4()), 1, "000000000000", "us-east-1", "definition", "q", "e", task, 1.0, 64)
        return dataclasses.replace(made, **{key: value for key, value in changes.items() if key in own})

    async def run(self, work: Work) -> Result:
        running = await self.runner.start(work)
        async with asyncio.timeout(60):
            result = await running.result()
        running.forget()
        return result

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.005)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(docker_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DockerEngine]:
    engine = DockerEngine(tmp_path_factory.getbasetemp())
    await engine.open()
    yield engine
    await engine.close()


@pytest_asyncio.fixture(loop_scope="module")
async def world(engine: DockerEngine, base_image: str) -> AsyncIterator[World]:
    world = World(engine, base_image)
    yield world
    await world.runner.close()


@pytest.fixture(scope="module")
def own_image(docker_engine: Any, base_image: str) -> Iterator[str]:
    """An image with an entry point, a working directory and a user of its own."""
    recipe = (
        f'FROM {base_image}\nUSER 1234\nWORKDIR /data\nENTRYPOINT ["/bin/sh", "-c", "echo $0 $(pwd) $(id -u)"]\n'
    )
    name = "hfaas-task-tests:own"
    docker_engine.images.build(fileobj=BytesIO(recipe.encode()), tag=name, rm=True)
    yield name
    docker_engine.images.remove(name, force=True)


@pytest.mark.parametrize("code", [0, 3])
async def test_the_exit_code_is_the_containers(world: World, code: int) -> None:
    result = await world.run(world.shell(f"exit {code}"))
    assert (result.exit, result.reason, result.status_reason) == (code, "", "Essential container in task exited")


async def test_a_lack_of_memory_is_told_in_ecs_words(world: World) -> None:
    result = await world.run(world.work(("python3", "-c", "bytearray(2**28)")))
    assert (result.exit, result.reason) == (137, "OutOfMemoryError: Container killed due to memory usage")


async def test_a_job_that_is_stopped_may_clean_up(world: World) -> None:
    running = await world.runner.start(world.shell(WAITS))
    await world.until(lambda: "up" in world.log.lines)
    await running.stop()
    assert (await running.result()).exit == 5
    assert world.log.lines == ["up", "stopping"]


async def test_a_job_that_does_not_listen_is_killed_after_the_grace(world: World) -> None:
    running = await world.runner.start(world.shell("trap '' TERM; echo up; while :; do sleep 0.05; done"))
    await world.until(lambda: "up" in world.log.lines)
    await running.stop(0.2)
    assert (await running.result()).exit == 137


async def test_the_images_entry_point_directory_and_user_are_its_own(world: World, own_image: str) -> None:
    assert (await world.run(world.work(("hello",), image=own_image))).exit == 0
    assert world.log.lines == ["hello /data 1234"]


async def test_a_job_may_run_as_another_user(world: World) -> None:
    await world.run(world.shell("id -u", user="4321"))
    assert world.log.lines == ["4321"]


async def test_lines_are_in_the_log_while_the_job_runs(world: World) -> None:
    running = await world.runner.start(world.shell("echo first; read forever < /dev/zero & wait"))
    await world.until(lambda: world.log.lines == ["first"])
    await running.stop(0)


async def test_the_environment_is_inside(world: World) -> None:
    line = "echo $AWS_BATCH_JOB_ATTEMPT $AWS_BATCH_JQ_NAME $AWS_ENDPOINT_URL $AWS_EXECUTION_ENV $MINE"
    await world.run(world.shell(line, environment={"MINE": "mine"}))
    assert world.log.lines == ["1 q http://here:1 AWS_ECS_EC2 mine"]


async def test_a_missing_image_fails_the_job(world: World) -> None:
    with pytest.raises(NotStarted, match="CannotPullContainerError: there is no image hfaas-task-tests:gone"):
        await world.runner.start(world.work(image="hfaas-task-tests:gone"))


async def test_a_command_that_is_not_there_fails_the_job(world: World) -> None:
    with pytest.raises(NotStarted, match=r"CannotStartContainerError: .*/nope"):
        await world.runner.start(world.work(("/nope",)))


@pytest.mark.parametrize(("read_only", "code"), [(True, 1), (False, 0)])
async def test_the_root_is_read_only_where_that_is_asked_for(world: World, read_only: bool, code: int) -> None:
    assert (await world.run(world.shell("echo x 2>&1 > /x || exit 1", read_only=read_only))).exit == code


async def test_a_job_has_an_address_of_its_own(world: World) -> None:
    running = await world.runner.start(world.shell("hostname -i 2>/dev/null || cat /proc/net/fib_trie"))
    await running.result()
    assert any(running.address in line for line in world.log.lines)


async def test_a_job_goes_on_when_its_emulator_died(
    world: World, tmp_path_factory: pytest.TempPathFactory, docker_engine: Any
) -> None:
    line = "echo one; while [ ! -e /go ]; do sleep 0.02; done; echo two; exit 6"
    before = await world.runner.start(world.shell(line))
    await world.until(lambda: world.log.lines == ["one"])
    later = Later(tmp_path_factory.getbasetemp())
    await later.open()
    try:
        after = (await world.over(later).adopt())[before.identity.key]
        assert after.identity == before.identity
        container = docker_engine.containers.list(filters={"label": f"hfaas.job={before.identity.key}"})[0]
        container.exec_run(["touch", "/go"])
        async with asyncio.timeout(60):
            assert (await after.result()).exit == 6
        # its own stream: jobs of other tests, about to be removed, are adopted too; the emulator before lives on, and
        # hears it as well
        assert [set(lines) for lines in world.log.streams.values() if "one" in lines] == [{"one", "two"}]
        assert after.address == before.address
        after.forget()
    finally:
        await later.close()


class Later(DockerEngine):
    """An engine of an emulator that takes another one's containers for those of a dead one."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self._labels["hfaas.owner"] = "later"
