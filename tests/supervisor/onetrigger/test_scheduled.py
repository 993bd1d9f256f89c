"""The Lambda way: a real process at a real Runtime API, its state and its token at moto's S3 and Secrets Manager."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from tests.supervisor.conftest import S3, Runtime
from tests.supervisor.onetrigger.conftest import TOKEN, Certificates, Datahub, Hook

from hfaas_supervisor.errors import ConfigError, ProviderAuth
from hfaas_supervisor.onetrigger.scheduled import Poller

Deploy = Callable[..., Callable[[dict[str, str]], None]]


def encoded(settings: object) -> str:
    return base64.b64encode(json.dumps(settings).encode()).decode()


@pytest.fixture
def deploy(
    runtime: Runtime, s3: S3, live_hub: Datahub, hook: Hook, certificates: Certificates, endpoint: str
) -> Deploy:
    """Start the Function, with a secret that holds this; gives what puts something else into it."""

    def start(secret: dict[str, str] | None, **settings: Any) -> Callable[[dict[str, str]], None]:
        client: Any = boto3.client(
            "secretsmanager",
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        arn = client.create_secret(Name=uuid.uuid4().hex)["ARN"]

        def put(secret: dict[str, str]) -> None:
            client.put_secret_value(SecretId=arn, SecretString=json.dumps(secret))

        if secret is not None:
            put(secret)
        state = f"s3://{s3.bucket}/onetrigger/stack/name.json"
        plan = {"provider": "my-hub", "space": "films", "folder": "in", "state": state, "idle": 0.05}
        runtime.start(
            HFAAS_ONETRIGGER=encoded({**plan, "webhook": hook.url, "settle": 60, **settings}),
            ONEDATA_SECRET_MY_HUB=arn,
            SSL_CERT_FILE=certificates.ca,
        )
        return put

    return start


def test_each_event_is_a_poll_that_says_what_is_left(
    deploy: Deploy, runtime: Runtime, live_hub: Datahub, hook: Hook, s3: S3
) -> None:
    deploy({"token": TOKEN, "oneprovider_host": live_hub.host}, oneprovider_host="elsewhere.invalid")
    live_hub.upload("in/old", 3)
    assert runtime.invoke({"whatever": 1}, seconds=30).json == {"pending": 0, "next": None, "fired": 0, "dead": 0}
    live_hub.upload("in/a", 3)
    live_hub.create("in/b", 3)
    answer = runtime.invoke({}, seconds=30).json
    assert (answer["pending"], answer["fired"], 50 < answer["next"] <= 60) == (1, 1, True)
    assert hook.keys == ["/films/in/a"]
    assert s3.keys() == ["onetrigger/stack/name.json"]


def test_while_its_secret_has_no_value_nothing_is_looked_at_and_nothing_fails(
    deploy: Deploy, runtime: Runtime, live_hub: Datahub, s3: S3
) -> None:
    put = deploy(None, oneprovider_host=live_hub.host)
    assert runtime.invoke({}, seconds=30).json == {"pending": 0, "next": None, "fired": 0, "dead": 0}
    assert "nothing is looked at yet: the secret " in runtime.log
    assert s3.keys() == []
    put({"token": TOKEN})
    runtime.invoke({}, seconds=30)
    assert s3.keys() == ["onetrigger/stack/name.json"]


def test_what_was_refused_is_sent_when_it_is_asked_for(
    deploy: Deploy, runtime: Runtime, live_hub: Datahub, hook: Hook
) -> None:
    deploy({"token": TOKEN}, oneprovider_host=live_hub.host)
    runtime.invoke({}, seconds=30)
    hook.answers = [404]
    live_hub.upload("in/a", 3)
    assert runtime.invoke({}, seconds=30).json["dead"] == 1
    assert runtime.invoke({"retry_dead": True}, seconds=30).json["fired"] == 1
    assert hook.keys == ["/films/in/a"]


def test_a_wrong_token_fails_the_poll_in_words(deploy: Deploy, runtime: Runtime, live_hub: Datahub) -> None:
    deploy({"token": "wrong-token"}, oneprovider_host=live_hub.host)
    post = runtime.invoke({}, seconds=30)
    assert post.json["errorType"] == "Hfaas.ProviderAuth"
    assert "the Onedata token is not accepted" in post.json["errorMessage"]
    assert "wrong-token" not in runtime.log + post.body.decode()


def test_a_secret_that_is_not_named_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEDATA_SECRET_H", raising=False)
    with pytest.raises(ProviderAuth, match="ONEDATA_SECRET_H is not set"):
        Poller(encoded(GOOD), 2).poll(b"{}", 10)


GOOD = {"provider": "h", "space": "s", "state": "s3://b/k", "function": "f"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%", "is not base64 of JSON"),
        (encoded([]), "must be a map"),
        (encoded({**GOOD, "typo": 1}), "'typo' is none of"),
        (encoded({**GOOD, "settle": "7"}), "settle cannot be '7'"),
        (encoded({**GOOD, "settle": True}), "settle cannot be True"),
        (encoded({**GOOD, "space": ""}), "space is missing"),
        (encoded({**GOOD, "webhook": "http://a"}), "name one target"),
    ],
)
def test_settings_that_cannot_work_are_named(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Poller(text, 2)
