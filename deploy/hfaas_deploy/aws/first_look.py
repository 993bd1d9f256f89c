"""The first poll of each OneTrigger, made by the deploy itself.

It takes what lies in the folder for known. Without it that would be done by the first scheduled poll, and a file that
came before would never become an event.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy.errors import TargetUnreachable, WatchError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

BUSY = "TooManyRequestsException"
PATIENCE = 90.0
"""Seconds to wait for a scheduled poll that is under way; one takes at most 60."""

PAUSE = 0.5


def is_due(client: S3Client, bucket: str, state: str) -> bool:
    """Tell whether no poll has ever got to its end: an earlier deploy was cut off, or its first look failed."""
    try:
        client.head_object(Bucket=bucket, Key=state)
    except ClientError:
        return True
    except BotoCoreError as fault:
        raise TargetUnreachable(f"{client.meta.endpoint_url} does not answer: {fault}") from fault
    return False


def take(client: LambdaClient, watcher: str) -> None:
    """Poll once and wait for it; WatchError when OneTrigger cannot do its work."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = client.invoke(FunctionName=watcher, Payload=b"{}")
            break
        except ClientError as refusal:
            said = refusal.response.get("Error", {})
            if said.get("Code") != BUSY or time.monotonic() > deadline:
                raise WatchError(f"{watcher} cannot be invoked: {said.get('Message') or refusal}") from refusal
            time.sleep(PAUSE)
        except BotoCoreError as fault:
            raise TargetUnreachable(f"{client.meta.endpoint_url} does not answer: {fault}") from fault
    if answer.get("FunctionError"):
        reason = _reason(answer["Payload"].read())
        raise WatchError(
            f"{watcher} cannot look into Onedata: {reason}", "the Stack is up; mend that, deploy again"
        )


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
