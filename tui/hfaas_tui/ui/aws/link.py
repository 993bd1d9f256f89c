"""The way to AWS: one region with the credentials of one profile, or what stands in for AWS on this machine."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hfaas_tui import aws
from hfaas_tui.errors import CliError
from hfaas_tui.ui.aws.failures import told
from hfaas_tui.where import Where, stand_in

if TYPE_CHECKING:
    from hfaas_deploy.aws.target import Target

INVOCATION_S = 930
"""Seconds: as long as a function may run, and a little."""

CONNECTIONS = 16
BY_ITSELF = "this window goes on by itself"
REGION = "leave with q, then name one: --region eu-west-1"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who we are there."""

    account: str
    arn: str


class AwsLink:
    """Knows how to reach AWS; may be used from several threads. Nothing is asked or imported before it is needed."""

    def __init__(self, profile: str = "", region: str = "") -> None:
        self.profile, self.region = profile, region
        self.stand_in = stand_in()
        self._clients: dict[tuple[str, float], Any] = {}
        self._lock = threading.Lock()

    @cached_property
    def target(self) -> Target:
        """Return the account and region as deploys know them; CliError when no region is known."""
        with self.told():
            where = Where("aws", None, None, self.profile, self.region)
            self.region = where.aws_region()
            return where.target

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service, the same each time."""
        return self._client(service, 60)

    def patient(self, service: str) -> Any:
        """Return a client that waits for an answer as long as a function may run."""
        return self._client(service, INVOCATION_S)

    def _client(self, service: str, seconds: float) -> Any:
        with self._lock:
            if (service, seconds) not in self._clients:
                with self.told():
                    self._clients[service, seconds] = self.target.client(service, seconds, CONNECTIONS)
            return self._clients[service, seconds]

    def caller(self) -> Caller:
        """Ask AWS who we are; CliError with what to do when it does not accept our credentials."""
        with self.told():
            found = self.client("sts").get_caller_identity()
        return Caller(str(found["Account"]), str(found["Arn"]))

    def told(self, what: str = "") -> AbstractContextManager[None]:
        """Turn what its clients or the disk say into a CliError that begins with `what`."""
        return told(what, self._words)

    def forget(self) -> None:
        """Forget the credentials that were found: there may be newer ones by now."""
        from hfaas_deploy.aws import target

        target.forget_credentials()
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        with self._lock:
            for each in self._clients.values():
                each.close()
            self._clients = {}

    def is_refused(self, error: CliError) -> bool:
        """Tell whether AWS is there and only our credentials are of no use: they have expired, or there are none."""
        from hfaas_deploy.errors import CredentialsError

        cause = error.__cause__
        if not isinstance(cause, Exception):
            return False
        kind, code = type(cause).__name__, aws.code(cause)
        is_kind = kind in aws.OVER | aws.NO_CREDENTIALS or isinstance(cause, CredentialsError)
        return is_kind or code in aws.EXPIRED | aws.UNKNOWN

    def _words(self, error: Exception) -> tuple[str, str] | None:
        from hfaas_deploy.errors import DeployError

        if isinstance(error, DeployError):
            return error.message, error.hint
        kind, code = type(error).__name__, aws.code(error)
        if code in aws.EXPIRED or kind in aws.OVER:
            return "your session with AWS has expired", self._renew()
        if self.stand_in and kind in aws.UNREACHABLE:
            return f"what stands in for AWS does not answer at {self.stand_in}", "start it again there"
        found = aws.words(error)
        if found and (code in aws.UNKNOWN or kind in aws.NO_CREDENTIALS):
            return found[0], f"`aws configure{self._option}` sets them up; {BY_ITSELF}"
        return found

    def _renew(self) -> str:
        """Say what helps, in few words: it stands in one row with what is the matter."""
        if not self._profile and os.environ.get("AWS_ACCESS_KEY_ID"):  # nobody can change our environment
            return "new keys for AWS_ACCESS_KEY_ID and its like: leave with q, set them, start again"
        return f"`aws sso login{self._option}`, or new keys; {BY_ITSELF}"

    @property
    def _profile(self) -> str:
        return self.profile or os.environ.get("AWS_PROFILE", "")

    @property
    def _option(self) -> str:
        return f" --profile {self._profile}" if self._profile else ""


def no_space(uri: str) -> CliError:
    """Return what to say of a space where none is played."""
    return CliError(
        f"{uri}: a space is reached at its Oneprovider, not through AWS",
        "use the Oneprovider's own web page or client; the local emulator plays spaces",
    )
