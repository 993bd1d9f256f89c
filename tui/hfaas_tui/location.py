"""Where a file is: `s3://bucket/key` or `onedata://space/path`."""

from __future__ import annotations

from dataclasses import dataclass

from hfaas_tui.errors import UsageError

S3, ONEDATA = "s3", "onedata"


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket and a key, or the beginning of keys; of Onedata a space and a path in it."""

    bucket: str
    key: str
    storage: str = S3

    def __str__(self) -> str:
        return f"{self.storage}://{self.bucket}/{self.key}"


def parse(url: str) -> Location:
    """Read an address of a storage; UsageError when it is something else."""
    scheme, divider, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in (S3, ONEDATA) or not divider or not bucket:
        hint = "it looks like s3://bucket/folder/name or onedata://space/folder/name"
        raise UsageError(f"{url!r} is no file's address", hint)
    return Location(bucket, key, scheme)
