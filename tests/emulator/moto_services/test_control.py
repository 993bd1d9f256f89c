"""What the execution plane learns from the control planes."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hfaas_emulator.account import ACCOUNT
from hfaas_emulator.errors import AwsError
from hfaas_emulator.journal import Journal, Put, Table
from hfaas_emulator.lambda_.function import AsyncConfig, Function
from hfaas_emulator.moto_services import commit, outward
from hfaas_emulator.moto_services.bridge import Application
from hfaas_emulator.moto_services.control import MotoControl
from hfaas_emulator.moto_services.snapshots import Snapshots
from hfaas_emulator.moto_services.thread import Moto

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


def _boot(journal: Journal, snapshots: Snapshots) -> Application:
    from hfaas_emulator.moto_services.boot import boot

    return boot((), lambda: None, lambda _journal: [], journal, snapshots)


def _populate() -> None:
    from moto.awslambda.models import lambda_backends
    from moto.iam.models import iam_backends
    from moto.sqs.models import sqs_backends

    iam_backends[ACCOUNT]["aws"].create_role("r", "{}", "/", None, "", [], 3600)
    sqs_backends[ACCOUNT]["us-east-1"].create_queue("q")
    functions = lambda_backends[ACCOUNT]["us-east-1"]
    spec: dict[str, Any] = {
        "FunctionName": "f",
        "Role": ROLE,
        "PackageType": "Image",
        "Code": {"ImageUri": "i:1"},
        "Timeout": 7,
        "MemorySize": 256,
        "Environment": {"Variables": {"A": "b"}},
        "ImageConfig": {"EntryPoint": ["/e"], "Command": ["c"], "WorkingDirectory": "/w"},
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"},
    }
    functions.create_function(spec)
    functions.publish_version("f")
    functions.create_alias("live", "f", "1", "", "")


@pytest_asyncio.fixture
async def moto(tmp_path: Path) -> AsyncIterator[Moto]:
    journal = Journal(None)
    moto = Moto(journal)
    snapshots = Snapshots(tmp_path, moto, journal, print)
    await moto.open(lambda: _boot(journal, snapshots))
    await moto.call(_populate)
    yield moto
    await moto.close()
    journal.close()


@pytest.fixture
def control(moto: Moto) -> MotoControl:
    return MotoControl(moto)


async def test_a_function_is_found_complete(control: MotoControl) -> None:
    found = await control.function(ACCOUNT, "us-east-1", "f")
    assert dataclasses.replace(found, revision="") == Function(
        ACCOUNT, "us-east-1", "f", "$LATEST", ARN, "i:1", "", 256, 7, 512, ROLE, {"A": "b"}, ("/e",), ("c",), "/w",
        "/aws/lambda/f", "arn:aws:sqs:us-east-1:000000000000:q",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "qualifier", "version"),
    [
        (ARN, "", "$LATEST"),
        (f"{ARN}:1", "", "1"),
        (f"{ARN}:live", "", "1"),
        ("f:live", "", "1"),
        ("f", "$LATEST", "$LATEST"),
        (f"{ACCOUNT}:function:f", "", "$LATEST"),
        (f"{ACCOUNT}:function:f:1", "", "1"),
    ],
)
async def test_every_way_to_name_a_function_finds_it(
    control: MotoControl, name: str, qualifier: str, version: str
) -> None:
    assert (await control.function(ACCOUNT, "us-east-1", name, qualifier)).version == version


async def test_a_missing_function_is_awss_404(control: MotoControl) -> None:
    with pytest.raises(AwsError) as refused:
        await control.function(ACCOUNT, "us-east-1", "nobody")
    assert (refused.value.code, refused.value.status) == ("ResourceNotFoundException", 404)


async def test_without_an_event_invoke_config_awss_defaults_hold(control: MotoControl) -> None:
    assert await control.async_config(await control.function(ACCOUNT, "us-east-1", "f")) == AsyncConfig()


async def test_an_event_invoke_config_is_read(control: MotoControl, moto: Moto) -> None:
    def put() -> None:
        from moto.awslambda.models import lambda_backends

        config = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {"Destination": ARN}}}
        lambda_backends[ACCOUNT]["us-east-1"].put_function_event_invoke_config("f", config)

    await moto.call(put)
    found = await control.async_config(await control.function(ACCOUNT, "us-east-1", "f"))
    assert found == AsyncConfig(retries=0, on_failure=ARN)


async def test_a_role_gives_fresh_credentials(control: MotoControl) -> None:
    first, second = await control.credentials(ROLE, "s"), await control.credentials(ROLE, "s")
    assert first.access_key.startswith("ASIA")
    assert first.access_key != second.access_key


async def test_a_role_that_is_gone_gives_none(control: MotoControl) -> None:
    with pytest.raises(AwsError):
        await control.credentials(f"arn:aws:iam::{ACCOUNT}:role/nobody", "s")


async def test_a_queue_is_delivered_to(control: MotoControl, moto: Moto) -> None:
    def receive() -> list[Any]:
        from moto.sqs.models import sqs_backends

        return list(sqs_backends[ACCOUNT]["us-east-1"].receive_message("q", 1, 0, 0, ["All"]))

    await control.deliver(f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "body", {"RequestID": "1"})
    (message,) = await moto.call(receive)
    assert message.body == "body"
    assert message.message_attributes["RequestID"]["StringValue"] == "1"


async def test_a_queue_that_is_gone_refuses(control: MotoControl) -> None:
    with pytest.raises(AwsError, match="NonExistentQueue"):
        await control.deliver(f"arn:aws:sqs:us-east-1:{ACCOUNT}:nobody", "body", {})


async def test_a_function_is_delivered_to_by_an_invocation(control: MotoControl) -> None:
    accepted: list[Any] = []
    outward.connect(accepted.append, accepted.append)
    await control.deliver(ARN, "{}", {})
    assert [(each.function, each.payload) for each in accepted] == [(ARN, b"{}")]


async def test_what_was_learned_of_a_function_holds_until_a_control_plane_changes(
    control: MotoControl, moto: Moto
) -> None:
    def change() -> None:
        lambda_backends[ACCOUNT]["us-east-1"].get_function("f").memory_size = 512

    from moto.awslambda.models import lambda_backends

    before = await control.function(ACCOUNT, "us-east-1", "f")
    await moto.call(change)
    unchanged = await control.function(ACCOUNT, "us-east-1", "f")
    await moto.call(lambda: commit.record(Put(Table.REQUEST, "1", b"{}")))

    assert unchanged is before
    assert (await control.function(ACCOUNT, "us-east-1", "f")).memory_mb == 512
