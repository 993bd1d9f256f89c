"""Where an object is: `s3://bucket/key`."""

from __future__ import annotations

from dataclasses import dataclass

from hfaas_tui.errors import UsageError


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket and a key, or the beginning of keys."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parse(url: str) -> Location:
    """Read `s3://bucket/key`; UsageError when it is something else."""
    scheme, divider, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not divider or not bucket:
        raise UsageError(f"{url!r} is no object's address", "it looks like s3://bucket/folder/name")
    return Location(bucket, key)
