"""What a snapshot holds, and what it leaves out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hfaas_emulator.account import ACCOUNT
from hfaas_emulator.s3.api import SERVICES

REGION = "us-east-1"
LAST = "0000000000000042"


@pytest.fixture
def backends(tmp_path: Any) -> Iterator[Any]:
    """Backends of a patched moto, empty before and after."""
    from moto.moto_api._internal.models import moto_api_backend

    from hfaas_emulator.moto_services import s3
    from hfaas_emulator.moto_services.boot import OURS
    from hfaas_emulator.moto_services.dispatcher import Dispatcher
    from hfaas_emulator.s3.store import Store

    Dispatcher((*OURS, *SERVICES))
    moto_api_backend.reset()
    store = Store(tmp_path / "objects")
    s3.wire(store, lambda _event, _call: None)
    yield backend
    moto_api_backend.reset()
    store.close()


def backend(service: str, region: str = REGION) -> Any:
    """Return a service's backend."""
    from moto.backends import get_backend

    name: Any = service
    return get_backend(name)[ACCOUNT][region]


def again() -> None:
    """Forget everything, and bring it back from a snapshot."""
    from moto.moto_api._internal.models import moto_api_backend

    from hfaas_emulator.moto_services import snapshot

    content = snapshot.dump(LAST)
    moto_api_backend.reset()
    assert snapshot.load(content) == LAST


def test_backends_still_refer_to_each_other(backends: Any) -> None:
    backends("sqs").create_queue("dead")
    arn = backends("sqs").get_queue("dead").queue_arn
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    backends("sqs").create_queue("work", RedrivePolicy=policy)
    again()
    assert backends("sqs").get_queue("work").dead_letter_queue is backends("sqs").get_queue("dead")


def test_messages_are_left_out_and_the_queue_works_on(backends: Any) -> None:
    backends("sqs").create_queue("q")
    backends("sqs").send_message("q", "hello")
    again()
    assert backends("sqs").receive_message("q", 1, 0, 30) == []
    backends("sqs").send_message("q", "again")
    assert [message.body for message in backends("sqs").receive_message("q", 1, 0, 30)] == ["again"]


def test_objects_and_their_tags_are_left_out_and_those_of_buckets_stay(backends: Any) -> None:
    s3 = backends("s3", "aws")
    bucket = s3.create_bucket("kept", REGION)
    s3.put_bucket_tagging("kept", {"of": "bucket"})
    key = s3.put_object("kept", "k", b"bytes")
    s3.put_object_tagging(key, {"of": "object"})
    again()
    s3 = backends("s3", "aws")
    assert s3.get_bucket("kept").creation_date - bucket.creation_date < timedelta(seconds=1)
    assert list(s3.get_bucket("kept").keys) == []
    assert set(s3.tagger.tags) == {"arn:aws:s3:::kept"}


def test_functions_with_versions_and_aliases_come_back(backends: Any) -> None:
    spec = {
        "FunctionName": "f",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/r",
        "PackageType": "Image",
        "Code": {"ImageUri": "i:1"},
    }
    backends("iam", "aws").create_role("r", "{}", "/", None, "", [], 3600)
    made = backends("lambda").create_function(spec)
    backends("lambda").publish_version("f")
    backends("lambda").create_alias("live", "f", "1", "", "")
    again()
    functions = backends("lambda")
    assert functions.get_function("f").revision_id == made.revision_id
    assert str(functions.get_function("f", "live").version) == "1"
    assert functions.get_function(made.function_arn).function_name == "f"
    functions.create_alias("other", "f", "1", "", "")


@pytest.mark.parametrize("service", ["ssm", "kms", "ecr", "secretsmanager", "events", "sns", "logs"])
def test_a_backend_that_plain_pickle_may_refuse_is_kept(backends: Any, service: str) -> None:
    made = backends(service)
    again()
    assert type(backends(service)) is type(made)
    assert backends(service) is not made


def test_parameters_and_their_tags_come_back(backends: Any) -> None:
    put: Any = backends("ssm").put_parameter
    put("p", "", "v", "String", "", "", False, [{"Key": "a", "Value": "b"}], "text", tier="Standard", policies=None)
    again()
    assert backends("ssm").get_parameter("p").value == "v"
    assert backends("ssm").list_tags_for_resource("Parameter", "p") == {"a": "b"}


@pytest.mark.parametrize(
    ("content", "reason", "last"),
    [
        (b"", "damaged", ""),
        (b"x\n", "damaged", ""),
        (b'{"format": 1, "moto": "0", "last": "7", "sha256": ""}\n', "made with moto 0", "0000000000000007"),
    ],
)
def test_what_is_no_snapshot_of_this_moto_is_not_read(
    backends: Any, content: bytes, reason: str, last: str
) -> None:
    from hfaas_emulator.moto_services import snapshot

    with pytest.raises(snapshot.Unusable, match=reason) as raised:
        snapshot.load(content)
    assert raised.value.last == last
    assert backends


def test_a_snapshot_with_a_wrong_byte_is_not_unpickled(backends: Any) -> None:
    from hfaas_emulator.moto_services import snapshot

    backends("sqs").create_queue("q")
    content = bytearray(snapshot.dump(LAST))
    content[-3] ^= 1
    with pytest.raises(snapshot.Unusable, match="damaged"):
        snapshot.load(bytes(content))
