"""Where a Stack is brought up, and the boto3 clients that can reach that place and no other.

A rehearsal must never spend money: `Target.local` looks at the host before any call is made, and its clients
take neither an endpoint nor credentials from the surroundings.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

from hfaas_deploy.errors import TargetUnreachable, WrongTarget

ACCOUNT = "000000000000"
REGION = "us-east-1"
SUBNETS = ("subnet-00000000",)
SECURITY_GROUPS = ("sg-00000000",)
"""A rehearsal has no network of AWS; its jobs run where its functions run."""

LOCAL_NAMES = frozenset({"localhost", "localhost.localstack.cloud"})
LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".localhost.localstack.cloud")
NOBODY = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
"""Nothing of the user's AWS set-up is read, so nothing in it can stop a rehearsal or change its way."""

CONNECT = 2.0
"""Seconds; what is local answers at once or not at all."""


@dataclass(frozen=True, slots=True)
class Target:
    """One account in one region at one endpoint."""

    endpoint: str
    region: str = REGION
    account: str = ACCOUNT
    subnets: tuple[str, ...] = SUBNETS
    security_groups: tuple[str, ...] = SECURITY_GROUPS

    @classmethod
    def local(cls, endpoint: str, region: str = REGION, account: str = ACCOUNT) -> Target:
        """An emulator; WrongTarget when the endpoint is not on this machine or its own network."""
        host, _ = _address(endpoint)
        if not is_local(host):
            raise WrongTarget(
                f"a rehearsal must not leave this machine, but the endpoint is {endpoint}",
                "name the emulator with --endpoint http://127.0.0.1:4566, or unset AWS_ENDPOINT_URL",
            )
        return cls(endpoint.rstrip("/"), region, account)

    @property
    def is_local(self) -> bool:
        """Tell whether it is an emulator, where Onedata is played too."""
        return is_local(_address(self.endpoint)[0])

    def probe(self) -> None:
        """TargetUnreachable unless something listens at the endpoint."""
        try:
            socket.create_connection(_address(self.endpoint), CONNECT).close()
        except OSError as fault:
            reason = fault.strerror or str(fault)
            raise TargetUnreachable(
                f"nothing answers at {self.endpoint}: {reason.lower()}", "start an emulator with `hfaas up`"
            ) from None

    def client(self, service: str, answer_within: float = 60) -> Any:
        """A client of `service`; `answer_within` is how long one answer may take, in seconds."""
        config = Config(
            connect_timeout=CONNECT,
            read_timeout=answer_within,
            retries={"mode": "standard", "total_max_attempts": 3 if answer_within <= 60 else 1},
            s3={"addressing_style": "path"},
        )
        session: Any = _session(self)  # boto3's stubs know services by literal names only
        client = session.client(service, endpoint_url=self.endpoint, config=config)
        if _address(client.meta.endpoint_url) != _address(self.endpoint):
            raise WrongTarget(f"{service} would go to {client.meta.endpoint_url} and not to {self.endpoint}")
        return client


def is_local(host: str) -> bool:
    """Say whether a host is this machine or a private address; a name without a dot is a neighbour's."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in LOCAL_NAMES or host.endswith(LOCAL_ENDINGS) or "." not in host
    return address.is_loopback or address.is_private


def _address(endpoint: str) -> tuple[str, int]:
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise WrongTarget(f"{endpoint!r} is not an endpoint", "an endpoint looks like http://127.0.0.1:4566")
    return host, port or (443 if parts.scheme == "https" else 80)


@lru_cache(maxsize=8)
def _session(target: Target) -> boto3.Session:
    """One session for each target: its loaded service models are what takes the time."""
    core = botocore.session.Session(NOBODY)
    core.set_config_variable("ignore_configured_endpoint_urls", True)
    core.set_credentials(target.account, "hfaas")
    return boto3.Session(botocore_session=core, region_name=target.region)
