"""Attempts as containers, on a fake engine."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from hfaas_emulator.batch.job import Resources, Task
from hfaas_emulator.batch.records import JobDefinition, JobQueue
from hfaas_emulator.batch.runner import NotStarted, Result, Work
from hfaas_emulator.batch.tasks import TaskRunner
from hfaas_emulator.clock import ManualClock
from hfaas_emulator.containers.engine import ContainerSpec, Exit, Image, Network, Output, Restrictions
from hfaas_emulator.containers.fake import FakeContainer, FakeEngine
from hfaas_emulator.errors import AwsError, EngineError
from hfaas_emulator.lambda_.function import RoleCredentials
from hfaas_emulator.logs.store import Group
from hfaas_emulator.trace import Hop, Trace, What

ACCOUNT, REGION = "000000000000", "us-east-1"
DEFINITION = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/f:3"


class Control:
    """Roles and secrets; names with `no-` in them do not exist."""

    async def job_queue(self, account: str, region: str, name: str) -> JobQueue:
        raise AwsError("ClientException", name)

    async def job_definition(self, account: str, region: str, name: str) -> JobDefinition:
        raise AwsError("ClientException", name)

    async def credentials(self, role: str, session: str) -> RoleCredentials:
        if "no-" in role:
            raise AwsError("NoSuchEntity", f"there is no {role}")
        return RoleCredentials("AKIA", "key", f"token of {role}")

    async def secret(self, account: str, region: str, source: str) -> str:
        if "no-" in source:
            raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        return f"{source} of {account}"

    async def publish(self, account: str, region: str, event: Mapping[str, Any]) -> None: ...


class Log:
    """Keeps lines with their times."""

    def __init__(self) -> None:
        self.streams: dict[tuple[str, str], list[tuple[int, str]]] = {}

    def begin(self, account: str, region: str, group: str, stream: str) -> None:
        self.streams.setdefault((group, stream), [])

    def append(self, account: str, region: str, group: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        self.streams.setdefault((group, stream), []).extend(lines)

    async def tail(self, account: str, region: str, group: str, stream: str, limit: int) -> list[tuple[int, str]]:
        return self.streams.get((group, stream), [])[-limit:]

    def has(self, group: Group, name: str) -> bool:
        return (group.name, name) in self.streams

    @property
    def lines(self) -> list[str]:
        return [line for stream in self.streams.values() for _, line in stream]


class World:
    """A runner on an engine whose containers do what `behave` does."""

    def __init__(self) -> None:
        self.behave: Callable[[ContainerSpec, Output], Awaitable[Exit]] = succeed
        self.engine = FakeEngine(self._behave, {"works:1": Image("works:1", "1", "x86_64", True)})
        self.clock = ManualClock()
        self.engine.now = self.clock.now
        self.log = Log()
        self.trace = Trace(self.clock)
        self.runner = self.another()

    async def _behave(self, spec: ContainerSpec, output: Output) -> Exit:
        return await self.behave(spec, output)

    def another(self, endpoint: str = "http://here:4566") -> TaskRunner:
        return TaskRunner(self.engine, Control(), self.log, self.trace, self.clock, endpoint, "tests")

    async def run(self, work: Work) -> Result:
        running = await self.runner.start(work)
        async with asyncio.timeout(60):
            return await running.result()

    async def spec_of(self, work: Work) -> ContainerSpec:
        await self.run(work)
        return self.engine.containers[-1].spec

    async def refusal_of(self, work: Work) -> str:
        with pytest.raises(NotStarted) as refused:
            await self.runner.start(work)
        assert refused.value.status_reason == "Task failed to start"
        return refused.value.reason

    def hops(self, what: What) -> list[Hop]:
        return [hop for hop in self.trace.since(0) if hop.what is what]


async def succeed(_spec: ContainerSpec, _output: Output) -> Exit:
    return Exit(0)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


async def for_ever(_spec: ContainerSpec, _output: Output) -> Exit:
    await asyncio.Event().wait()
    return Exit(0)


def exits(code: int, *, oom: bool = False) -> Callable[[ContainerSpec, Output], Awaitable[Exit]]:
    async def behave(_spec: ContainerSpec, _output: Output) -> Exit:
        return Exit(code, oom)

    return behave


def prints(*chunks: bytes) -> Callable[[ContainerSpec, Output], Awaitable[Exit]]:
    async def behave(_spec: ContainerSpec, output: Output) -> Exit:
        for chunk in chunks:
            output(chunk)
        return Exit(0)

    return behave


def work(task: Mapping[str, Any] | None = None, **changes: Any) -> Work:
    wanted = Task("works:1", Resources(1, 512), **{"log_prefix": "pre", **(task or {})})
    made = Work("job-1", 2, ACCOUNT, REGION, DEFINITION, "queue", "environment", wanted, 1.0, 512)
    return dataclasses.replace(made, **changes)


@pytest.fixture
async def world() -> Any:
    world = World()
    yield world
    await world.runner.close()
    await world.engine.close()


# ------------------------------------------------------------------------------------------------- the container


async def test_a_container_is_what_ecs_would_make_of_the_task(world: World) -> None:
    spec = await world.spec_of(work({"command": ("batch",), "user": "nobody", "read_only": True}, gpus=("GPU-1",)))
    assert (spec.image, spec.command, spec.user, spec.read_only) == ("works:1", ("batch",), "nobody", True)
    assert (spec.memory_mb, spec.cpus, spec.gpus, spec.storage_mb) == (512, 1.0, ("GPU-1",), 0)
    assert (spec.restrictions, spec.network) == (Restrictions.BATCH, Network.OWN)


async def test_a_job_gets_what_the_machine_was_scaled_down_to(world: World) -> None:
    spec = await world.spec_of(work(vcpus=0.5, memory_mb=100))
    assert (spec.cpus, spec.memory_mb) == (0.5, 100)


async def test_the_images_own_user_and_a_writable_root_are_the_default(world: World) -> None:
    spec = await world.spec_of(work())
    assert (spec.user, spec.read_only) == ("", False)


async def test_linux_parameters_reach_the_engine(world: World) -> None:
    document = {
        "ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
        "linuxParameters": {
            "sharedMemorySize": 64,
            "initProcessEnabled": True,
            "tmpfs": [{"containerPath": "/run", "size": 8}],
        },
    }
    limits = (await world.spec_of(work({"document": document}))).task
    assert (limits.shared_memory_mb, limits.init) == (64, True)
    assert (dict(limits.tmpfs), dict(limits.ulimits)) == ({"/run": 8}, {"nofile": (10, 20)})


async def test_nobody_is_given_the_whole_machine(world: World) -> None:
    with pytest.raises(NotStarted, match="CannotStartContainerError: privileged asks for all of this machine"):
        await world.spec_of(work({"document": {"privileged": True}}))


async def test_a_folder_of_the_host_is_an_empty_volume_and_the_trace_says_so(world: World) -> None:
    document = {
        "volumes": [{"name": "v", "host": {"sourcePath": "/etc"}}],
        "mountPoints": [{"containerPath": "/data", "sourceVolume": "v"}],
    }
    spec = await world.spec_of(work({"document": document}))
    assert spec.task.volumes == ("/data",)
    assert "/data is an empty volume here" in world.hops(What.PROBLEM)[0].detail["message"]


async def test_labels_tell_a_later_emulator_whose_container_it_is(world: World) -> None:
    spec = await world.spec_of(work())
    assert spec.labels["hfaas.emulator"] == "tests"
    assert spec.labels["hfaas.kind"] == "job"
    assert spec.labels["hfaas.job"] == "job-1/2"
    assert json.loads(spec.labels["hfaas.task"])["group"] == "/aws/batch/job"


# ----------------------------------------------------------------------------------------------- the environment


async def test_a_job_knows_its_place(world: World) -> None:
    environment = (await world.spec_of(work(variables={"AWS_BATCH_JOB_ARRAY_INDEX": "7"}))).environment
    assert environment["AWS_BATCH_JOB_ID"] == "job-1"
    assert environment["AWS_BATCH_JOB_ATTEMPT"] == "2"
    assert (environment["AWS_BATCH_CE_NAME"], environment["AWS_BATCH_JQ_NAME"]) == ("environment", "queue")
    assert environment["AWS_BATCH_JOB_ARRAY_INDEX"] == "7"
    assert environment["AWS_ENDPOINT_URL"] == "http://here:4566"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == REGION


@pytest.mark.parametrize(("fargate", "name"), [(False, "AWS_ECS_EC2"), (True, "AWS_ECS_FARGATE")])
async def test_a_job_knows_on_what_it_runs(world: World, fargate: bool, name: str) -> None:
    assert (await world.spec_of(work({"fargate": fargate}))).environment["AWS_EXECUTION_ENV"] == name


async def test_a_users_variables_never_hide_batchs(world: World) -> None:
    mine = {"AWS_BATCH_JOB_ID": "mine", "AWS_REGION": "eu-west-1", "A": "1"}
    environment = (await world.spec_of(work({"environment": mine}))).environment
    assert (environment["AWS_BATCH_JOB_ID"], environment["AWS_REGION"], environment["A"]) == (
        "job-1",
        "eu-west-1",
        "1",
    )


async def test_credentials_are_those_of_the_job_role(world: World) -> None:
    environment = (await world.spec_of(work({"job_role": "role"}))).environment
    assert environment["AWS_SESSION_TOKEN"] == "token of role"


async def test_a_job_without_a_role_signs_for_its_account(world: World) -> None:
    environment = (await world.spec_of(work())).environment
    assert environment["AWS_ACCESS_KEY_ID"] == ACCOUNT
    assert "AWS_SESSION_TOKEN" not in environment


async def test_a_users_own_keys_are_not_mixed_with_ours(world: World) -> None:
    environment = (
        await world.spec_of(work({"environment": {"AWS_ACCESS_KEY_ID": "mine"}, "job_role": "r"}))
    ).environment
    assert environment["AWS_ACCESS_KEY_ID"] == "mine"
    assert "AWS_SESSION_TOKEN" not in environment


async def test_secrets_are_fetched_into_the_environment(world: World) -> None:
    environment = (await world.spec_of(work({"secrets": {"TOKEN": "my-secret"}}))).environment
    assert environment["TOKEN"] == f"my-secret of {ACCOUNT}"


# --------------------------------------------------------------------------------------------------- no container


async def test_the_trace_says_once_which_image_the_jobs_of_a_reference_are_made_of(world: World) -> None:
    await world.run(work())
    await world.run(work())
    world.engine.images["works:1"] = Image("works:1", "2", "x86_64", True)
    await world.run(work())

    told = [(hop.detail["image"], hop.detail["id"]) for hop in world.hops(What.IMAGE_RAN)]
    assert told == [("works:1", "1"), ("works:1", "2")]


async def test_a_missing_image_says_what_to_do(world: World) -> None:
    task = dataclasses.replace(work().task, image="gone:1")
    reason = await world.refusal_of(dataclasses.replace(work(), task=task))
    assert reason.startswith("CannotPullContainerError: there is no image gone:1 on this machine")
    assert "docker pull gone:1" in reason


@pytest.mark.parametrize(
    ("image", "runs_images", "advice"),
    [
        ("gone:1", False, "start the emulator with `--engine docker`"),
        ("hfaas-layer/f:1", False, "deploy its function again"),
        ("hfaas/f:0123456789ab", True, "deploy its function again"),
        ("hfaas/base:bookworm", False, "start the emulator with `--engine docker`"),
    ],
)
async def test_a_missing_image_comes_with_what_helps_here(
    world: World, image: str, runs_images: bool, advice: str
) -> None:
    world.engine.runs_images = runs_images
    task = dataclasses.replace(work().task, image=image)
    reason = await world.refusal_of(dataclasses.replace(work(), task=task))
    assert advice in reason
    assert "docker pull" not in reason


async def test_a_missing_secret_fails_the_job(world: World) -> None:
    reason = await world.refusal_of(work({"secrets": {"TOKEN": "no-secret"}}))
    assert reason.startswith("ResourceInitializationError: unable to pull secrets or registry auth: ")
    assert not world.engine.containers


async def test_a_role_that_is_gone_fails_the_job(world: World) -> None:
    assert "unable to assume the role 'no-role'" in await world.refusal_of(work({"job_role": "no-role"}))


async def test_a_container_that_the_engine_refuses_fails_the_job(world: World) -> None:
    world.engine.refusal = EngineError("exec format error", "is it for this machine?")
    reason = await world.refusal_of(work())
    assert reason == "CannotStartContainerError: exec format error: is it for this machine?"


async def test_an_engine_that_is_gone_is_not_the_jobs_fault(world: World) -> None:
    class Gone(FakeEngine):
        async def image(self, ref: str) -> Image | None:
            if self.refusal:
                raise self.refusal
            return await super().image(ref)

        async def run(self, spec: ContainerSpec, output: Output, errors: Output | None = None) -> Any:
            self.refusal = EngineError("nobody answers")
            return await super().run(spec, output, errors)

    world.engine = Gone(succeed, world.engine.images)
    with pytest.raises(EngineError):
        await world.another().start(work())


async def test_devices_of_the_host_are_refused(world: World) -> None:
    document = {"linuxParameters": {"devices": [{"hostPath": "/dev/fuse"}]}}
    assert "linuxParameters.devices" in await world.refusal_of(work({"document": document}))


# -------------------------------------------------------------------------------------------------------- the end


@pytest.mark.parametrize("code", [0, 3, 139])
async def test_the_exit_code_is_the_containers(world: World, code: int) -> None:
    world.behave = exits(code)
    assert await world.run(work()) == Result(code, "", "Essential container in task exited")


async def test_a_lack_of_memory_is_told_in_ecs_words(world: World) -> None:
    world.behave = exits(137, oom=True)
    result = await world.run(work())
    assert (result.exit, result.reason) == (137, "OutOfMemoryError: Container killed due to memory usage")


async def test_the_peak_of_its_memory_is_in_the_result(world: World) -> None:
    world.behave = for_ever
    running = await world.runner.start(work())
    world.engine.containers[0].peak_mb = 77
    await running.stop()
    assert (await running.result()).peak_mb == 77


async def test_stopping_sends_sigterm_first(world: World) -> None:
    world.behave = for_ever
    running = await world.runner.start(work())
    await running.stop()
    assert (await running.result()).exit == 143


async def test_the_container_stays_until_it_is_forgotten(world: World) -> None:
    running = await world.runner.start(work())
    await running.result()
    assert not world.engine.containers[0].stopped
    running.forget()
    await until(lambda: world.engine.containers[0].stopped)


async def test_a_container_that_the_engine_lost_is_told_to_who_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_self: FakeContainer) -> Exit:
        raise EngineError("nobody answers")

    monkeypatch.setattr(FakeContainer, "wait", lost)
    running = await world.runner.start(work())
    with pytest.raises(EngineError):
        await running.result()


async def test_it_plays_an_ecs_task(world: World) -> None:
    running = await world.runner.start(work())
    prefix, name, task = running.log_stream.split("/")
    assert (prefix, name, len(task)) == ("pre", "default", 32)
    assert running.task_arn == f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/AWSBatch-environment/{task}"
    assert running.started == int(world.clock.now() * 1000)
    assert running.address == "127.0.0.1"


async def test_a_stream_without_a_prefix_is_named_after_the_definition(world: World) -> None:
    running = await world.runner.start(work({"log_prefix": ""}))
    assert running.log_stream.startswith("f/default/")


# ------------------------------------------------------------------------------------------------------ the output


async def test_the_last_lines_of_a_job_make_no_new_group_when_its_own_was_deleted(world: World) -> None:
    async def behave(_spec: ContainerSpec, output: Output) -> Exit:
        output(b"first\n")
        world.log.streams.clear()
        output(b"last\n")
        return Exit(0)

    world.behave = behave
    await world.run(work())
    assert world.log.streams == {}


async def test_output_goes_to_the_log_line_by_line_without_newlines_and_empty_lines(world: World) -> None:
    world.behave = prints(b"one\n\ntw", b"o\nrest")
    running = await world.runner.start(work({"log_group": "/aws/lambda/f"}))
    await running.result()
    lines = world.log.streams["/aws/lambda/f", running.log_stream]
    assert [line for _, line in lines] == ["one", "two", "rest"]


async def test_a_line_of_stderr_never_gets_into_one_of_stdout(world: World) -> None:
    world.behave = story = Story()
    running = await world.runner.start(work())
    await story.say(b"half ")
    (container,) = world.engine.containers
    container.say_error(b"oh\nno")
    await story.say(b"and half\nend")
    story.said.put_nowait(Exit(0))
    await running.result()
    assert world.log.lines == ["oh", "half and half", "end", "no"]


async def test_streams_stay_apart_when_a_job_is_taken_over(world: World) -> None:
    world.behave = story = Story()
    await world.runner.start(work())
    await story.say(b"half ")
    world.engine.containers[0].say_error(b"oh\n")
    world.engine.abandon()
    await world.another().adopt()
    await story.say(b"and half\n")
    assert world.log.lines == ["oh", "half and half"]


async def test_lines_are_in_the_log_while_it_runs(world: World) -> None:
    async def behave(_spec: ContainerSpec, output: Output) -> Exit:
        output(b"first\n")
        await asyncio.Event().wait()
        return Exit(0)

    world.behave = behave
    await world.runner.start(work())
    await until(lambda: world.log.lines)
    assert world.engine.running


async def test_milestones_are_hops_of_the_invocation_that_delegated(world: World) -> None:
    world.trace.hop("lambda", What.EVENT_QUEUED, run="run-1", invocation="r")
    world.behave = prints(b"SCRIPT RequestId: r Item: 0 Start\n")
    await world.run(work(invocation="r"))
    (hop,) = world.hops(What.SCRIPT_STARTED)
    assert (hop.where, hop.run, hop.invocation, hop.attempt) == ("supervisor", "run-1", "r", 2)
    assert dict(hop.detail) == {"function": "f", "item": 0}


async def test_milestones_of_a_job_that_nobody_delegated_belong_to_its_own_run(world: World) -> None:
    world.trace.hop("batch", What.JOB_SUBMITTED, run="run-2", invocation="job-1")
    world.behave = prints(
        b"JOB RequestId: other JobId: job-1 Attempt: 2\n", b"UPLOAD RequestId: other Url: u Bytes: 1\n"
    )
    await world.run(work())
    (hop,) = world.hops(What.OUTPUT_UPLOADED)
    assert (hop.run, hop.invocation) == ("run-2", "other")


# ------------------------------------------------------------------------------------------- after an emulator died


class Story:
    """A behaviour that prints what the test tells it to, and ends when told."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[bytes | Exit] = asyncio.Queue()

    async def __call__(self, _spec: ContainerSpec, output: Output) -> Exit:
        while not isinstance(next_ := await self.said.get(), Exit):
            output(next_)
            self.said.task_done()
        return next_

    async def say(self, text: bytes) -> None:
        self.said.put_nowait(text)
        await self.said.join()


