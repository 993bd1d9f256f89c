"""Spaces of the emulator's Oneprovider as a storage: CDMI for files, its REST interface for lists.

Files go through in pieces, however large they are. Where the Oneprovider is, with which token and which certificate
authority, says the emulator.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import urlencode

from hfaas_tui.errors import CliError
from hfaas_tui.location import ONEDATA, Location
from hfaas_tui.oneprovider import PIECE, Access, Oneprovider, Refused, quoted
from hfaas_tui.transfer import Found, Moved
from hfaas_tui.watch import Emulator

PAGE = 5000
ASKED = [("attribute", name) for name in ("name", "type", "size")]
DIRECTORY = "DIR"


@dataclass(frozen=True, slots=True)
class Node:
    """What is at a path; the id is the Oneprovider's, `path` is relative to where it was asked for."""

    id: str
    path: str
    is_folder: bool
    size: int


class Spaces:
    """All spaces of an emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._opened: dict[str, Space] = {}
        self._lock = threading.Lock()

    def space(self, name: str) -> Space:
        """Return a space that exists; CliError."""
        with self._lock:
            if name not in self._opened:
                self._opened[name] = self._open(name)
            return self._opened[name]

    def _open(self, name: str) -> Space:
        known = [str(each["name"]) for each in self._emulator.spaces()]
        if name not in known:
            there = f"there is {', '.join(known)}; " if known else ""
            raise CliError(f"there is no space {name!r}", f"{there}`hfaas space create {name}` makes it")
        return Space(Access.of(self._emulator.make_space(name)))

    def put(self, file: Path, to: Location, moved: Moved) -> None:
        self.space(to.bucket).put(file, to.key, moved)

    def listing(self, place: Location) -> list[Found]:
        return self.space(place.bucket).listing(place.key)

    def get(self, at: Location, target: Path, moved: Moved) -> None:
        self.space(at.bucket).get(at.key, target, moved)

    def close(self) -> None:
        for each in self._opened.values():
            each.close()


class Space:
    """One space; may be used from several threads."""

    def __init__(self, access: Access) -> None:
        self._name = access.space
        self._provider = Oneprovider(access)
        self._folders = {""}

    def close(self) -> None:
        """Let go of its connections."""
        self._provider.close()

    def put(self, file: Path, path: str, moved: Moved) -> None:
        """Copy a file; folders on the way are made."""
        at = self._cdmi(path)
        self._make_folder(path.strip("/").rpartition("/")[0])
        with file.open("rb") as source:
            size = file.stat().st_size
            self._provider.do("PUT", at, _pieces(source, size, moved), size)

    def get(self, path: str, target: Path, moved: Moved) -> None:
        """Copy to a file, which is there whole or not at all."""
        part = target.with_name(f"{target.name[:60]}.{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as file, self._provider.asking("GET", self._cdmi(path)) as answer:
                while piece := answer.read(PIECE):
                    file.write(piece)
                    moved(len(piece))
                if answer.length:
                    raise CliError(f"it breaks off {answer.length} bytes before its end")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def listing(self, path: str) -> list[Found]:
        """List the file at a path, or everything below it; nothing when there is nothing."""
        node = self.find(path)
        if node is None or (path.endswith("/") and not node.is_folder):
            return []
        folder = path.strip("/")
        if not node.is_folder:
            return [Found(self._at(folder), PurePosixPath(folder).name, node.size)]
        below = [each for each in self._pages(f"data/{node.id}/files", "files", "path") if not each.is_folder]
        return [Found(self._at(f"{folder}/{each.path}".lstrip("/")), each.path, each.size) for each in below]

    def entries(self, path: str) -> list[Node]:
        """Return the file at a path, or what is right below a folder; CliError."""
        node = self._there(path)
        if not node.is_folder:
            return [node]
        return list(self._pages(f"data/{node.id}/children", "children", "name"))

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all in it; CliError."""
        node = self._there(path)
        self._provider.do("DELETE", self._cdmi(path) + "/" * node.is_folder)

    def find(self, path: str) -> Node | None:
        """Return what is at a path, None when there is nothing."""
        try:
            found = self._provider.json("POST", f"lookup-file-id{quoted(self._name, path)}")
            return _node(self._provider.json("GET", f"data/{found['fileId']}?{urlencode([*ASKED, _ID])}"), "name")
        except Refused as refused:
            if refused.is_missing:
                return None
            raise

    def _there(self, path: str) -> Node:
        if (node := self.find(path)) is None:
            raise CliError(
                f"there is nothing at {self._at(path)}", f"`hfaas space ls {self._name}` shows what there is"
            )
        return node

    def _pages(self, route: str, listed: str, key: str) -> Iterator[Node]:
        token = ""
        while True:
            query = [*ASKED, _ID, ("limit", str(PAGE)), *([("token", token)] if token else [])]
            page = self._provider.json("GET", f"{route}?{urlencode(query)}")
            yield from (_node(each, key) for each in page[listed])
            token = page.get("nextPageToken") or ""
            if not token:
                return

    def _make_folder(self, folder: str) -> None:
        """Make a folder and those around it; that one exists is fine."""
        if folder in self._folders:
            return
        self._make_folder(folder.rpartition("/")[0])
        try:
            self._provider.do("PUT", f"{self._cdmi(folder)}/")
        except Refused as refused:
            if refused.errno != "eexist":
                raise
        self._folders.add(folder)

    def _at(self, path: str) -> Location:
        return Location(self._name, path, ONEDATA)

    def _cdmi(self, path: str) -> str:
        return f"/cdmi{quoted(self._name, path)}"


_ID = ("attribute", "fileId")


def _node(about: dict[str, Any], key: str) -> Node:
    return Node(str(about["fileId"]), str(about[key]), about["type"] == DIRECTORY, int(about["size"] or 0))


def _pieces(source: BinaryIO, size: int, moved: Moved) -> Iterator[bytes]:
    """Yield as many bytes as were announced; a file that has become shorter fails."""
    left = size
    while left:
        piece = source.read(min(PIECE, left))
        if not piece:
            raise CliError(f"the file became {left} bytes shorter meanwhile")
        left -= len(piece)
        yield piece
        moved(len(piece))
