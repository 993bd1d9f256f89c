"""What the execution plane of Batch learns from the control planes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hfaas_emulator.account import ACCOUNT
from hfaas_emulator.batch.records import ComputeEnvironment, JobQueue
from hfaas_emulator.errors import AwsError
from hfaas_emulator.journal import Journal, Put, Table
from hfaas_emulator.moto_services import commit
from hfaas_emulator.moto_services.bridge import Application, Request
from hfaas_emulator.moto_services.control import MotoControl
from hfaas_emulator.moto_services.snapshots import Snapshots
from hfaas_emulator.moto_services.thread import Moto

REGION = "us-east-1"
ARN = f"arn:aws:batch:{REGION}:{ACCOUNT}"
SCOPE = f"Credential=test/20250101/{REGION}/batch/aws4_request"
RESOURCES = {"type": "FARGATE", "maxvCpus": 4, "subnets": ["subnet-0"], "securityGroupIds": ["sg-0"]}
CONTAINER = {"image": "works:1", "vcpus": 1, "memory": 128}
EVENT = {
    "source": "aws.batch",
    "detail-type": "Batch Job State Change",
    "account": ACCOUNT,
    "region": REGION,
    "time": "2026-01-02T03:04:05Z",
    "resources": [],
    "detail": {"status": "FAILED"},
}


def _boot(journal: Journal, snapshots: Snapshots) -> Application:
    from hfaas_emulator.moto_services.boot import boot

    return boot((), lambda: None, lambda _journal: [], journal, snapshots)


async def ask(moto: Moto, action: str, **asked: Any) -> None:
    headers = {
        "host": "localhost",
        "content-type": "application/json",
        "authorization": f"AWS4-HMAC-SHA256 {SCOPE}, SignedHeaders=host, Signature=0",
    }
    answer = await moto.request(
        Request("POST", f"/v1/{action}", "", headers, json.dumps(asked).encode(), record=True)
    )
    assert answer.status == 200, answer.body


@pytest_asyncio.fixture
async def moto(tmp_path: Path) -> AsyncIterator[Moto]:
    journal = Journal(None)
    moto = Moto(journal)
    snapshots = Snapshots(tmp_path, moto, journal, print)
    await moto.open(lambda: _boot(journal, snapshots))
    yield moto
    await moto.close()
    journal.close()


@pytest_asyncio.fixture
async def control(moto: Moto) -> MotoControl:
    for name in ("one", "two"):
        await ask(
            moto,
            "createcomputeenvironment",
            computeEnvironmentName=name,
            type="MANAGED",
            computeResources=RESOURCES,
        )
    order = [{"order": 2, "computeEnvironment": "one"}, {"order": 1, "computeEnvironment": "two"}]
    await ask(moto, "createjobqueue", jobQueueName="q", priority=5, computeEnvironmentOrder=order)
    for _ in range(2):
        await ask(
            moto, "registerjobdefinition", jobDefinitionName="d", type="container", containerProperties=CONTAINER
        )
    return MotoControl(moto)


async def test_a_queue_is_found_by_name_and_arn_with_its_environments_in_order(control: MotoControl) -> None:
    environments = tuple(
        ComputeEnvironment(f"{ARN}:compute-environment/{name}", name, "FARGATE", 4) for name in ("two", "one")
    )
    expected = JobQueue(f"{ARN}:job-queue/q", "q", 5, environments)
    assert await control.job_queue(ACCOUNT, REGION, "q") == expected
    assert await control.job_queue("111111111111", "eu-west-1", f"{ARN}:job-queue/q") == expected


async def test_a_change_of_a_record_is_seen_at_once(control: MotoControl, moto: Moto) -> None:
    assert (await control.job_queue(ACCOUNT, REGION, "q")).enabled
    await ask(moto, "updatejobqueue", jobQueue="q", state="DISABLED")
    assert not (await control.job_queue(ACCOUNT, REGION, "q")).enabled


@pytest.mark.parametrize(
    ("name", "revision"),
    [
        ("d", 2),
        ("d:1", 1),
        (f"{ARN}:job-definition/d", 2),
        (f"{ARN}:job-definition/d:1", 1),
    ],
)
async def test_every_way_to_name_a_definition_finds_it(control: MotoControl, name: str, revision: int) -> None:
    found = await control.job_definition(ACCOUNT, REGION, name)
    assert (found.name, found.revision) == ("d", revision)
    assert found.document["containerProperties"]["image"] == "works:1"


async def test_the_newest_active_revision_is_meant_by_a_name(control: MotoControl, moto: Moto) -> None:
    await ask(moto, "deregisterjobdefinition", jobDefinition="d:2")
    assert (await control.job_definition(ACCOUNT, REGION, "d")).revision == 1
    with pytest.raises(AwsError, match="d:2 does not exist or is not in ACTIVE status"):
        await control.job_definition(ACCOUNT, REGION, "d:2")


@pytest.mark.parametrize("name", ["none", "arn:aws:batch:us-east-1:000000000000:job-queue/none", "arn:nonsense"])
async def test_what_is_not_there_is_refused_in_batchs_way(control: MotoControl, name: str) -> None:
    for find in (control.job_queue, control.job_definition):
        with pytest.raises(AwsError) as refused:
            await find(ACCOUNT, REGION, name)
        assert (refused.value.code, refused.value.status) == ("ClientException", 400)


async def test_a_secret_is_read_whole_or_by_one_of_its_keys(moto: Moto) -> None:
    def put() -> str:
        from moto.secretsmanager.models import secretsmanager_backends

        backend = secretsmanager_backends[ACCOUNT][REGION]
        made = backend.create_secret("s", '{"user": "u", "port": 1}', None, None, [], None, None, [], False)
        return str(json.loads(made)["ARN"])

    arn, control = await moto.call(put), MotoControl(moto)
    assert json.loads(await control.secret(ACCOUNT, REGION, arn)) == {"user": "u", "port": 1}
    assert await control.secret(ACCOUNT, REGION, f"{arn}:user::") == "u"
    assert await control.secret(ACCOUNT, REGION, f"{arn}:port:AWSCURRENT:") == "1"
    with pytest.raises(AwsError, match="has no JSON key none"):
        await control.secret(ACCOUNT, REGION, f"{arn}:none::")
    with pytest.raises(AwsError):
        await control.secret(ACCOUNT, REGION, arn.replace(":secret:s", ":secret:none"))


async def test_a_parameter_is_read_by_name_and_arn_and_deciphered(moto: Moto) -> None:
    def put() -> None:
        from moto.ssm.models import ssm_backends

        for name, kind in (("/a/b", "String"), ("c", "SecureString")):
            ssm_backends[ACCOUNT][REGION].put_parameter(
                name, "", f"value of {name}", kind, "", "alias/aws/ssm", False, [], "text", None, None
            )

    await moto.call(put)
    control = MotoControl(moto)
    assert await control.secret(ACCOUNT, REGION, "/a/b") == "value of /a/b"
    assert await control.secret(ACCOUNT, REGION, f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a/b") == "value of /a/b"
    assert await control.secret(ACCOUNT, REGION, "c") == "value of c"
    assert await control.secret(ACCOUNT, REGION, f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/c") == "value of c"
    with pytest.raises(AwsError, match="the parameter none does not exist"):
        await control.secret(ACCOUNT, REGION, "none")


async def test_an_event_of_aws_itself_reaches_the_rules_of_the_default_bus(moto: Moto) -> None:
    def watch() -> None:
        from moto.events.models import events_backends
        from moto.sqs.models import sqs_backends

        sqs_backends[ACCOUNT][REGION].create_queue("failures")
        pattern = json.dumps({"source": ["aws.batch"], "detail": {"status": ["FAILED"]}})
        events_backends[ACCOUNT][REGION].put_rule("r", event_pattern=pattern)
        target = {"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:failures"}
        events_backends[ACCOUNT][REGION].put_targets("r", "default", [target])
        commit.record(Put(Table.REQUEST, "1", b"{}"))

    def received() -> list[Any]:
        from moto.sqs.models import sqs_backends

        messages = sqs_backends[ACCOUNT][REGION].receive_message("failures", 10, 0, 0, ["All"])
        return [json.loads(message.body) for message in messages]

    control = MotoControl(moto)
    assert not await control.is_watched(ACCOUNT, REGION)
    await moto.call(watch)
    assert await control.is_watched(ACCOUNT, REGION)
    await control.publish(ACCOUNT, REGION, {**EVENT, "detail": {"status": "RUNNING"}})
    await control.publish(ACCOUNT, REGION, EVENT)
    (event,) = await moto.call(received)
    assert event == EVENT
