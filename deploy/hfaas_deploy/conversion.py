"""A pipeline file of an old form as a file of today's, with its comments.

What `fdl.parse` does in memory each time is written down: the new file reads to the same Pipeline as the old one,
defaults of scar.cfg laid under it or not. Nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hfaas_deploy import fdl
from hfaas_deploy.errors import FdlError
from hfaas_deploy.findings import Finding, Spot, errors, in_order, warning
from hfaas_deploy.language import comments, document, generations, keys, writer
from hfaas_deploy.language.document import Entry, Items, Map, Scalar, Tree
from hfaas_deploy.language.keys import Key, Kind, Status
from hfaas_deploy.language.reader import Reader

JOINED = re.compile(
    r"functions\.[^.]+\.s3\.(in|out)put_(bucket|folder)"
    r"|(storages|storage_providers)\[\d+\]\.(name|type)"
)
"""Values that are in the new file under another name, or put together."""

BECAUSE = {
    "deployment_bucket": "it held packages; functions are images here",
    "public_read": "results are never public",
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """The new text; `notes` say what form the file had (nothing when it was today's), `dropped` what is not in it."""

    text: str
    notes: tuple[Finding, ...] = ()
    dropped: tuple[Finding, ...] = ()


def convert(path: Path, defaults: Path | None = None) -> Conversion:
    """The file in today's form; FdlError when it is no YAML that could be read."""
    data = fdl.content_of(path)
    old, found = document.read(data, str(path))
    faults = list(found)
    today, notes = generations.convert(old)
    whole = fdl.with_defaults(today, defaults, faults)
    if errors(faults):
        raise FdlError(in_order(faults), "mend that first; nothing was converted")
    text = data.decode("utf-8-sig")
    if not notes and defaults is None:
        return Conversion(text)
    if defaults is not None:
        whole = _used_only(whole, "", str(defaults))
    written = writer.write(whole, str(path), comments.find(text))
    return Conversion(written, tuple(notes), tuple(_dropped(old, whole)))


def _dropped(old: Map, new: Map) -> Iterator[Finding]:
    kept = {spot for _, spot in _values(new, "")}
    for place, spot in _values(old, ""):
        if spot not in kept and not JOINED.fullmatch(place):
            name = place.rpartition(".")[2]
            because = BECAUSE.get(name, "nothing of today stands for it")
            yield warning(spot, "dropped", f"{place} is left out: {because}")


def _values(tree: Tree, place: str) -> Iterator[tuple[str, Spot]]:
    if isinstance(tree, Scalar):
        yield place, tree.spot
    elif isinstance(tree, Items):
        for index, item in enumerate(tree.items):
            yield from _values(item, f"{place}[{index}]")
    else:
        for name, entry in tree.entries.items():
            yield from _values(entry.value, f"{place}.{name}" if place else name)


def _used_only(tree: Map, place: str, defaults: str) -> Map:
    """The tree without what came from the defaults and changes nothing: scar.cfg names every key there is."""
    known = keys.at(place)
    entries = {}
    for name, entry in tree.entries.items():
        key = known.get(name)
        value = _used_below(entry.value, key, defaults) if key else entry.value
        if entry.spot.file != defaults or (key and _counts(key, Entry(entry.spot, value), place)):
            entries[name] = Entry(entry.spot, value)
    return Map(tree.spot, entries)


def _used_below(value: Tree, key: Key, defaults: str) -> Tree:
    if key.kind is Kind.BLOCK and isinstance(value, Map):
        return _used_only(value, key.inside, defaults)
    if key.kind is Kind.BLOCKS and isinstance(value, Items):
        below = (_used_only(item, key.inside, defaults) if isinstance(item, Map) else item for item in value.items)
        return Items(value.spot, tuple(below))
    return value


def _counts(key: Key, entry: Entry, place: str) -> bool:
    """Tell whether a default of scar's is read, and is another than ours."""
    if key.status is not Status.USED or (isinstance(entry.value, Map) and not entry.value.entries):
        return False
    reader = Reader(entry.spot.file)
    values = reader.block(Map(entry.spot, {key.name: entry}), place)
    is_sound = not any(each.is_error and each.code != "required" for each in reader.findings)
    return is_sound and key.name in values and values[key.name] != key.default
