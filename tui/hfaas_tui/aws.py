"""What AWS's client libraries raise, in words for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hfaas_deploy.aws import refusals
from hfaas_deploy.aws.refusals import NO_REGION, REFUSED

if TYPE_CHECKING:
    from hfaas_deploy.errors import DeployError

SIGN_IN = refusals.sign_in()
EXPIRED = refusals.EXPIRED
UNKNOWN = refusals.UNKNOWN | refusals.UNSIGNED
OVER, NO_CREDENTIALS = refusals.SIGNED_OUT, refusals.ABSENT
START = "start an emulator with `hfaas up`, or name one with --endpoint"
NO_NETWORK = "is this machine on the network, and is it a region of AWS?"
HINTS = {
    "NoSuchBucket": "`hfaas deploy` makes the buckets of a pipeline, `hfaas promote` those on AWS",
    "InvalidBucketName": "3 to 63 lower-case letters, digits, dots and hyphens",
    "OptInRequired": "your account has not enabled this service or region",
}
DENIED = {"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
THROTTLED = {"RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException"}
UNREACHABLE = {
    "ConnectionClosedError",
    "ConnectTimeoutError",
    "EndpointConnectionError",
    "ProxyConnectionError",
    "ReadTimeoutError",
}
ACTION = re.compile(r"(?:perform|action)s?:? ([a-z0-9-]+:[A-Za-z]+)")


def words(error: Exception, profile: str = "") -> tuple[str, str] | None:
    """Return message and hint; None when the error is none of theirs."""
    if type(error).__module__ == "boto3.exceptions" and isinstance(error.__context__, Exception):
        error = error.__context__  # S3UploadFailedError and its like only repeat what they wrap
    if not _is_theirs(error):
        return None
    if found := _sign_in(error, profile):
        return found
    response: dict[str, Any] = getattr(error, "response", None) or {}
    if about := response.get("Error"):
        operation = str(getattr(error, "operation_name", ""))
        return _refused(str(about.get("Code", "")), str(about.get("Message", "")), operation)
    return _failed(type(error).__name__, error)


def _sign_in(error: Exception, profile: str) -> tuple[str, str] | None:
    """Return what is the matter with the user's credentials or region, as promotions tell it; None for all others."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if not (code(error) in REFUSED or kinds & (OVER | NO_CREDENTIALS | NO_REGION)):
        return None
    from botocore.exceptions import BotoCoreError, ClientError

    from hfaas_deploy.aws import credentials

    told: DeployError | None = None
    if isinstance(error, ClientError):
        told = credentials.refusal(error, profile)
    elif isinstance(error, BotoCoreError):
        told = credentials.absence(error, profile, str(error.kwargs.get("region_name", "")))
    return (told.message, told.hint) if told else None


def code(error: Exception) -> str:
    """Return AWS's code of a refusal; empty when it is none."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _is_theirs(error: Exception) -> bool:
    return any(one.__module__.startswith(("botocore.", "boto3.", "s3transfer.")) for one in type(error).__mro__)


def _refused(code: str, message: str, operation: str) -> tuple[str, str]:
    said = f"{message.rstrip('.')} ({code})" if message else code
    if code in DENIED:
        found = ACTION.search(message)
        action = found[1] if found else operation
        hint = (
            f"your user or role lacks the permission {action}" if action else "your user or role lacks permission"
        )
        return (said if found or not action else f"{action}: {said}"), hint
    if code in THROTTLED:
        return f"AWS wants fewer requests at a time: {said}", "wait a moment, then the same command again"
    return said, HINTS.get(code, "")


def _failed(kind: str, error: Exception) -> tuple[str, str]:
    """Put what the libraries find out without an answer of AWS into words."""
    if kind in UNREACHABLE:
        where = str(getattr(error, "kwargs", {}).get("endpoint_url", ""))
        if where.startswith("https:"):
            return f"{where} does not answer", NO_NETWORK
        return f"no emulator answers at {where}", START
    if kind == "ResponseParserError":
        return "what answers is not AWS: its answer cannot be read", "is a proxy, or a sign-in page, in between?"
    if kind == "ProfileNotFound":
        return str(error), "`aws configure list-profiles` shows them"
    return str(error), ""
