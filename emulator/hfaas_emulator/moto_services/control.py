"""Answers what the execution plane asks of the control planes, from moto's records."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from hfaas_emulator.batch.records import JobDefinition, JobQueue
from hfaas_emulator.endpoints.records import FunctionUrl, HttpApi, Principal, RestApi
from hfaas_emulator.lambda_.function import AsyncConfig, Function, RoleCredentials
from hfaas_emulator.moto_services.thread import Moto
from hfaas_emulator.registry.records import Repository


class MotoControl:
    """The control planes as the execution plane sees them; moto is imported by the first question."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto
        self._known: dict[Hashable, Any] = {}
        self._changes = moto.changes

    async def function(self, account: str, region: str, name: str, qualifier: str = "") -> Function:
        """Find a function by name, partial ARN or ARN; AwsError ResourceNotFoundException (404) if there is none."""
        about = (account, region, name, qualifier)
        found: Function = await self._recall(about, _function, *about)
        return found

    async def async_config(self, function: Function) -> AsyncConfig:
        """Return the function's EventInvokeConfig, or AWS's defaults."""
        about = (function.account, function.region, function.name)
        config: AsyncConfig = await self._recall(about, _async_config, function)
        return config

    async def tagged(self, key: str, value: str) -> tuple[str, ...]:
        """Return the ARNs of the functions that carry a tag."""
        found: tuple[str, ...] = await self._recall(("tag", key, value), _tagged, key, value)
        return found

    async def credentials(self, role: str, session: str) -> RoleCredentials:
        """Return fresh credentials of a role (ARN), whose session gets a name."""
        return await self._moto.call(_credentials, role, session)

    async def deliver(self, arn: str, body: str, attributes: Mapping[str, str]) -> None:
        """Send a text to an SQS queue, SNS topic, function or event bus; AwsError when it is refused."""
        await self._moto.call(_deliver, arn, body, attributes)

    async def job_queue(self, account: str, region: str, name: str) -> JobQueue:
        """Find a queue by name or ARN; AwsError ClientException when there is none."""
        about = ("queue", account, region, name)
        found: JobQueue = await self._recall(about, _batch, "job_queue", *about[1:])
        return found

    async def job_definition(self, account: str, region: str, name: str) -> JobDefinition:
        """Find a definition by name (the newest active revision), name:revision or ARN; AwsError ClientException."""
        about = ("definition", account, region, name)
        found: JobDefinition = await self._recall(about, _batch, "job_definition", *about[1:])
        return found

    async def secret(self, account: str, region: str, source: str) -> str:
        """Return what a secret of Secrets Manager or a parameter of SSM holds; AwsError."""
        return str(await self._moto.call(_batch, "secret", account, region, source))

    async def is_watched(self, account: str, region: str) -> bool:
        """Tell whether the account's default event bus has any rule."""
        about = ("rules", account, region)
        watched: bool = await self._recall(about, _batch, "is_watched", account, region)
        return watched

    async def publish(self, account: str, region: str, event: Mapping[str, Any]) -> None:
        """Put an event of AWS itself on the account's default event bus."""
        await self._moto.call(_batch, "publish", account, region, event)

    async def api(self, id: str) -> RestApi | HttpApi | None:
        """Find an API of any account and region."""
        found: RestApi | HttpApi | None = await self._recall(("api", id), _endpoint, "api", id)
        return found

    async def function_url(self, id: str) -> FunctionUrl | None:
        """Find a function URL of any account and region."""
        found: FunctionUrl | None = await self._recall(("url", id), _endpoint, "function_url", id)
        return found

    async def statements(self, function: str) -> Sequence[Mapping[str, Any]]:
        """Return the statements of the resource policy of a function (ARN, qualified or not)."""
        found: Sequence[Mapping[str, Any]] = await self._recall(
            ("policy", function), _endpoint, "statements", function
        )
        return found

    async def repository(self, account: str, region: str, name: str) -> Repository | None:
        """Find a repository of images; None when there is none."""
        about = (account, region, name)
        found: Repository | None = await self._recall(("repository", *about), _repository, *about)
        return found

    async def principal(self, access_key: str) -> Principal:
        """Return whom an access key stands for."""
        found: Principal = await self._moto.call(_endpoint, "principal", access_key)
        return found

    async def _recall(self, about: Hashable, question: Callable[..., Any], *arguments: Any) -> Any:
        """Ask moto once for as long as no control plane changes: each event asks, and all wait for the one thread."""
        if self._changes != self._moto.changes:
            self._known.clear()
            self._changes = self._moto.changes
        if about not in self._known:
            changes = self._changes
            answer = await self._moto.call(question, *arguments)
            if (
                changes != self._moto.changes or answer is None
            ):  # from before the change; or of a name anybody made up
                return answer
            self._known[about] = answer
        return self._known[about]


def _function(account: str, region: str, name: str, qualifier: str) -> Function:
    from hfaas_emulator.moto_services import records

    return records.function(account, region, name, qualifier)


def _async_config(function: Function) -> AsyncConfig:
    from hfaas_emulator.moto_services import records

    return records.async_config(function)


def _tagged(key: str, value: str) -> tuple[str, ...]:
    from hfaas_emulator.moto_services import records

    return records.tagged(key, value)


def _repository(account: str, region: str, name: str) -> Repository | None:
    from hfaas_emulator.moto_services import ecr

    return ecr.repository(account, region, name)


def _credentials(role: str, session: str) -> RoleCredentials:
    from hfaas_emulator.moto_services import records

    return records.credentials(role, session)


def _deliver(arn: str, body: str, attributes: Mapping[str, str]) -> None:
    from hfaas_emulator.moto_services import deliver

    deliver.send(arn, body, attributes)


def _batch(question: str, *about: Any) -> Any:
    from hfaas_emulator.moto_services import batch_records

    return getattr(batch_records, question)(*about)


def _endpoint(question: str, about: str) -> Any:
    from hfaas_emulator.moto_services import endpoint_records

    return getattr(endpoint_records, question)(about)
