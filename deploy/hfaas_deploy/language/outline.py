"""Which key of the table stands where in a pipeline file: what an editor needs to help with the line it is on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hfaas_deploy.language import document, keys
from hfaas_deploy.language.document import Items, Map, Tree
from hfaas_deploy.language.keys import Key, Kind


@dataclass(frozen=True, slots=True)
class Mention:
    """A key of the table, where it stands in a file; line and column count from 1."""

    line: int
    column: int
    key: Key


def outline(content: bytes) -> list[Mention]:
    """The keys of a file in their order, as far as it can be read; none of the forms that are no longer written."""
    tree, _ = document.read(content, "")
    return sorted(_below(tree, ""), key=lambda mention: (mention.line, mention.column))


def under(mentions: Sequence[Mention], line: int, column: int) -> Key | None:
    """The key that a place in the file belongs to: the last one that begins before it, or the first on its line."""
    first = next((one for one in mentions if one.line == line), None)
    if first and column < first.column:
        return first.key
    return next((one.key for one in reversed(mentions) if (one.line, one.column) <= (line, column)), None)


def _below(tree: Map, place: str) -> Iterator[Mention]:
    allowed = keys.at(place)
    for name, entry in tree.entries.items():
        key = allowed.get(name)
        if key:
            yield Mention(entry.spot.line, entry.spot.column, key)
            yield from _inside(key, entry.value)
        elif not allowed and isinstance(entry.value, Map):  # an OSCAR service: {cluster id: service}
            yield from _below(entry.value, f"{place}.<id>")


def _inside(key: Key, value: Tree) -> Iterator[Mention]:
    match key.kind, value:
        case Kind.BLOCK, Map():
            yield from _below(value, key.inside)
        case Kind.NAMED, Map():
            for entry in value.entries.values():
                if isinstance(entry.value, Map):
                    yield from _below(entry.value, key.inside)
        case Kind.BLOCKS, Items():
            for item in value.items:
                if isinstance(item, Map):
                    yield from _below(item, key.inside)
        case _:
            return
