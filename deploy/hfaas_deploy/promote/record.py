"""What was promoted: one JSON document for each promotion, in the artifacts bucket of the account.

    promotions/STACK/2026-01-31T12-00-00.000Z-8ab42362ac96.json

It is there for people and for `hfaas status`; a promotion itself reads nothing back. Whatever else lies in that folder is
passed over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy import names
from hfaas_deploy.aws import credentials
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import ArtifactsError, DeployError
from hfaas_deploy.promote.promotion import Promoted

FOLDER = "promotions/"
KIND = "hfaas promotion"
LARGEST = 1 << 20
"""Bytes of a document that can be ours."""

TEXTS = ("stack", "template", "account", "region", "by", "version")
TABLES = ("images", "ids", "outputs")
MOST = 200
"""Objects of a Stack's folder that are looked at, newest first."""


def write(target: Target, promoted: Promoted) -> str:
    """Write a record down; gives its key. ArtifactsError when the bucket does not take it."""
    key = _key(promoted)
    body = json.dumps({"kind": KIND, **asdict(promoted)}, indent=1, sort_keys=True)
    try:
        target.client("s3").put_object(
            Bucket=bucket(target),
            Key=key,
            Body=body.encode(),
            ContentType="application/json",
            ExpectedBucketOwner=target.account,
        )
    except (ClientError, BotoCoreError) as fault:
        raise _refused(target, fault, "the Stack is up; the record needs s3:PutObject there") from fault
    return key


def latest(target: Target, stack: str) -> Promoted | None:
    """The newest record of a Stack; None when there is none."""
    return next(_records(target, stack), None)


def history(target: Target, stack: str) -> list[Promoted]:
    """All records of a Stack, newest first."""
    return list(_records(target, stack))


def all(target: Target) -> list[Promoted]:  # noqa: A001 - `record.all` is how it reads
    """The newest record of each Stack that was ever promoted to the account and region, newest first."""
    found = (latest(target, stack) for stack in _stacks(target))
    return sorted((one for one in found if one), key=lambda one: one.at, reverse=True)


def bucket(target: Target) -> str:
    """Where records lie."""
    return names.artifacts_bucket(target.account, target.region)


def _key(promoted: Promoted) -> str:
    moment = time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime(promoted.at))
    milliseconds = int(promoted.at * 1000) % 1000  # so that the order of keys is that of time
    return f"{FOLDER}{promoted.stack}/{moment}.{milliseconds:03}Z-{promoted.template[:12]}.json"


def _stacks(target: Target) -> Iterator[str]:
    for page in _pages(target, FOLDER, Delimiter="/"):
        for folder in page.get("CommonPrefixes", ()):
            name = str(folder.get("Prefix", "")).removeprefix(FOLDER).rstrip("/")
            if names.STACK.fullmatch(name):
                yield name


def _records(target: Target, stack: str) -> Iterator[Promoted]:
    if not names.STACK.fullmatch(stack):
        return
    found = [one for page in _pages(target, f"{FOLDER}{stack}/") for one in page.get("Contents", ())]
    for one in sorted(found, key=lambda one: str(one["Key"]), reverse=True)[:MOST]:
        if one["Size"] <= LARGEST and (promoted := _read(target, str(one["Key"]))) and promoted.stack == stack:
            yield promoted


def _pages(target: Target, prefix: str, **more: str) -> Iterator[Mapping[str, Any]]:
    """The listing below a prefix; nothing when there is no bucket."""
    pages: Any = target.client("s3").get_paginator("list_objects_v2")
    try:
        yield from pages.paginate(Bucket=bucket(target), Prefix=prefix, ExpectedBucketOwner=target.account, **more)
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") != "NoSuchBucket":
            raise _refused(target, refusal, "reading records needs s3:ListBucket there") from refusal
    except BotoCoreError as fault:
        raise _refused(target, fault, "") from fault


def _read(target: Target, key: str) -> Promoted | None:
    """A record; None for what is not one, or is gone meanwhile."""
    try:
        answer = target.client("s3").get_object(Bucket=bucket(target), Key=key, ExpectedBucketOwner=target.account)
        text = answer["Body"].read(LARGEST)
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") == "NoSuchKey":
            return None
        raise _refused(target, refusal, "reading records needs s3:GetObject there") from refusal
    except BotoCoreError as fault:
        raise _refused(target, fault, "") from fault
    return _parsed(text)


def _parsed(text: bytes) -> Promoted | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("kind") != KIND:
        return None
    known: dict[str, Any] = {field.name: found.get(field.name) for field in fields(Promoted)}
    tables = [known[name] for name in TABLES]
    texts = [known[name] for name in TEXTS]
    for table in tables:
        texts += table.values() if isinstance(table, dict) else [None]
    is_sound = not any(not isinstance(text, str) for text in texts)
    is_sound = is_sound and isinstance(known["at"], int | float) and isinstance(known["changed"], bool)
    return Promoted(**known) if is_sound else None


def _refused(target: Target, fault: ClientError | BotoCoreError, hint: str) -> DeployError:
    """The error for what S3, or the way there, does not do."""
    if isinstance(fault, BotoCoreError):
        return credentials.absence(fault, target.profile, target.region)
    said = fault.response.get("Error", {})
    words = f"records of promotions in bucket {bucket(target)}: {said.get('Message') or fault}"
    return credentials.refusal(fault, target.profile) or ArtifactsError(words, hint)
