"""Listings of places and folders, in pages; what is below them, and what two names would share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from hfaas_tui import transfer
from hfaas_tui.errors import CliError
from hfaas_tui.location import parse
from hfaas_tui.ui.backend import Backend
from hfaas_tui.ui.filenames import free, targets
from hfaas_tui.ui.model import Entry, Function, Place
from hfaas_tui.ui.transfers import Order

Value = TypeVar("Value")

MOST_BELOW = 10_000
"""Objects counted below a folder before it is deleted or saved; more than that are `more than`."""

MOST_LISTINGS = 500
FEW = 20
"""Names for which a place is asked one by one whether it has them; for more its listing is read."""


@dataclass(frozen=True)
class Folder:
    """What was read of a place or folder so far; an empty URI is the list of the places themselves."""

    uri: str = ""
    prefix: str = ""
    entries: tuple[Entry, ...] = ()
    next: str = ""
    pages: int = 0

    @property
    def is_whole(self) -> bool:
        return not self.next

    @cached_property
    def folders(self) -> list[str]:
        return [entry.uri for entry in self.entries if entry.is_folder]

    @cached_property
    def size(self) -> int:
        """Return the bytes of the objects in sight."""
        return sum(entry.size or 0 for entry in self.entries)


Reading = Callable[[], Folder]


@dataclass(frozen=True, slots=True)
class Below:
    """The objects below a folder, as many as were counted."""

    entries: tuple[Entry, ...]
    is_all: bool

    @property
    def words(self) -> str:
        """Return how many there are."""
        count = len(self.entries)
        noun = "object" if count == 1 else "objects"
        return f"{count:,} {noun}" if self.is_all else f"more than {count:,} objects"

    @property
    def size(self) -> int:
        return sum(entry.size or 0 for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Plan:
    """Transfers to be made, and those among them that would replace something."""

    orders: tuple[Order, ...]
    clashes: tuple[int, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


def read(backend: Backend, uri: str, prefix: str = "", pages: int = 1, start: Folder | None = None) -> Folder:
    """Read as many pages of a folder, after those that `start` holds."""
    entries, after, count = (list(start.entries), start.next, start.pages) if start else ([], "", 0)
    while True:
        page = backend.listing(asked(uri), prefix=prefix, after=after)
        entries += page.entries
        after = page.next
        count += 1
        if not after or count >= pages:
            return Folder(uri, prefix, tuple(entries), after, count)


def asked(uri: str) -> str:
    """Return a URI as targets want it: places have no slash at their end."""
    return uri.rstrip("/") if uri.count("/") == 3 else uri


def places(known: Iterable[Place]) -> Folder:
    """Return the places as a listing."""
    return Folder(entries=tuple(Entry(place.uri + "/", place.uri, place.size) for place in known), pages=1)


def awaited(at: str, functions: Iterable[Function], known: Iterable[str]) -> list[Entry]:
    """Return the folders right below `at` that functions read and that nothing is in yet."""
    read = (f"{uri.rstrip('/')}/" for function in functions for uri in function.inputs)
    below = {at + uri[len(at) :].partition("/")[0] + "/" for uri in read if at and uri.startswith(at) and uri != at}
    return [Entry(uri, name_of(uri) + "/") for uri in sorted(below.difference(known))]


def among(entries: Sequence[Entry], empty: Sequence[Entry]) -> Sequence[Entry]:
    """Return a listing with folders that it does not know, in their places among its folders."""
    if not empty:
        return entries
    folders = sorted([*empty, *(entry for entry in entries if entry.is_folder)], key=lambda entry: entry.name)
    return [*folders, *(entry for entry in entries if not entry.is_folder)]


def folder_of(uri: str) -> str:
    """Return what a URI is in; the list of places for a place."""
    body = uri.rstrip("/")
    return "" if body.count("/") == 2 else body.rpartition("/")[0] + "/"


def name_of(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]


def resolve(backend: Backend, subject: str) -> tuple[str, str]:
    """Return the folder to open for a URI, and the URI to put the cursor on there."""
    uri = subject if "://" in subject else f"s3://{subject}"
    if uri.count("/") == 2:
        return uri + "/", ""
    if uri.endswith("/"):
        return uri, ""
    parent, name = folder_of(uri), name_of(uri)
    names = {entry.name for entry in backend.listing(asked(parent), prefix=name).entries}
    return (uri + "/", "") if name not in names and name + "/" in names else (parent, uri)


def below(backend: Backend, entries: Iterable[Entry], most: int = MOST_BELOW) -> Below:
    """Return the objects that entries are or hold."""
    found: list[Entry] = []
    folders: list[str] = []
    for entry in entries:
        (folders if entry.is_folder else found).append(entry.uri if entry.is_folder else entry)  # type: ignore[arg-type]
    seen, asked_for = set(folders), 0
    while folders:
        folder, after = folders.pop(), ""
        while True:
            page = backend.listing(asked(folder), after=after)
            found += [entry for entry in page.entries if not entry.is_folder]
            new = [entry.uri for entry in page.entries if entry.is_folder and entry.uri not in seen]
            folders += new
            seen.update(new)
            after, asked_for = page.next, asked_for + 1
            if len(found) > most or asked_for >= MOST_LISTINGS:
                return Below(tuple(found[:most]), is_all=False)
            if not after:
                break
    return Below(tuple(found), is_all=True)


def plan_upload(backend: Backend, paths: Sequence[Path], folder: str) -> Plan:
    """Pair files, and what is below folders, with objects in a folder; a folder keeps its name."""
    orders = []
    for path in paths:
        into = folder + path.name + "/" if path.is_dir() else folder
        orders += [
            Order("upload", str(each.to), each.file, each.file.stat().st_size)
            for each in transfer.plan_uploads([path], parse(into))
        ]
    taken = _taken(backend, [order.uri for order in orders])
    return Plan(tuple(orders), tuple(n for n, order in enumerate(orders) if order.uri in taken))


def _taken(backend: Backend, uris: Sequence[str]) -> set[str]:
    """Return those of the URIs that are objects already."""
    groups: dict[str, list[str]] = {}
    for uri in uris:
        groups.setdefault(folder_of(uri), []).append(uri)
    found: set[str] = set()
    for folder, wanted in groups.items():
        if len(wanted) <= FEW:
            for uri in wanted:
                page = backend.listing(asked(folder), prefix=name_of(uri))
                found |= {entry.uri for entry in page.entries if entry.uri == uri}
        else:
            found |= {entry.uri for entry in read(backend, folder, pages=MOST_LISTINGS).entries} & set(wanted)
    return found


def plan_download(backend: Backend, entries: Sequence[Entry], folder: Path) -> Plan:
    """Pair objects, and what is below folders, with files in a folder of this machine."""
    if folder.exists() and not folder.is_dir():
        raise CliError(f"{folder} is a file", "name a folder")
    found = below(backend, entries)
    if not found.is_all:
        raise CliError(f"there are {found.words}", "save a smaller folder, or use `aws s3 sync`")
    inside = {entry.uri: entry.uri.rstrip("/").rpartition("/")[0] + "/" for entry in entries if entry.is_folder}
    names = [_relative(entry.uri, inside) for entry in found.entries]
    paths = targets(folder, names)
    orders = [
        Order("download", entry.uri, path, entry.size or 0)
        for entry, path in zip(found.entries, paths, strict=True)
    ]
    renamed = [
        (name, str(path.relative_to(folder)))
        for name, path in zip(names, paths, strict=True)
        if folder / name != path
    ]
    clashes = [n for n, order in enumerate(orders) if order.path.is_symlink() or order.path.exists()]
    return Plan(tuple(orders), tuple(clashes), tuple(renamed))


def _relative(uri: str, inside: dict[str, str]) -> str:
    for folder, parent in inside.items():
        if uri.startswith(folder):
            return uri.removeprefix(parent)
    return name_of(uri)


def settle(backend: Backend, plan: Plan, answer: str) -> list[Order]:
    """Return the orders of a plan after the user said what to do with those that would replace something."""
    clashes = set(plan.clashes)
    taken = {order.uri for order in plan.orders} | {str(order.path).lower() for order in plan.orders}
    orders = []
    for number, order in enumerate(plan.orders):
        if number not in clashes:
            orders.append(order)
        elif answer == "overwrite":
            orders.append(replace(order, overwrite=True))
        elif answer == "both":
            other = _beside(backend, order, taken)
            taken |= {other.uri, str(other.path).lower()}
            orders.append(other)
    return orders


def _beside(backend: Backend, order: Order, taken: set[str]) -> Order:
    """Return the order with a name that nothing has."""
    if order.way == "download":
        return replace(order, path=free(order.path, lambda each: each in taken or Path(each).exists()))
    stem, dot, suffix = order.uri.rpartition(".")
    if not dot or "/" in suffix:
        stem, dot, suffix = order.uri, "", ""
    number = 2
    while (uri := f"{stem} ({number}){dot}{suffix}") in taken or _taken(backend, [uri]):
        number += 1
    return replace(order, uri=uri)


def guarded(call: Callable[[], Value]) -> Callable[[], Value]:
    """Return a call whose failures of this machine's disk are told like all others."""

    def run() -> Value:
        try:
            return call()
        except OSError as error:
            raise CliError(f"{error.filename or 'the disk'}: {error.strerror or error}") from error

    return run
