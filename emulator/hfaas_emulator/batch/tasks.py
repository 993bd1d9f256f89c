"""Runs the attempts of jobs as containers.

    start   look the image up -> fetch secrets and credentials -> environment -> container
    run     output -> log stream and trace, as it comes; memory -> the attempt's peak
    end     exit code, ECS's words -> result; the container goes when somebody has written that down
    adopt   containers that a dead emulator left tell by their label whose they are, and go on

What keeps a container from its start is a `NotStarted` in ECS's words: the job failed. Only an engine that does not
answer at all is an EngineError: the job has not had its chance yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hfaas_emulator.batch.container import emptied, specification
from hfaas_emulator.batch.identity import EMULATOR, KIND, Identity
from hfaas_emulator.batch.output import JobOutput, Logs
from hfaas_emulator.batch.records import ControlPlane
from hfaas_emulator.batch.runner import NotStarted, Work
from hfaas_emulator.batch.running import RunningTask, has_ended, removed
from hfaas_emulator.batch.started import Begun, ignore
from hfaas_emulator.batch.variables import variables
from hfaas_emulator.clock import Clock
from hfaas_emulator.containers.engine import Container, ContainerSpec, Engine, Image
from hfaas_emulator.errors import AwsError, EngineError, ImageNotFound
from hfaas_emulator.file_systems import nowhere
from hfaas_emulator.lambda_.background import Background
from hfaas_emulator.lambda_.function import RoleCredentials
from hfaas_emulator.onedata.trust import Trust
from hfaas_emulator.trace import Trace, What

TAIL = 2_000
"""Log lines among which an adopted container's output is recognized."""

OVERLAP_MS = 2_000
"""How far before the last line in the log an adopted container's output is read again."""

MADE = re.compile(r"hfaas-layer/.*|hfaas/[^:]+:[0-9a-f]{12}")
"""Images that a deploy makes, for plain processes and for containers."""