async def test_a_container_that_still_runs_is_taken_over_with_its_output(world: World) -> None:
    world.behave = story = Story()
    before = await world.runner.start(work(invocation="r"))
    await story.say(b"one\n\none\n")
    world.engine.abandon()
    await story.say(b"unheard\n")
    adopted = await world.another().adopt()
    await story.say(b"one\nheard\n")
    story.said.put_nowait(Exit(4))
    after = adopted["job-1/2"]
    assert (await after.result()).exit == 4
    assert world.log.lines == ["one", "one", "unheard", "one", "heard"]
    assert (after.log_stream, after.task_arn, after.started) == (before.log_stream, before.task_arn, before.started)


async def test_milestones_are_told_once_when_their_job_is_taken_over(world: World) -> None:
    world.behave = story = Story()
    await world.runner.start(work(invocation="r"))
    await story.say(b"SCRIPT RequestId: r Item: 0 Start\n")
    world.engine.abandon()
    await world.another().adopt()
    assert len(world.hops(What.SCRIPT_STARTED)) == 1


async def test_old_output_is_not_read_again(world: World) -> None:
    world.behave = story = Story()
    await world.runner.start(work())
    await story.say(b"old\n")
    world.clock.advance(60)
    await story.say(b"last\n")
    world.engine.abandon()
    await world.another().adopt()
    await story.say(b"old\n")
    assert world.log.lines == ["old", "last", "old"]


