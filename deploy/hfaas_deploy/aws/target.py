"""Where a Stack is brought up, and the boto3 clients that can reach that place and no other.

    Target.local   an emulator; made-up credentials, nothing of the user's AWS set-up is read
    Target.aws     AWS; the user's credentials, and AWS's own hosts only, whatever endpoint the surroundings name

A rehearsal must never spend money, and a promotion must not end in an emulator: the host of each client is looked at
before it makes a call.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ProfileNotFound

from hfaas_deploy.errors import CredentialsError, TargetUnreachable, WrongTarget

ACCOUNT = "000000000000"
REGION = "us-east-1"
SUBNETS = ("subnet-00000000",)
SECURITY_GROUPS = ("sg-00000000",)
"""A rehearsal has no network of AWS; its jobs run where its functions run."""

LOCAL_NAMES = frozenset({"localhost", "localhost.localstack.cloud"})
LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".localhost.localstack.cloud")
NOBODY = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
"""Nothing of the user's AWS set-up is read, so nothing in it can stop a rehearsal or change its way."""

AWS_ENDINGS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws")
"""How the names of AWS's own hosts end."""

NETLOC = re.compile(r"([A-Za-z0-9._-]+|\[[A-Za-z0-9:.%]+\])(:[0-9]+)?")
"""HOST or HOST:PORT, in characters that every reader of URLs takes apart in the same way."""

CONNECT = 2.0
"""Seconds; what is local answers at once or not at all."""
CONNECT_AWS = 10.0

HERE: Any = {
    "s3": {"addressing_style": "path"},
    "proxies": {},
    "use_dualstack_endpoint": False,
    "use_fips_endpoint": False,
}
"""How a server of this machine is talked to: no proxy hears of it, and it has one address only."""


