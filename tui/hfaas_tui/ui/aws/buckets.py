"""What is in buckets, and files in and out, by S3's standard API: of AWS and of emulators alike."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hfaas_tui.errors import CliError
from hfaas_tui.location import Location, parse
from hfaas_tui.ui.aws.functions import Clients
from hfaas_tui.ui.backend import Moved
from hfaas_tui.ui.model import Entry, Listing

OURS = "hfaas-artifacts-"
"""How the buckets begin that deploys need for themselves."""

PAGE = 1000
PIECE = 256 * 1024
PART = 16 << 20
"""Files above this size go up in parts."""

DELETED_AT_ONCE = 1000


def place(uri: str) -> Location:
    """Read the address of a place, or of something in it."""
    return parse(uri if uri.rpartition("://")[2].count("/") else f"{uri}/")


class Buckets:
    """Asks S3; may be used from several threads. Failures are those of its clients: callers put them into words."""

    def __init__(self, link: Clients) -> None:
        self._link = link

    def names(self) -> list[str]:
        """Return the buckets of the account."""
        return [str(each["Name"]) for each in self._s3().list_buckets()["Buckets"]]

    def _s3(self) -> Any:
        return self._link.client("s3")

    def listing(self, at: Location, prefix: str, after: str) -> Listing:
        """Return a page of what is right below a bucket or folder, names that begin with `prefix` only."""
        folder = f"{at.key.strip('/')}/" if at.key.strip("/") else ""
        more = {"ContinuationToken": after} if after else {}
        page = self._s3().list_objects_v2(
            Bucket=at.bucket, Prefix=folder + prefix, Delimiter="/", MaxKeys=PAGE, **more
        )
        base = f"s3://{at.bucket}/"
        entries = [
            Entry(base + each["Prefix"], each["Prefix"][len(folder) :]) for each in page.get("CommonPrefixes", ())
        ]
        entries += [
            Entry(base + each["Key"], each["Key"][len(folder) :], each["Size"], each["LastModified"].timestamp())
            for each in page.get("Contents", ())
            if each["Key"] != folder
        ]
        return Listing(base + folder, tuple(entries), str(page.get("NextContinuationToken", "")))

    def head(self, at: Location) -> Mapping[str, str]:
        """Return what is known of an object."""
        about = self._s3().head_object(Bucket=at.bucket, Key=at.key)
        return {
            "size": str(about["ContentLength"]),
            "etag": about.get("ETag", "").strip('"'),
            "type": about.get("ContentType", ""),
            "changed": str(about["LastModified"].timestamp()),
            **{f"meta {name}": text for name, text in about.get("Metadata", {}).items()},
        }

    def read(self, at: Location, limit: int) -> bytes:
        """Return the first bytes of an object."""
        body = self._s3().get_object(Bucket=at.bucket, Key=at.key)["Body"]
        with body:
            found: bytes = body.read(limit)
        return found

    def download(self, at: Location, target: Path, moved: Moved) -> None:
        """Copy an object into a file, which is there whole or not at all."""
        body = self._s3().get_object(Bucket=at.bucket, Key=at.key)["Body"]
        part = target.with_name(f"{target.name[:60]}.{secrets.token_hex(4)}.part")
        try:
            with body, part.open("xb") as file:
                for piece in body.iter_chunks(PIECE):
                    file.write(piece)
                    moved(len(piece))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def upload(self, source: Path, at: Location, moved: Moved) -> None:
        """Copy a file to an object; a large one part by part, and nothing stays of one that was given up."""
        s3 = self._s3()
        if source.stat().st_size > PART:
            _upload_parts(s3, source, at, moved)
            return
        content = source.read_bytes()
        s3.put_object(Bucket=at.bucket, Key=at.key, Body=content)
        moved(len(content))

    def delete(self, at: Location, *, is_folder: bool, is_place: bool) -> None:
        """Remove an object, all below a folder, or a bucket that is empty."""
        s3 = self._s3()
        if is_place:
            s3.delete_bucket(Bucket=at.bucket)
        elif is_folder:
            _delete_below(s3, at)
        else:
            s3.delete_object(Bucket=at.bucket, Key=at.key)

    def make_folder(self, at: Location) -> None:
        """Make a folder in a bucket: an empty object with its name."""
        self._s3().put_object(Bucket=at.bucket, Key=f"{at.key.strip('/')}/", Body=b"")

    def make(self, name: str) -> None:
        """Make a bucket in the region of the client."""
        s3 = self._s3()
        region = s3.meta.region_name
        elsewhere = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **elsewhere)


def _upload_parts(s3: Any, source: Path, at: Location, moved: Callable[[int], None]) -> None:
    """Put a large file part by part; nothing stays of one that was given up."""
    where = {"Bucket": at.bucket, "Key": at.key}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    done: list[dict[str, Any]] = []
    try:
        with source.open("rb") as file:
            while piece := file.read(PART):
                number = len(done) + 1
                made = s3.upload_part(**where, UploadId=upload, PartNumber=number, Body=piece)
                done.append({"PartNumber": number, "ETag": made["ETag"]})
                moved(len(piece))
        s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": done})
    except BaseException:
        s3.abort_multipart_upload(**where, UploadId=upload)
        raise


def _delete_below(s3: Any, at: Location) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=at.bucket, Prefix=at.key):
        keys = [{"Key": each["Key"]} for each in page.get("Contents", ())]
        for begin in range(0, len(keys), DELETED_AT_ONCE):
            told_ = s3.delete_objects(Bucket=at.bucket, Delete={"Objects": keys[begin : begin + DELETED_AT_ONCE]})
            for error in told_.get("Errors", ()):
                raise CliError(f"{error.get('Key')}: {error.get('Message')}")