async def test_a_container_that_ended_meanwhile_gives_its_result(world: World) -> None:
    world.behave = exits(9)
    await (await world.runner.start(work())).result()
    world.engine.abandon()
    adopted = await world.another().adopt()
    assert (await adopted["job-1/2"].result()).exit == 9


LOST, EXITED = "Host EC2 (instance i-hfaas) terminated.", "Essential container in task exited"


@pytest.mark.parametrize(
    ("end", "said"), [(Exit(0), EXITED), (Exit(243), LOST), (Exit(137, oom_killed=True), EXITED)]
)
async def test_a_failure_while_no_emulator_could_answer_is_a_loss(world: World, end: Exit, said: str) -> None:
    world.behave = story = Story()
    await world.runner.start(work())
    await story.say(b"works\n")
    world.engine.abandon()
    story.said.put_nowait(end)
    await world.engine.left[0].wait()
    adopted = await world.another().adopt()
    assert (await adopted["job-1/2"].result()).status_reason == said


async def test_a_failure_with_an_emulator_there_is_the_jobs_own(world: World) -> None:
    world.behave = story = Story()
    await world.runner.start(work())
    await story.say(b"works\n")
    world.engine.abandon()
    adopted = await world.another().adopt()
    story.said.put_nowait(Exit(243))
    assert (await adopted["job-1/2"].result()).status_reason == EXITED