class TaskRunner:
    """The Runner over an engine; `endpoint` is the edge's URL as containers reach it."""

    def __init__(
        self,
        engine: Engine,
        control: ControlPlane,
        logs: Logs,
        trace: Trace,
        clock: Clock,
        endpoint: str,
        emulator: str,
        trust: Callable[[], Trust] = Trust,
        begun: Begun = ignore,
        folder: Callable[[str], Path] = nowhere,
    ) -> None:
        self._engine = engine
        self._control = control
        self._logs = logs
        self._trace = trace
        self._clock = clock
        self._endpoint = endpoint
        self._emulator = emulator
        self._trust = trust
        self._begun = begun
        self._folder = folder
        self._background = Background(trace, "batch")
        self._ran: set[tuple[str, str]] = set()

    async def start(self, work: Work) -> RunningTask:
        """Start a container; NotStarted when that is impossible, EngineError when there is no engine to ask."""
        image = await self._engine.image(work.task.image)
        if image is None:
            raise NotStarted(self._missing(work.task.image))
        trust = self._trust()
        identity = Identity.of(work, self._now(), self._endpoint)
        environment = await self._environment(work, identity.task, trust)
        spec = self._specification(work, identity, environment, trust)
        self._begun(identity, environment)
        output = JobOutput(identity, self._logs, self._trace, self._clock)
        output.begin()
        container = await self._run(spec, output)
        self._tell_of_image(image)
        self._tell_of_volumes(work)
        return RunningTask(identity, self._now(), container, output, self._clock, self._background)

    def _specification(
        self, work: Work, identity: Identity, environment: Mapping[str, str], trust: Trust
    ) -> ContainerSpec:
        try:
            return specification(work, identity, self._emulator, environment, trust.files, self._folder)
        except EngineError as error:  # a folder that cannot be had
            raise NotStarted(f"ResourceInitializationError: failed to mount: {error.message}") from error

    async def _environment(self, work: Work, task: str, trust: Trust) -> dict[str, str]:
        return variables(
            work,
            endpoint=self._endpoint,
            credentials=await self._credentials(work, task),
            secrets={name: await self._secret(work, source) for name, source in work.task.secrets.items()},
            trust=trust.variables,
        )

    async def _secret(self, work: Work, source: str) -> str:
        try:
            return await self._control.secret(work.account, work.region, source)
        except AwsError as error:
            raise NotStarted(
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
                f"failed: unable to retrieve secret from {source}: {error}"
            ) from error

    async def _credentials(self, work: Work, task: str) -> RoleCredentials:
        """Return the job role's; a job without one gets keys of its account that stand for the instance's."""
        role = work.task.job_role
        if not role:
            return RoleCredentials(work.account, "hfaas", "")
        try:
            return await self._control.credentials(role, task)
        except AwsError as error:
            raise NotStarted(
                f"ResourceInitializationError: ECS was unable to assume the role '{role}' that was provided for this "
                f"task: {error}"
            ) from error

    async def _run(self, spec: ContainerSpec, output: JobOutput) -> Container:
        try:
            return await self._engine.run(spec, output.feed, output.feed_errors)
        except ImageNotFound as error:
            raise NotStarted(self._missing(spec.image)) from error
        except EngineError as error:
            await self._engine.image(spec.image)  # raises when the engine is gone: then it is not the job's fault
            hint = f": {error.hint}" if error.hint else ""
            raise NotStarted(f"CannotStartContainerError: {error.message}{hint}") from error

    def _missing(self, image: str) -> str:
        if MADE.fullmatch(image):
            done = "deploy its function again with `hfaas deploy`"
        elif self._engine.runs_images:
            done = f"build it, or load it with `docker pull {image}`, and submit the job again"
        else:
            done = (
                "the process engine runs no images, only functions that `hfaas deploy` brought: start the emulator "
                "with `--engine docker`, or deploy the job's script as a function"
            )
        return f"CannotPullContainerError: there is no image {image} on this machine, and the emulator pulls none: {done}"

    def _tell_of_image(self, image: Image) -> None:
        if (image.ref, image.id) not in self._ran:
            self._ran.add((image.ref, image.id))
            self._trace.hop("batch", What.IMAGE_RAN, image=image.ref, id=image.id)

    def _tell_of_volumes(self, work: Work) -> None:
        for path in emptied(work.task.document):
            said = f"job {work.job}: {path} is an empty volume here, without what AWS would mount"
            self._trace.hop(
                "batch", What.PROBLEM, invocation=work.invocation, attempt=work.attempt, job=work.job, message=said
            )

    def _now(self) -> int:
        return int(self._clock.now() * 1000)

    async def adopt(self) -> Mapping[str, RunningTask]:
        """Take over what an emulator that died left running or ended, by `Work.key`; once, before any start."""
        adopted: dict[str, RunningTask] = {}
        for container in await self._engine.leftovers({EMULATOR: self._emulator, KIND: "job"}):
            identity = Identity.read(container.labels)
            if identity is None or identity.endpoint != self._endpoint or identity.key in adopted:
                self._background.start(removed(container))
                continue
            try:
                adopted[identity.key] = await self._adopted(identity, container)
            except (
                EngineError
            ):  # it cannot be followed: its attempt counts as lost, and must not run beside the next
                self._background.start(removed(container))
        return adopted

    async def _adopted(self, identity: Identity, container: Container) -> RunningTask:
        self._begun(identity, {})
        known, was_over = await self._known(identity), await has_ended(container)
        output = JobOutput(identity, self._logs, self._trace, self._clock, known.lines)
        await container.follow(output.feed, known.since, output.feed_errors)
        return RunningTask(
            identity, identity.started, container, output, self._clock, self._background, was_over=was_over
        )

    async def _known(self, identity: Identity) -> Known:
        """Return which lines of a container are in the log already, and from when on its output is wanted."""
        who = identity
        tail = await self._logs.tail(who.account, who.region, who.group, who.stream, TAIL)
        if not tail:
            return Known((), 0)
        since = max(tail[-1][0] - OVERLAP_MS, tail[0][0] if len(tail) == TAIL else 0)
        return Known(tuple(line for at, line in tail if at >= since), since / 1000)

    async def close(self) -> None:
        """Leave the containers to the engine, which ends them."""
        await self._background.close()


@dataclass(frozen=True, slots=True)
class Known:
    """The last lines that are in the log, and the Unix time from which on they were read."""

    lines: tuple[str, ...]
    since: float
