"""Templates that lie in S3: where a URL leads, and the text found there."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from hfaas_emulator.cloudformation import limits
from hfaas_emulator.cloudformation.intrinsics import invalid

HOST = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?")


def place(url: str, own: str) -> tuple[str, str]:
    """Return bucket and key; `own` is the endpoint, whose URLs are as good as AWS's."""
    parts, ours = urlsplit(url), urlsplit(own)
    host = HOST.fullmatch(parts.hostname or "")
    if host is None and (parts.scheme, parts.netloc) != (ours.scheme, ours.netloc):
        raise invalid("TemplateURL must be a supported URL.")
    path = unquote(parts.path.lstrip("/"))
    bucket = host["bucket"] if host is not None else None
    bucket, key = (bucket, path) if bucket else (path.partition("/")[0], path.partition("/")[2])
    if not (bucket and key):
        raise invalid("TemplateURL must be a supported URL.")
    return bucket, key


def read(s3: Any, bucket: str, key: str) -> str:
    """Return the text of a template in S3; blocks."""
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise invalid("TemplateURL must reference a valid S3 object to which you have access.") from error
    content: bytes = found["Body"].read(limits.DOCUMENT + 1)
    found["Body"].close()
    if len(content) > limits.DOCUMENT:
        raise invalid(f"Template may not exceed {limits.DOCUMENT} bytes in size.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise invalid("Template format error: unsupported structure.") from error