async def test_what_was_forgotten_is_not_taken_over(world: World) -> None:
    running = await world.runner.start(work())
    await running.result()
    running.forget()
    await until(lambda: world.engine.containers[0].stopped)
    world.engine.abandon()
    assert not await world.another().adopt()


async def test_a_container_that_talks_to_another_endpoint_is_ended(world: World) -> None:
    world.behave = for_ever
    await world.runner.start(work())
    world.engine.abandon()
    assert not await world.another("http://here:4567").adopt()
    await until(lambda: world.engine.left[0].stopped)


async def test_a_label_of_another_version_is_not_understood_but_ended(world: World) -> None:
    world.behave = for_ever
    await world.runner.start(work())
    world.engine.abandon()
    world.engine.left[0].labels = {**world.engine.left[0].labels, "hfaas.task": '{"of": "tomorrow"}'}
    assert not await world.another().adopt()
    await until(lambda: world.engine.left[0].stopped)


async def test_a_container_that_cannot_be_followed_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_output: Output, _since: float = 0, _errors: Output | None = None) -> None:
        raise EngineError("its log cannot be read")

    world.behave = for_ever
    await world.runner.start(work())
    world.engine.abandon()
    monkeypatch.setattr(world.engine.left[0], "follow", refuse)
    assert not await world.another().adopt()
    await until(lambda: world.engine.left[0].stopped)


async def test_containers_of_functions_are_left_alone(world: World) -> None:
    world.behave = for_ever
    await world.runner.start(work())
    world.engine.abandon()
    world.engine.left[0].labels = {"hfaas.emulator": "tests", "hfaas.kind": "environment"}
    assert not await world.another().adopt()
    assert not world.engine.left[0].stopped