@dataclass(frozen=True, slots=True)
class Target:
    """One account in one region: an emulator's at an endpoint, or one of AWS, where each service has its own.

    The account of AWS is empty until `guard.identify` has asked for it. What stands in for AWS is not local: it is
    treated as AWS in everything but the host. `file_systems` are pairs: of an access point and the file system behind it.
    """

    endpoint: str = ""
    region: str = REGION
    account: str = ACCOUNT
    subnets: tuple[str, ...] = SUBNETS
    security_groups: tuple[str, ...] = SECURITY_GROUPS
    profile: str = ""
    is_aws: bool = False
    file_systems: tuple[tuple[str, str], ...] = ()

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

    @classmethod
    def aws(cls, region: str, profile: str = "", stand_in: str = "") -> Target:
        """AWS with the user's credentials; tests name a server of this machine that stands in for it."""
        if stand_in and not is_this_machine(_address(stand_in)[0]):
            raise WrongTarget(f"what stands in for AWS must be on this machine, but is {stand_in}")
        return cls(stand_in.rstrip("/"), region, "", (), (), profile, is_aws=True)

    def within(self, account: str, subnets: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Target:
        """The same target with what was found out about it."""
        return replace(self, account=account, subnets=subnets, security_groups=groups)

    @property
    def is_local(self) -> bool:
        """Tell whether a rehearsal goes there, where Onedata is played, too."""
        return not self.is_aws and is_local(_address(self.endpoint)[0])

    @property
    def is_stand_in(self) -> bool:
        """Tell whether something of this machine stands in for AWS."""
        return self.is_aws and bool(self.endpoint)

    def probe(self) -> None:
        """TargetUnreachable unless something listens at the endpoint; AWS's own hosts are not knocked at."""
        if not self.endpoint:
            return
        try:
            socket.create_connection(_address(self.endpoint), CONNECT).close()
        except OSError as fault:
            reason = fault.strerror or str(fault)
            hint = "" if self.is_aws else "start an emulator with `hfaas up`"
            raise TargetUnreachable(f"nothing answers at {self.endpoint}: {reason.lower()}", hint) from None

    def client(self, service: str, answer_within: float = 60, connections: int = 10) -> Any:
        """A client of `service`, the same for whoever asks for such a one; `answer_within` bounds one answer, in seconds."""
        place = Target(self.endpoint, self.region, self.account, profile=self.profile, is_aws=self.is_aws)
        with _MAKING:
            return _client(place, service, answer_within, connections)

    def make_client(self, service: str, answer_within: float, connections: int) -> Any:
        """A client that nobody else has; for several threads at once this is not."""
        config = Config(
            connect_timeout=CONNECT_AWS if self.is_aws else CONNECT,
            read_timeout=answer_within,
            retries={"mode": "standard", "total_max_attempts": 3 if answer_within <= 60 else 1},
            max_pool_connections=connections,
            **(HERE if self.endpoint else {}),
        )
        session: Any = _session(self.region, self.profile, self.account, is_aws=self.is_aws)
        try:
            client = session.client(service, endpoint_url=self.endpoint or None, config=config)
        except BotoCoreError:
            raise
        except (ValueError, TypeError, AttributeError) as fault:  # values that botocore does not look at before
            hint = "look at the variables AWS_* and your AWS configuration"
            raise WrongTarget(f"your AWS set-up cannot be used: {fault}", hint) from None
        self._admit(service, client.meta.endpoint_url)
        client.meta.events.register_first(
            "before-send", lambda request, **_: self._admit(service, str(request.url))
        )  # what is asked for may have a host of its own, as a bucket has
        return client

    def credentials(self) -> Any:
        """What requests are signed with, as botocore has it; None when the user has none."""
        with _MAKING:
            found = _session(self.region, self.profile, self.account, is_aws=self.is_aws).get_credentials()
        return found.get_frozen_credentials() if found else None

    def _admit(self, service: str, url: str) -> None:
        """WrongTarget unless this is where the client of a service may go."""
        host, port = _address(url)
        right = (host, port) == _address(self.endpoint) if self.endpoint else is_aws_host(host)
        if not right:
            raise WrongTarget(f"{service} would go to {url} and not to {self.endpoint or 'AWS'}")


def is_aws_host(host: str) -> bool:
    """Say whether a host is one of AWS."""
    return host.endswith(AWS_ENDINGS)


def is_local(host: str) -> bool:
    """Say whether a host is this machine or a private address; a name without a dot is a neighbour's."""
    address = _number(host)
    if address is None:
        return host in LOCAL_NAMES or host.endswith(LOCAL_ENDINGS) or "." not in host
    return address.is_loopback or address.is_private


def is_this_machine(host: str) -> bool:
    """Say whether what is sent to a host never leaves this machine."""
    address = _number(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback


def forget_credentials() -> None:
    """Have the next client look for credentials anew: those that were found first are of no use."""
    with _MAKING:
        _client.cache_clear()
        _session.cache_clear()


def configured_region(profile: str = "") -> str:
    """The region of the user's AWS set-up; AWS_REGION counts, as in AWS's other tools; empty when none is set."""
    core = botocore.session.Session()
    if profile:
        core.set_config_variable("profile", profile)
    try:
        return str(os.environ.get("AWS_REGION") or core.get_config_variable("region") or "")
    except ProfileNotFound:
        raise _no_profile(profile) from None


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is written as; resolvers also take 2130706433, 0x7f000001 and 127.1 for one."""
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        return getattr(address, "ipv4_mapped", None) or address
    with suppress(OSError, ValueError):
        return ipaddress.ip_address(socket.inet_aton(host))
    return None


def _address(endpoint: str) -> tuple[str, int]:
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if "@" in parts.netloc:
        raise WrongTarget("an endpoint has no user and no password in it", "as http://127.0.0.1:4566")
    is_plain = endpoint.isprintable() and " " not in endpoint and "\\" not in endpoint
    is_plain = is_plain and NETLOC.fullmatch(parts.netloc) is not None
    if parts.scheme not in ("http", "https") or not host or not is_plain:
        raise WrongTarget(f"{endpoint!r} is not an endpoint", "an endpoint looks like http://127.0.0.1:4566")
    return host, port or (443 if parts.scheme == "https" else 80)


_MAKING = threading.Lock()
"""Clients serve several threads, sessions do not."""


@lru_cache(maxsize=64)
def _client(place: Target, service: str, answer_within: float, connections: int) -> Any:
    """One client for each use: making it takes longer than most of its calls."""
    return place.make_client(service, answer_within, connections)


@lru_cache(maxsize=8)
def _session(region: str, profile: str, account: str, *, is_aws: bool) -> Any:
    """One session for each place: its loaded service models are what takes the time."""
    core = botocore.session.Session(None if is_aws else NOBODY)
    core.set_config_variable("ignore_configured_endpoint_urls", True)
    if not is_aws:
        core.set_credentials(account, "hfaas")
    elif profile:
        core.set_config_variable("profile", profile)
    try:
        return boto3.Session(botocore_session=core, region_name=region)
    except ProfileNotFound:
        raise _no_profile(profile) from None


def _no_profile(profile: str) -> CredentialsError:
    named = profile or os.environ.get("AWS_PROFILE", "")
    return CredentialsError(
        f"there is no profile {named!r} in your AWS configuration", "`aws configure list-profiles` shows them"
    )
