"""Where events go: a webhook, as upstream's OneTrigger calls it, or a Lambda Function, asynchronously."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from hfaas_supervisor import signed
from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.keys import role_keys
from hfaas_supervisor.onetrigger.provider import File
from hfaas_supervisor.onetrigger.wire import Answer, Line, connector

EVENT_ID = "X-Hfaas-Event-Id"
AGAIN = (408, 409, 425, 429)
"""Besides 5xx; 409 is Lambda's while a Function is being updated."""

ARN = re.compile(r"arn:[^:]+:lambda:(?P<region>[^:]+):\d+:function:.+")
FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,64}")
WORDS_LIMIT = 200


class Event(NamedTuple):
    """What is sent; `id` is the same each time the same content of a file is reported."""

    id: str
    key: str
    body: bytes


class Outcome(StrEnum):
    """What became of an event."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


class Verdict(NamedTuple):
    """An outcome and its reason."""

    outcome: Outcome
    reason: str = ""


class Target(Protocol):
    """Somebody who takes events."""

    name: str

    def send(self, event: Event) -> Verdict:
        """Hand an event over; it never raises for what the target does."""

    def close(self) -> None:
        """Let the connection go."""


def event(file: File, now: float, again: int | None = None) -> Event:
    """Make the event of a file: upstream's, and an id; `again` tells it from one with the same time and size."""
    text = f"{file.id}|{file.mtime}|{file.size}" + ("" if again is None else f"|{again}")
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    seconds, micro = divmod(round(now * 1_000_000), 1_000_000)
    record = {
        "objectKey": file.name,
        "objectId": file.id,
        "eventTime": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{micro:06}",
        "eventSource": "OneTrigger",
        "eventId": digest,
    }
    return Event(digest, file.path, json.dumps({"Key": file.path, "Records": [record]}).encode())


def region() -> str:
    """Return the region of what is named without one."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def target(webhook: str, function: str, region: str, context: Callable[[], ssl.SSLContext]) -> Target:
    """Return the one target that is named; ConfigError when it is none or two."""
    if bool(webhook) == bool(function):
        raise ConfigError("name one target: a webhook's URL, or a Function")
    return Webhook(webhook, context) if webhook else Function(function, region, context)


class Webhook:
    """A URL that takes events by POST."""

    def __init__(self, url: str, context: Callable[[], ssl.SSLContext]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"the webhook {url!r} must be an http or https URL")
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        self._headers = {"Content-Type": "application/json", **_login(parts)}
        self._line = Line(connector(parts, context))

    def send(self, event: Event) -> Verdict:
        headers = {**self._headers, EVENT_ID: event.id}
        return _verdict(lambda: self._line.ask("POST", self._path, event.body, headers))

    def close(self) -> None:
        self._line.close()


class Function:
    """A Lambda Function, by name or ARN."""

    def __init__(self, function: str, region: str, context: Callable[[], ssl.SSLContext]) -> None:
        arn = ARN.fullmatch(function)
        if not arn and not FUNCTION.fullmatch(function):
            raise ConfigError(f"{function!r} is neither the name nor the ARN of a Function")
        self.name = function
        self._region = arn["region"] if arn else region
        endpoint = signed.endpoint("lambda", self._region)
        self._host = endpoint.netloc
        self._path = f"{endpoint.path.rstrip('/')}/2015-03-31/functions/{function}/invocations"
        self._line = Line(connector(endpoint, context))

    def send(self, event: Event) -> Verdict:
        return _verdict(lambda: self._line.ask("POST", signed.encoded(self._path), event.body, self._signed(event)))

    def close(self) -> None:
        self._line.close()

    def _signed(self, event: Event) -> dict[str, str]:
        headers = {"content-type": "application/json", "x-amz-invocation-type": "Event", EVENT_ID: event.id}
        if chain := os.environ.get("_X_AMZN_TRACE_ID"):
            headers["x-amzn-trace-id"] = chain  # as an SDK would: AWS finds loops by it
        request = signed.Request("POST", self._host, self._path, headers)
        digest = hashlib.sha256(event.body).hexdigest()
        return signed.sign(request, digest, ("lambda", self._region), role_keys(), time.time())


def _verdict(send: Callable[[], Answer]) -> Verdict:
    try:
        answer = send()
    except (OSError, http.client.HTTPException) as error:
        return Verdict(Outcome.UNREACHABLE, str(error) or type(error).__name__)
    if 200 <= answer.status < 300:
        return Verdict(Outcome.TAKEN)
    words = " ".join(answer.body[:WORDS_LIMIT].decode(errors="replace").split())
    again = answer.status >= 500 or answer.status in AGAIN
    return Verdict(Outcome.LATER if again else Outcome.REFUSED, f"{answer.status} {words}".rstrip())


def _login(parts: SplitResult) -> Mapping[str, str]:
    if not parts.username:
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}
