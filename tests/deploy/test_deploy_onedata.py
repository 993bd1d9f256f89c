"""Onedata on an emulator: Spaces, secrets, and a pipeline with its OneTrigger."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy import deploy, fdl, rehearsal_space
from hfaas_deploy.aws import first_look, secret_values
from hfaas_deploy.aws.secret_values import Value
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.layers import LayerImages
from hfaas_deploy.errors import SecretError, WatchError
from hfaas_deploy.messages import BucketReady, Deployed, Message, SecretMissing, SecretStored, SpaceReady, Watching
from hfaas_deploy.pipeline import Pipeline, Provider

STORE = Provider("minio", "m", {"endpoint": "https://minio.example.org"})
KEYS = {"access_key": "AK", "secret_key": "geheim"}
STEPS = (BucketReady, SpaceReady, SecretStored, SecretMissing, Watching, Deployed)


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """One Function between two folders of a Space, one of whose outputs has keys that nobody has set."""
    monkeypatch.delenv("HUB_TOKEN", raising=False)
    name = uuid.uuid4().hex[:8]
    (tmp_path / "a.sh").write_text("#!/bin/sh\n")
    document = {
        "hfaas": {"stack": f"space-{name}"},
        "functions": {
            "aws": [
                {
                    "lambda": {
                        "name": f"copy-{name}",
                        "init_script": "a.sh",
                        "container": {"image": "x"},
                        "input": [{"storage_provider": "onedata.hub", "path": "raw"}],
                        "output": [
                            {"storage_provider": "onedata.hub", "path": "done"},
                            {"storage_provider": "minio.m", "path": "b/done"},
                        ],
                    }
                }
            ]
        },
        "storage_providers": {
            "onedata": {"hub": {"oneprovider_host": "one.example.org", "token": "${HUB_TOKEN}", "space": name}},
            "minio": {"m": {"access_key": "${HUB_TOKEN}", "secret_key": "${HUB_TOKEN}"}},
        },
    }
    (tmp_path / "pipeline.yaml").write_text(json.dumps(document))
    return fdl.read(tmp_path / "pipeline.yaml")


def bring_up(pipeline: Pipeline, target: Target) -> tuple[Deployed, list[Message]]:
    told: list[Message] = []
    deployed = deploy.deploy(pipeline, target, LayerImages(target.endpoint), told.append)
    return deployed, [message for message in told if isinstance(message, STEPS)]


@pytest.mark.slow
def test_files_are_events_from_the_moment_a_deploy_is_done(target: Target, pipeline: Pipeline) -> None:
    deployed, told = bring_up(pipeline, target)

    (function,) = pipeline.functions
    assert [type(message) for message in told] == [
        BucketReady,
        SpaceReady,
        SecretMissing,
        SecretStored,
        Watching,
        Deployed,
    ]
    assert SecretMissing("minio.m", ("HUB_TOKEN",)) in told
    secrets: Any = target.client("secretsmanager")
    held = json.loads(secrets.get_secret_value(SecretId=deployed.outputs["OnedataHubSecret"])["SecretString"])
    assert held["token"]
    assert held["oneprovider_host"] != "one.example.org"
    assert held["token"] not in repr(told)
    state = f"onetrigger/{pipeline.stack}/{function.name}-onetrigger.json"
    s3, bucket = target.client("s3"), "hfaas-artifacts-000000000000-us-east-1"
    assert not first_look.is_due(s3, bucket, state)

    _, again = bring_up(pipeline, target)

    assert [type(message) for message in again] == [BucketReady, SpaceReady, SecretMissing, Deployed]

    s3.delete_object(Bucket=bucket, Key=state)
    _, taken_up = bring_up(pipeline, target)

    assert Watching(function.name, str(pipeline.providers["onedata"]["hub"]["space"]), "raw") in taken_up


def test_an_emulator_makes_the_space_once_and_tells_how_functions_reach_it(target: Target) -> None:
    first, second = (rehearsal_space.ensure(target.endpoint, "blurry faces") for _ in range(2))

    assert (first.name, first.host) == ("blurry faces", second.host)
    assert first.token


@pytest.fixture
def secret(target: Target, request: pytest.FixtureRequest) -> str:
    """An empty secret, as the Stack makes it."""
    client: Any = target.client("secretsmanager")
    return str(client.create_secret(Name=f"{request.node.name}-{id(request)}")["ARN"])


def held(target: Target, secret: str) -> Any:
    return json.loads(target.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])


def versions(target: Target, secret: str) -> int:
    answer = target.client("secretsmanager").list_secret_version_ids(SecretId=secret, IncludeDeprecated=True)
    return len(answer["Versions"])


def test_new_keys_are_put_into_the_secret_and_equal_ones_are_not(target: Target, secret: str) -> None:
    client = target.client("secretsmanager")

    assert secret_values.store(client, secret, Value(STORE, KEYS))
    assert not secret_values.store(client, secret, Value(STORE, dict(reversed(KEYS.items()))))

    assert held(target, secret) == KEYS
    assert versions(target, secret) == 1


def test_changed_keys_replace_the_old_ones(target: Target, secret: str) -> None:
    client = target.client("secretsmanager")
    secret_values.store(client, secret, Value(STORE, KEYS))

    assert secret_values.store(client, secret, Value(STORE, {**KEYS, "secret_key": "neu"}))

    assert held(target, secret)["secret_key"] == "neu"


def test_the_mark_of_a_value_tells_nothing_of_it(target: Target, secret: str) -> None:
    client: Any = target.client("secretsmanager")
    other = client.create_secret(Name=f"other-{id(secret)}")["ARN"]
    for one in (secret, other):
        secret_values.store(client, one, Value(STORE, KEYS))

    marks = {client.describe_secret(SecretId=one)["Tags"][0]["Value"] for one in (secret, other)}

    assert len(marks) == 2
    assert {len(mark) for mark in marks} == {64}


def test_a_refusal_names_the_provider_and_no_key(target: Target) -> None:
    with pytest.raises(SecretError, match=r"keys of minio.m cannot be put away") as caught:
        secret_values.store(target.client("secretsmanager"), "no-such-secret", Value(STORE, KEYS))

    assert "geheim" not in str(caught.value)
    assert "PutSecretValue" in caught.value.hint


def test_a_onetrigger_that_is_not_there_is_told_by_its_name(target: Target) -> None:
    with pytest.raises(WatchError, match="nobody-onetrigger cannot be invoked"):
        first_look.take(target.client("lambda"), "nobody-onetrigger")
