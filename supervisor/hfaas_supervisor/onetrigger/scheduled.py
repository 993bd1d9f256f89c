"""The Lambda way: each Event, whatever it says, is one poll; state is one S3 object.

HFAAS_ONETRIGGER is base64 of JSON: `provider` (the id in storage_providers.onedata), `oneprovider_host`, `space`,
`folder`, `function` (name or ARN) or `webhook`, `state` (s3://BUCKET/KEY), and as it is needed `settle`, `max_wait`,
`idle`, `ignore`, `created_only`, `suffix`. Token and host come from the secret that ONEDATA_SECRET_<ID> names; a host
in the secret wins. The answer tells how many files wait, in how many seconds the next is due, and how many events were
sent. An Event {"retry_dead": true} first tries again what was refused. While the secret has no value nothing is looked
at, and that is no failure: the schedule begins with the Stack, and a deploy brings the value once that is up.
"""

from __future__ import annotations

import binascii
import json
import os
import time
from base64 import b64decode
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from hfaas_supervisor import secrets_manager
from hfaas_supervisor.console import Console
from hfaas_supervisor.errors import ConfigError, ProviderAuth, SecretEmpty
from hfaas_supervisor.job import Job
from hfaas_supervisor.onetrigger import targets, watch
from hfaas_supervisor.onetrigger.engine import Engine
from hfaas_supervisor.onetrigger.provider import Provider
from hfaas_supervisor.onetrigger.runner import ONCE_IDLE_S, Pace, Runner
from hfaas_supervisor.onetrigger.state_object import StateObject
from hfaas_supervisor.onetrigger.watch import Watch
from hfaas_supervisor.onetrigger.wire import Trust

RESERVE_S = 5.0
"""Kept back for the event under way, for writing the state and for the answer."""

NOTHING: dict[str, Any] = {"pending": 0, "next": None, "fired": 0, "dead": 0}

NAMES: Mapping[str, type | tuple[type, ...]] = {
    "provider": str,
    "oneprovider_host": str,
    "space": str,
    "folder": str,
    "function": str,
    "webhook": str,
    "state": str,
    "settle": (int, float),
    "max_wait": (int, float),
    "idle": (int, float),
    "ignore": list,
    "created_only": bool,
    "suffix": list,
}
NEEDED = ("provider", "space", "state")


class Poller:
    """What lasts from one poll to the next: settings, connections and, until it is refused, the token."""

    def __init__(self, text: str, fd: int) -> None:
        self._settings = _settings(text)
        self._console = Console(fd)
        self._trust = Trust()
        self._watch = _watch(self._settings)
        function, webhook = self._settings.get("function", ""), self._settings.get("webhook", "")
        self._target = targets.target(webhook, function, targets.region(), self._trust)
        self._provider: Provider | None = None

    def poll(self, event: bytes, seconds: float) -> dict[str, Any]:
        """Deal with what has changed, within the seconds that are left."""
        try:
            provider = self._provider or Provider(*_access(self._settings), self._trust)
        except SecretEmpty as error:
            self._console.warning(f"nothing is looked at yet: {error}")
            return NOTHING
        self._provider = provider
        try:
            with closing(StateObject(self._settings["state"], targets.region(), self._trust)) as state:
                return self._poll(state, provider, event, seconds)
        except ProviderAuth:
            self._provider = None  # the secret may hold another token by now
            raise
        finally:  # nobody would hear the other end hang up while Lambda keeps us frozen
            self._target.close()
            provider.close()

    def _poll(self, state: StateObject, provider: Provider, event: bytes, seconds: float) -> dict[str, Any]:
        engine = Engine(provider, state, self._target, self._watch, self._console)
        if _asks_for_dead(event):
            engine.retry_dead()
        idle = self._settings.get("idle") or ONCE_IDLE_S
        end = time.monotonic() + max(0.0, seconds - RESERVE_S)
        try:
            Runner(engine, provider, self._console, Pace(idle, once=True, end=end)).run()
        finally:
            state.save()
        waiting = {"pending": state.pending(), "next": engine.seconds()}
        return {**waiting, "fired": engine.fired, "dead": len(state.dead())}


def _settings(text: str) -> dict[str, Any]:
    try:
        settings = json.loads(b64decode(text.strip(), validate=True))
    except (binascii.Error, ValueError):
        raise ConfigError("HFAAS_ONETRIGGER is not base64 of JSON; deploy again with hfaas") from None
    if not isinstance(settings, dict):
        raise ConfigError("HFAAS_ONETRIGGER must be a map; deploy again with hfaas")
    for name, value in settings.items():
        if name not in NAMES:
            raise ConfigError(f"HFAAS_ONETRIGGER: {name!r} is none of {', '.join(NAMES)}")
        if not isinstance(value, NAMES[name]) or (isinstance(value, bool) and NAMES[name] is not bool):
            raise ConfigError(f"HFAAS_ONETRIGGER: {name} cannot be {value!r}")
    for name in NEEDED:
        if not settings.get(name):
            raise ConfigError(f"HFAAS_ONETRIGGER: {name} is missing")
    return settings


def _access(settings: Mapping[str, Any]) -> tuple[str, str]:
    name = settings["provider"]
    variable = f"ONEDATA_SECRET_{name.upper().replace('-', '_')}"
    arn = os.environ.get(variable)
    if not arn:
        raise ProviderAuth(f"{variable} is not set; it must hold the ARN of the secret with the token")
    secret = secrets_manager.fetch(arn)
    host = (
        secret.get("oneprovider_host")
        or settings.get("oneprovider_host")
        or _declared(name).get("oneprovider_host")
    )
    if not host:
        raise ConfigError(f"storage provider onedata.{name} has no oneprovider_host")
    if not secret.get("token"):
        raise ProviderAuth(f"the secret of storage provider onedata.{name} holds no token yet")
    return str(host), str(secret["token"])


def _declared(name: str) -> Mapping[str, Any]:
    text = os.environ.get("FUNCTION_CONFIG")
    return Job.decode(text).storage_providers.get("onedata", {}).get(name, {}) if text else {}


def _watch(settings: Mapping[str, Any]) -> Watch:
    return Watch(
        settings["space"],
        settings.get("folder", "").strip("/"),
        settings.get("settle", watch.SETTLE_S),
        settings.get("max_wait", watch.MAX_WAIT_S),
        tuple(settings.get("ignore", watch.IGNORED)),
        settings.get("created_only", False),
        tuple(settings.get("suffix", ())),
    )


def _asks_for_dead(event: bytes) -> bool:
    try:
        document = json.loads(event)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("retry_dead") is True
