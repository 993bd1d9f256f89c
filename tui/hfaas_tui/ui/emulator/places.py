"""Buckets and spaces of the emulator: what there is, what is in them, and files in and out."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfaas_tui.errors import CliError
from hfaas_tui.location import ONEDATA, Location, parse
from hfaas_tui.ui.backend import Moved
from hfaas_tui.ui.emulator.link import Link, told
from hfaas_tui.ui.model import Entry, Listing, Place

if TYPE_CHECKING:
    from hfaas_tui.oneprovider import Oneprovider
    from hfaas_tui.spaces import Node, Space, Spaces

OURS = "hfaas-artifacts-"
PAGE = 1000
PIECE = 256 * 1024
PART = 16 << 20
"""Files above this size go up in parts."""

COUNT_S = 0.5
"""Time spent on counting one bucket; a larger one is not counted to its end."""

COUNT_SHARE = 20
"""A bucket is counted again at the earliest after so many times what that cost."""

DELETED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Count:
    """How much was in a bucket, and from when on it may be counted anew."""

    objects: int | None
    size: int | None
    note: str
    after: float


class Places:
    """All storages; may be used from several threads."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._counts: dict[str, Count] = {}
        self._touched: set[str] = set()
        self._spaces: dict[str, Spaces] = {}
        self._providers: dict[tuple[str, str], Oneprovider] = {}
        self._lock = threading.Lock()

    def touched(self, bucket: str) -> None:
        """Note that a bucket has changed."""
        self._touched.add(bucket)

    def all(self) -> list[Place]:
        """Return buckets, then spaces; CliError."""
        with told("the buckets cannot be listed"):
            s3 = self._link.client("s3")
            names = [str(each["Name"]) for each in s3.list_buckets()["Buckets"]]
            names.sort(key=lambda name: name.startswith(OURS))  # what deploys need stands below what people make
            found = [self._bucket(s3, name) for name in names]
        spaces = self._link.emulator().spaces()
        return found + [Place(f"onedata://{each['name']}", None, int(each.get("bytes") or 0)) for each in spaces]

    def _bucket(self, s3: Any, name: str) -> Place:
        known = self._counts.get(name)
        if known is None or (name in self._touched and time.monotonic() > known.after):
            self._touched.discard(name)
            known = self._counts[name] = _count(s3, name)
        return Place(f"s3://{name}", known.objects, known.size, known.note)

    def close(self) -> None:
        """Let go of the connections to spaces."""
        with self._lock:
            for space in self._spaces.values():
                space.close()
            for provider in self._providers.values():
                provider.close()
            self._spaces, self._providers = {}, {}

    # --- what is in them

    def listing(self, uri: str, prefix: str, after: str) -> Listing:
        """Return a page of what is right below a place or folder."""
        at = parse(uri if uri.rpartition("://")[2].count("/") else f"{uri}/")
        with told(uri):
            return self._of_space(at, prefix, after) if at.storage == ONEDATA else self._of_s3(at, prefix, after)

    def _of_s3(self, at: Location, prefix: str, after: str) -> Listing:
        folder = f"{at.key.strip('/')}/" if at.key.strip("/") else ""
        more = {"ContinuationToken": after} if after else {}
        page = self._link.client("s3").list_objects_v2(
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

    def _of_space(self, at: Location, prefix: str, after: str) -> Listing:
        path = at.key.strip("/")
        base = f"onedata://{at.bucket}/{path}/" if path else f"onedata://{at.bucket}/"
        begin = int(after or 0)
        with self._space(at.bucket) as space:
            nodes = [each for each in space.entries(path) if each.path.startswith(prefix)]
        nodes.sort(key=lambda node: (not node.is_folder, node.path))
        page = nodes[begin : begin + PAGE]
        rest = str(begin + PAGE) if begin + PAGE < len(nodes) else ""
        return Listing(base, tuple(_entry(base, each) for each in page), rest)

    def head(self, uri: str) -> Mapping[str, str]:
        """Return what is known of an object."""
        at = parse(uri)
        with told(uri):
            if at.storage == ONEDATA:
                with self._space(at.bucket) as space:
                    node = space.find(at.key)
                if node is None:
                    raise CliError(f"there is nothing at {uri}")
                return {"size": str(node.size), "id": node.id}
            about = self._link.client("s3").head_object(Bucket=at.bucket, Key=at.key)
            return {
                "size": str(about["ContentLength"]),
                "etag": about.get("ETag", "").strip('"'),
                "type": about.get("ContentType", ""),
                "changed": str(about["LastModified"].timestamp()),
                **{f"meta {name}": text for name, text in about.get("Metadata", {}).items()},
            }

    def read(self, uri: str, limit: int) -> bytes:
        """Return the first bytes of an object."""
        at = parse(uri)
        if limit <= 0:
            return b""
        with told(uri):
            if at.storage == ONEDATA:
                from hfaas_tui.oneprovider import quoted

                with self._provider(at.bucket).asking("GET", f"/cdmi{quoted(at.bucket, at.key)}") as answer:
                    return answer.read(limit)
            s3 = self._link.client("s3")
            body = s3.get_object(Bucket=at.bucket, Key=at.key)["Body"]
            with body:
                found: bytes = body.read(limit)
            return found

    # --- files in and out

    def download(self, uri: str, target: Path, moved: Moved) -> None:
        """Copy an object into a file, which is there whole or not at all."""
        at = parse(uri)
        with told(f"{uri} could not be copied to {target}"):
            if at.storage == ONEDATA:
                with self._space(at.bucket) as space:
                    space.get(at.key, target, moved)
            else:
                self._download(at, target, moved)

    def _download(self, at: Location, target: Path, moved: Moved) -> None:
        body = self._link.client("s3").get_object(Bucket=at.bucket, Key=at.key)["Body"]
        part = target.with_name(f"{target.name[:60]}.{secrets.token_hex(4)}.part")
        try:
            with body, part.open("xb") as file:
                for piece in body.iter_chunks(PIECE):
                    file.write(piece)
                    moved(len(piece))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def upload(self, source: Path, uri: str, moved: Moved) -> None:
        """Copy a file to an object."""
        at = parse(uri)
        with told(f"{source} could not be put at {uri}"):
            if at.storage == ONEDATA:
                with self._space(at.bucket) as space:
                    space.put(source, at.key, moved)
            else:
                self._upload(source, at, moved)

    def _upload(self, source: Path, at: Location, moved: Moved) -> None:
        self._touched.add(at.bucket)
        s3 = self._link.client("s3")
        if source.stat().st_size > PART:
            _upload_parts(s3, source, at, moved)
            return
        content = source.read_bytes()
        s3.put_object(Bucket=at.bucket, Key=at.key, Body=content)
        moved(len(content))

    def delete(self, uri: str) -> None:
        """Remove an object, all below a folder, or a place: a bucket only when it is empty."""
        is_folder = uri.endswith("/")
        is_place = not uri.partition("://")[2].partition("/")[1]
        at = parse(uri)
        with told(f"{uri} could not be removed"):
            if at.storage == ONEDATA:
                self._delete_in_space(at, is_place=is_place)
                return
            self._touched.add(at.bucket)
            s3 = self._link.client("s3")
            if is_place:
                s3.delete_bucket(Bucket=at.bucket)
                self._counts.pop(at.bucket, None)
            elif is_folder:
                _delete_below(s3, at)
            else:
                s3.delete_object(Bucket=at.bucket, Key=at.key)

    def _delete_in_space(self, at: Location, *, is_place: bool) -> None:
        if is_place:
            self._link.emulator().remove_space(at.bucket)
            return
        with self._space(at.bucket) as space:
            for path in [at.key] if at.key.strip("/") else [node.path for node in space.entries("")]:
                space.remove(path)

    def make(self, uri: str) -> None:
        """Make a bucket, a space, or a folder in one."""
        at = parse(uri if uri.partition("://")[2].count("/") else f"{uri}/")
        with told(f"{uri} could not be made"):
            if at.storage == ONEDATA and at.key.strip("/"):
                from hfaas_tui.oneprovider import quoted

                self._provider(at.bucket).do("PUT", f"/cdmi{quoted(at.bucket, at.key)}/")
            elif at.storage == ONEDATA:
                self._link.emulator().make_space(at.bucket)
            elif at.key.strip("/"):
                self._link.client("s3").put_object(Bucket=at.bucket, Key=f"{at.key.strip('/')}/", Body=b"")
            else:
                self._link.client("s3").create_bucket(Bucket=at.bucket)

    # --- spaces

    @contextmanager
    def _space(self, name: str) -> Iterator[Space]:
        """Give a space; what is known of spaces is forgotten when it fails, the emulator may be another by now."""
        from hfaas_tui.spaces import Spaces

        emulator = self._link.emulator()
        with self._lock:
            if emulator.endpoint not in self._spaces:
                self._spaces[emulator.endpoint] = Spaces(emulator)
            spaces = self._spaces[emulator.endpoint]
        try:
            yield spaces.space(name)
        except (CliError, OSError):
            self.close()
            raise

    def _provider(self, space: str) -> Oneprovider:
        from hfaas_tui.oneprovider import Access, Oneprovider

        emulator = self._link.emulator()
        at = (emulator.endpoint, space)
        if at not in self._providers:
            self._providers[at] = Oneprovider(Access.of(emulator.make_space(space)))
        return self._providers[at]


def _entry(base: str, node: Node) -> Entry:
    name = node.path.rpartition("/")[2] + "/" * node.is_folder
    return Entry(base + name, name, None if node.is_folder else node.size)


def _count(s3: Any, bucket: str) -> Count:
    """Count what is in a bucket, as far as that takes no time to speak of."""
    began = time.monotonic()
    objects = size = 0
    note = ""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        objects += len(page.get("Contents", ()))
        size += sum(each["Size"] for each in page.get("Contents", ()))
        if page.get("IsTruncated") and time.monotonic() - began > COUNT_S:
            note = f"more than {objects}"
            break
    spent = time.monotonic() - began
    after = time.monotonic() + COUNT_SHARE * spent
    return Count(None if note else objects, None if note else size, note, after)


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
