"""Where a request says which bucket it means: in its path, or in its host; and what a bucket may be called."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SUFFIX = (
    r"(?:localhost(?:\.localstack\.cloud)?|localstack|(?:\d{1,3}\.){3}\d{1,3}\.nip\.io|amazonaws\.com(?:\.cn)?)"
)
_SERVICE = re.compile(rf"(?:(?P<bucket>.+)\.)?s3(?:[.-](?:[a-z0-9-]+\.)*?[a-z0-9-]+)?\.{_SUFFIX}")
_BARE = re.compile(r"(?P<bucket>.+)\.(?:localhost|(?:\d{1,3}\.){3}\d{1,3}\.nip\.io)")
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_LABELS = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")

FORBIDDEN_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
FORBIDDEN_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")

MADE_AGAIN = "hfaas:made-again"
"""Tag of a bucket whose record was lost, and which a start made again for its objects."""


@dataclass(frozen=True, slots=True)
class Address:
    """A request in path style: the host without a bucket in it, and the path that begins with the bucket."""

    host: str
    path: str


def path_style(host: str, path: str) -> Address:
    """Move a bucket in the host name to the front of the path; a host without one is left as it is."""
    name, colon, port = host.lower().rpartition(":")
    if not colon:
        name, port = port, ""
    found = _SERVICE.fullmatch(name) or _BARE.fullmatch(name)
    if found is None:
        return Address(host, path)
    bucket = found["bucket"]
    return Address(f"localhost{colon}{port}", f"/{bucket}{path}" if bucket else path)


def split(path: str) -> tuple[str, str]:
    """Split a path-style path, still percent-encoded, into bucket and key."""
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, key


def is_bucket_name(name: str) -> bool:
    """Tell whether AWS would let a bucket have this name."""
    return (
        3 <= len(name) <= 63
        and _LABELS.fullmatch(name) is not None
        and ".." not in name
        and _ADDRESS.fullmatch(name) is None
        and not name.startswith(FORBIDDEN_PREFIXES)
        and not name.endswith(FORBIDDEN_SUFFIXES)
    )
