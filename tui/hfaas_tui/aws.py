"""What AWS's client libraries raise, in words for people."""

from __future__ import annotations

from typing import Any

START = "start an emulator with `hfaas up`, or name one with --endpoint"
HINTS = {
    "NoSuchBucket": "`hfaas deploy` makes the buckets of a pipeline",
    "InvalidBucketName": "3 to 63 lower-case letters, digits, dots and hyphens",
}
UNREACHABLE = {"EndpointConnectionError", "ConnectionClosedError", "ConnectTimeoutError", "ReadTimeoutError"}


def words(error: Exception) -> tuple[str, str] | None:
    """Return message and hint; None when the error is none of theirs."""
    if type(error).__module__ == "boto3.exceptions" and isinstance(error.__context__, Exception):
        error = error.__context__  # S3UploadFailedError and its like only repeat what they wrap
    response: dict[str, Any] = getattr(error, "response", None) or {}
    if about := response.get("Error"):
        code, message = str(about.get("Code", "")), str(about.get("Message", ""))
        return (f"{message.rstrip('.')} ({code})" if message else code), HINTS.get(code, "")
    if not type(error).__module__.startswith(("botocore.", "boto3.", "s3transfer.")):
        return None
    if type(error).__name__ in UNREACHABLE:
        where = getattr(error, "kwargs", {}).get("endpoint_url", "")
        return f"no emulator answers at {where}", START
    return str(error), ""
