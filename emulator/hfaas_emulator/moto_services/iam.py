"""Identities: moto's, with AWS's own 1,300 policies made when somebody names them, not for every account.

`managed_policies` of an account holds its own policies and those of AWS that were asked for by ARN; only listing
makes them all, for as long as the listing takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import moto.iam
from moto.iam.models import AWSManagedPolicy, IAMBackend, ManagedPolicy
from moto.moto_api._internal import mock_random

from hfaas_emulator.moto_services.patch import patch

OF_AWS = "arn:aws:iam::aws:policy/"
NAME = re.compile(r'^ "([^"]+)":\{$', re.MULTILINE)
DECODER = json.JSONDecoder()


class Policies(dict[str, ManagedPolicy]):
    """An account's managed policies by ARN; those of AWS come into being when they are looked for."""

    def __init__(self, account: str = "", partition: str = "") -> None:
        super().__init__()
        self._account = account
        self._partition = partition

    def __missing__(self, arn: str) -> ManagedPolicy:
        self[arn] = made = self._make(arn)
        return made

    def __contains__(self, arn: object) -> bool:
        try:
            self[str(arn)]
        except KeyError:
            return False
        return True

    def _make(self, arn: str) -> ManagedPolicy:
        name = arn.rpartition("/")[2]
        data = _find(name) if arn.startswith(OF_AWS) and self._partition == "aws" else None
        if data is None:
            raise KeyError(arn)
        policy = _with_own_id(name, self._account, self._partition, data)
        if policy.arn != arn:
            raise KeyError(arn)
        return policy

    @contextmanager
    def all(self) -> Iterator[list[ManagedPolicy]]:
        """Hold all of AWS's policies while the block runs, which gets them as a list."""
        before = set(self)
        if self._partition == "aws":
            for name, data in _each():
                policy = _with_own_id(name, self._account, self._partition, data)
                self.setdefault(policy.arn, policy)
        try:
            yield [policy for policy in self.values() if isinstance(policy, AWSManagedPolicy)]
        finally:
            for arn in [arn for arn, policy in self.items() if arn not in before and not _used(policy)]:
                del self[arn]


def _used(policy: ManagedPolicy) -> bool:
    return bool(policy.attachment_count or policy.tags or not isinstance(policy, AWSManagedPolicy))


def _find(name: str) -> dict[str, Any] | None:
    text = _text()
    start = text.find(f'\n "{name}":{{\n')
    return None if start < 0 else _read(text, text.index("{", start))


def _each() -> Iterator[tuple[str, dict[str, Any]]]:
    text = _text()
    for name in NAME.finditer(text):
        yield name[1], _read(text, name.end() - 1)


def _text() -> str:
    """Return the module in which moto has them: importing it would keep 5 MB, parsing all of it takes 0.2 s."""
    return Path(moto.iam.__file__).with_name("aws_managed_policies.py").read_text(encoding="utf-8")


def _read(text: str, start: int) -> dict[str, Any]:
    data: dict[str, Any] = DECODER.raw_decode(text, start)[0]
    return data


def _with_own_id(name: str, account: str, partition: str, data: dict[str, Any]) -> AWSManagedPolicy:
    """Make a policy; its id comes from its name, or a look-up would change the ids that a replay gives to others."""
    state = mock_random.getstate()
    mock_random.seed(name)
    try:
        return AWSManagedPolicy.from_data(name, account, partition, data)
    finally:
        mock_random.setstate(state)


@patch(
    "moto.iam.models:IAMBackend._init_aws_policies",
    sha="b3f2c8c3a9c6a1eb",
    reason="0.4 s and 12 MB for each of six partitions of every account",
)
def init_aws_policies(_original: Any, _self: IAMBackend) -> list[Any]:
    return []


@patch(
    "moto.iam.models:IAMBackend._init_managed_policies",
    sha="fb61ef428691ef3f",
    reason="knows only what is made at the start",
)
def init_managed_policies(_original: Any, self: IAMBackend) -> Policies:
    return Policies(self.account_id, self.partition)


@patch(
    "moto.iam.models:IAMBackend.attach_role_policy",
    sha="e8207b1043715161",
    reason="looks through the policies there are",
)
@patch(
    "moto.iam.models:IAMBackend.attach_group_policy",
    sha="5ffcedbe42576fc0",
    reason="looks through the policies there are",
)
@patch(
    "moto.iam.models:IAMBackend.attach_user_policy",
    sha="79961b49037bcced",
    reason="looks through the policies there are",
)
def attach_policy(original: Any, self: Any, policy_arn: str, *args: Any, **named: Any) -> None:
    _ = policy_arn in self.managed_policies
    original(self, policy_arn, *args, **named)


@patch(
    "moto.iam.models:IAMBackend.list_policies",
    sha="09429e2ad7e023c0",
    reason="lists what there is, all must be there",
)
def list_policies(original: Any, self: Any, *args: Any, **named: Any) -> Any:
    with self.managed_policies.all():
        return original(self, *args, **named)


@patch(
    "moto.iam.models:IAMBackend.get_account_authorization_details",
    sha="89a213df6afc1c3a",
    reason="lists what there is, all must be there; hands out the dictionary's live view",
)
def get_account_authorization_details(original: Any, self: Any, policy_filter: list[str]) -> dict[str, Any]:
    with self.managed_policies.all() as of_aws:
        self.aws_managed_policies = of_aws
        try:
            details: dict[str, Any] = original(self, policy_filter)
            return {**details, "managed_policies": list(details["managed_policies"])}
        finally:
            self.aws_managed_policies = []
