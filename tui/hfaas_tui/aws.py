"""What AWS's client libraries raise, in words for people."""

from __future__ import annotations

import re
from typing import Any

START = "start an emulator with `hfaas up`, or name one with --endpoint"
SIGN_IN = "`aws configure sso` or `aws configure` sets them up; --profile NAME takes those of a profile"
RENEW = "`aws sso login` (with --profile NAME where you use one) or new keys, then the same command again"
NO_NETWORK = "is this machine on the network, and is it a region of AWS?"
HINTS = {
    "NoSuchBucket": "`hfaas deploy` makes the buckets of a pipeline, `hfaas promote` those on AWS",
    "InvalidBucketName": "3 to 63 lower-case letters, digits, dots and hyphens",
    "OptInRequired": "your account has not enabled this service or region",
}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
UNKNOWN = {
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
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
NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}
OVER = {"SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError"}
ACTION = re.compile(r"(?:perform|action)s?:? ([a-z0-9-]+:[A-Za-z]+)")


def words(error: Exception) -> tuple[str, str] | None:
    """Return message and hint; None when the error is none of theirs."""
    if type(error).__module__ == "boto3.exceptions" and isinstance(error.__context__, Exception):
        error = error.__context__  # S3UploadFailedError and its like only repeat what they wrap
    response: dict[str, Any] = getattr(error, "response", None) or {}
    if about := response.get("Error"):
        operation = str(getattr(error, "operation_name", ""))
        return _refused(str(about.get("Code", "")), str(about.get("Message", "")), operation)
    if not type(error).__module__.startswith(("botocore.", "boto3.", "s3transfer.")):
        return None
    return _failed(type(error).__name__, error)


def code(error: Exception) -> str:
    """Return AWS's code of a refusal; empty when it is none."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _refused(code: str, message: str, operation: str) -> tuple[str, str]:
    said = f"{message.rstrip('.')} ({code})" if message else code
    if code in EXPIRED:
        return f"your session with AWS has expired ({code})", RENEW
    if code in UNKNOWN:
        return f"AWS does not accept your credentials: {said}", SIGN_IN
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
    if kind in NO_CREDENTIALS:
        return "no credentials for AWS were found" if kind == "NoCredentialsError" else str(error), SIGN_IN
    if kind in OVER or "sso" in kind.lower():
        return f"your sign-in to AWS is over: {error}", RENEW
    if kind == "ResponseParserError":
        return "what answers is not AWS: its answer cannot be read", "is a proxy, or a sign-in page, in between?"
    if kind in {"InvalidRegionError", "UnknownRegionError"}:
        region = str(getattr(error, "kwargs", {}).get("region_name", ""))
        return f"{region!r} is no region of AWS", "name one with --region, as eu-west-1"
    if kind == "ProfileNotFound":
        return str(error), "`aws configure list-profiles` shows them"
    return str(error), ""
