"""Buckets and spaces of the emulator: what there is, what is in them, and files in and out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfaas_tui.errors import CliError
from hfaas_tui.location import ONEDATA, Location, parse
from hfaas_tui.ui.aws.buckets import OURS, PAGE, Buckets, place
from hfaas_tui.ui.aws.failures import told
from hfaas_tui.ui.backend import Moved
from hfaas_tui.ui.emulator.link import Link
from hfaas_tui.ui.model import Entry, Listing, Place

if TYPE_CHECKING:
    from hfaas_tui.oneprovider import Oneprovider
    from hfaas_tui.spaces import Node, Space, Spaces

COUNT_S = 0.5
"""Time spent on counting one bucket; a larger one is not counted to its end."""

COUNT_SHARE = 20
"""A bucket is counted again at the earliest after so many times what that cost."""


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
        self._buckets = Buckets(link)
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
            names = self._buckets.names()
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
        at = place(uri)
        with told(uri):
            if at.storage == ONEDATA:
                return self._of_space(at, prefix, after)
            return self._buckets.listing(at, prefix, after)

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
            return self._buckets.head(at)

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
            return self._buckets.read(at, limit)

    # --- files in and out

    def download(self, uri: str, target: Path, moved: Moved) -> None:
        """Copy an object into a file, which is there whole or not at all."""
        at = parse(uri)
        with told(f"{uri} could not be copied to {target}"):
            if at.storage == ONEDATA:
                with self._space(at.bucket) as space:
                    space.get(at.key, target, moved)
            else:
                self._buckets.download(at, target, moved)

    def upload(self, source: Path, uri: str, moved: Moved) -> None:
        """Copy a file to an object."""
        at = parse(uri)
        with told(f"{source} could not be put at {uri}"):
            if at.storage == ONEDATA:
                with self._space(at.bucket) as space:
                    space.put(source, at.key, moved)
            else:
                self._touched.add(at.bucket)
                self._buckets.upload(source, at, moved)

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
            self._buckets.delete(at, is_folder=is_folder, is_place=is_place)
            if is_place:
                self._counts.pop(at.bucket, None)

    def _delete_in_space(self, at: Location, *, is_place: bool) -> None:
        if is_place:
            self._link.emulator().remove_space(at.bucket)
            return
        with self._space(at.bucket) as space:
            for path in [at.key] if at.key.strip("/") else [node.path for node in space.entries("")]:
                space.remove(path)

    def make(self, uri: str) -> None:
        """Make a bucket, a space, or a folder in one."""
        at = place(uri)
        with told(f"{uri} could not be made"):
            if at.storage == ONEDATA and at.key.strip("/"):
                from hfaas_tui.oneprovider import quoted

                self._provider(at.bucket).do("PUT", f"/cdmi{quoted(at.bucket, at.key)}/")
            elif at.storage == ONEDATA:
                self._link.emulator().make_space(at.bucket)
            elif at.key.strip("/"):
                self._buckets.make_folder(at)
            else:
                self._buckets.make(at.bucket)

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
