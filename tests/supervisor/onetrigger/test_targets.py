"""What is sent to whom, and what an answer means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from tests.supervisor.onetrigger.conftest import Hook, Serve

from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.onetrigger import targets
from hfaas_supervisor.onetrigger.provider import File
from hfaas_supervisor.onetrigger.targets import Function, Outcome, Webhook, event
from hfaas_supervisor.onetrigger.wire import Trust

FILE = File("ID", "a b", "/films/in/a b", "REG", 3, 1_700_000_000, None)
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:shrink"


class _Lambda(BaseHTTPRequestHandler):
    requests: list[tuple[str, dict[str, str], Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def webhook(hook: Hook, trust: Trust) -> Iterator[Webhook]:
    made = Webhook(hook.url, trust)
    yield made
    made.close()


def test_the_event_is_upstreams_and_has_an_id() -> None:
    document = json.loads(event(FILE, 1_700_000_000.25).body)
    assert document["Records"][0].pop("eventId") == hashlib.sha1(b"ID|1700000000|3").hexdigest()
    assert document == {
        "Key": "/films/in/a b",
        "Records": [
            {
                "objectKey": "a b",
                "objectId": "ID",
                "eventTime": "2023-11-14T22:13:20.250000",
                "eventSource": "OneTrigger",
            }
        ],
    }


def test_the_same_content_has_the_same_id_and_other_content_another() -> None:
    first = event(FILE, 1).id
    assert event(FILE, 2).id == first
    assert event(FILE._replace(size=4), 1).id != first
    assert event(FILE, 1, again=7).id not in (first, event(FILE, 1, again=8).id)


def test_a_webhook_gets_the_event_and_its_id_as_a_header(webhook: Webhook, hook: Hook) -> None:
    sent = event(FILE, 1)
    assert webhook.send(sent).outcome is Outcome.TAKEN
    assert hook.keys == ["/films/in/a b"]
    assert hook.headers[0]["x-hfaas-event-id"] == sent.id
    assert hook.headers[0]["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (201, Outcome.TAKEN),
        (302, Outcome.REFUSED),
        (400, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (408, Outcome.LATER),
        (409, Outcome.LATER),
        (429, Outcome.LATER),
        (503, Outcome.LATER),
    ],
)
def test_a_status_decides(webhook: Webhook, hook: Hook, status: int, outcome: Outcome) -> None:
    hook.answers = [status]
    assert webhook.send(event(FILE, 1)).outcome is outcome


def test_nobody_there_is_an_outcome_too(trust: Trust) -> None:
    outcome, reason = Webhook("http://127.0.0.1:1/", trust).send(event(FILE, 1))
    assert outcome is Outcome.UNREACHABLE
    assert "refused" in reason


def test_a_webhooks_login_is_sent_and_not_shown(hook: Hook, trust: Trust) -> None:
    webhook = Webhook(hook.url.replace("://", "://me:p%40ss@"), trust)
    webhook.send(event(FILE, 1))
    webhook.close()
    assert hook.headers[0]["authorization"] == "Basic bWU6cEBzcw=="
    assert "me" not in webhook.name


@pytest.mark.parametrize("function", [ARN, "shrink"])
def test_a_function_is_invoked_asynchronously_by_a_signed_request(
    serve: Serve, trust: Trust, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    requests: list[tuple[str, dict[str, str], Any]] = []
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{serve(type('H', (_Lambda,), {'requests': requests}))}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2;Lineage=a:1")
    target = Function(function, "eu-west-1", trust)
    assert target.send(event(FILE, 1)).outcome is Outcome.TAKEN
    target.close()
    ((path, headers, document),) = requests
    assert path == f"/2015-03-31/functions/{function.replace(':', '%3A')}/invocations"
    assert headers["x-amz-invocation-type"] == "Event"
    assert headers["x-amzn-trace-id"] == "Root=1-2;Lineage=a:1"
    assert "/eu-west-1/lambda/aws4_request" in headers["authorization"]
    assert document["Key"] == "/films/in/a b"


@pytest.mark.parametrize(
    ("webhook", "function", "words"),
    [
        ("", "", "name one target"),
        ("http://a", "f", "name one target"),
        ("ftp://a", "", "must be an http or https URL"),
        ("", "a/b", "neither the name nor the ARN"),
    ],
)
def test_a_target_must_be_one(webhook: str, function: str, words: str, trust: Trust) -> None:
    with pytest.raises(ConfigError, match=words):
        targets.target(webhook, function, "us-east-1", trust)
