"""What the Storage view says: where the list is, how much of it was read, and why it is empty."""

from __future__ import annotations

from collections.abc import Iterator

from hfaas_tui.ui.model import Entry, Health, Place
from hfaas_tui.ui.safe import ago, clip
from hfaas_tui.ui.screens.storage.listing import Folder
from hfaas_tui.ui.screens.storage.reader import Reader
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.units import size


def path(at: str, room: int) -> Iterator[Part]:
    """Yield the folders that lead to `at`; those on the left give way where there is little room."""
    if not at:
        yield Part(" Buckets and spaces", "here")
        return
    scheme, _, rest = at.partition("://")
    names = rest.rstrip("/").split("/")
    first = 0
    while first < len(names) - 1 and sum(len(name) + 1 for name in names[first:]) > room - len(scheme):
        first += 1
    yield Part(f" {scheme}://" if not first else " …/", "dim", "part(-1)")
    for number, name in enumerate(names[first:], first):
        yield Part(
            f"{clip(name, max(8, room - len(scheme)))}/",
            "here" if number == len(names) - 1 else "",
            f"part({number})",
        )


def counts(reader: Reader, now: float) -> Iterator[Part]:
    """Yield how much of the folder is on screen, and how old that is when a look at it failed."""
    folder = reader.folder
    if reader.problem and folder.pages:
        age = ago(now - reader.read_at)
        yield Part(f" ✗ read {'just now' if age == 'now' else age} ", "err")
    elif not folder.pages:
        yield Part(" ✗ " if reader.problem else " reading… " if reader.uri else "", "dim")
    elif folder.next:
        yield Part(f" {len(folder.entries):,} so far, more… ", "dim")
    else:
        total = f"  {size(folder.size)}" if folder.size else ""
        yield Part(f" {_many(folder)}{total} ", "dim")


def _many(folder: Folder) -> str:
    folders = len(folder.folders)
    objects = len(folder.entries) - folders
    if not folder.uri:
        return _count(folders, "place")
    if not folders:
        return _count(objects, "object")
    return _count(folders, "folder") + (f", {_count(objects, 'object')}" if objects else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def held(place: Place | None) -> str:
    """Return how many objects a place has, as far as they were counted."""
    if place is None or place.objects is None:
        note = place.note if place else ""
        return note.removeprefix("more than ") + "+" if note.startswith("more than ") else "-"
    return f"{place.objects:,}"


def nothing(reader: Reader, health: Health, typed: str) -> list[str]:
    """Return what an empty list says: why, and which key helps."""
    problem = reader.problem or (None if reader.uri else health.problem)
    if problem:
        return [f"✗ Cannot list {reader.uri or 'places'}:", problem.message, problem.hint, "", "^r  look again"]
    if reader.folder.prefix:
        return [f"No name here begins with {reader.folder.prefix}", "", "esc  take the filter back"]
    if typed:
        return ["No name here matches.", "", "esc  take the filter back"]
    if reader.uri:
        return ["Nothing in here yet.", "", "u  upload files", "⌫  go up"] if reader.folder.pages else ["Reading…"]
    lines = ["No buckets or spaces yet.", "", "n  make one", "6  deploy a pipeline: it makes its own"]
    return lines if health.is_up else ["Looking for buckets and spaces…"]


def short(name: str, width: int) -> str:
    """Return the end of a function's name that fits: the beginning is often the same for all."""
    while len(name) > width and "-" in name:
        name = name.partition("-")[2]
    return name


def order(entry: Entry, column: str) -> tuple[bool, float | str]:
    """Return what a listing is sorted by: folders stay together."""
    match column:
        case "size" | "objects":
            return not entry.is_folder, entry.size or 0
        case "changed":
            return not entry.is_folder, entry.changed
        case "by":
            return not entry.is_folder, entry.by
        case _:
            return not entry.is_folder, entry.name
