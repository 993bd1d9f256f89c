"""Writes a tree as YAML again, each comment beside what it stood beside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import yaml

from hfaas_deploy.findings import Spot
from hfaas_deploy.language.comments import Comment
from hfaas_deploy.language.document import MERGE, NULL, Items, Map, Scalar, Tree

PLAIN = re.compile(r"[A-Za-z0-9_./$<{(~@+-][A-Za-z0-9_./$<>{}()~@:=+*,; -]*")
"""What may stand without quotes if YAML then reads the same; what else might is quoted for the eye's sake."""
WIDE = 100


def write(tree: Map, file: str, comments: Iterable[Comment] = ()) -> str:
    """The text of a tree; `comments` are those of `file`, and what has lost its place stands at the end."""
    writer = _Writer(file, comments)
    lines = [*writer.map(tree, 0), *writer.left()]
    return "\n".join(lines if tree.entries else ["{}", *lines]) + "\n"


def scalar(value: Scalar) -> str:
    """A value as YAML that is read as the same text."""
    text = value.text
    if PLAIN.fullmatch(text) and text == text.strip() and _is_read_as(text):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _is_read_as(text: str) -> bool:
    """Tell whether it is this text as a key, behind a key and in a list: "-" in a list is, behind a key it is not."""
    return _read(f"{text}: {text}") == [text, text] and _read(f"[{text}]") == [text]


def _read(line: str) -> list[str] | None:
    """The texts of a line; None when there is more in it, or less."""
    try:
        node = yaml.compose(line, yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    if not isinstance(node, yaml.CollectionNode):
        return None
    pairs = isinstance(node, yaml.MappingNode)
    inner = [each for pair in node.value for each in pair] if pairs else node.value
    is_text = all(isinstance(each, yaml.ScalarNode) and each.tag not in (NULL, MERGE) for each in inner)
    return [each.value for each in inner] if is_text else None


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    if char in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class _Writer:
    def __init__(self, file: str, comments: Iterable[Comment]) -> None:
        self._file = file
        self._waiting = list(comments)

    def map(self, tree: Map, depth: int) -> Iterator[str]:
        for name, entry in tree.entries.items():
            key = scalar(Scalar(entry.spot, name))
            if not _has_value_on(entry.value, entry.spot):
                yield from self._above(entry.spot, depth)
            yield from self._value(f"{'  ' * depth}{key}:", entry.value, entry.spot, depth)

    def _value(self, head: str, value: Tree, spot: Spot, depth: int) -> Iterator[str]:
        short = _short(value)
        if short is not None and (isinstance(value, Scalar) or len(head) + len(short) < WIDE):
            inner = [item.spot for item in value.items] if isinstance(value, Items) else []
            spots = [spot, value.spot, *inner]
            for each in spots:
                yield from self._above(each, depth)
            yield self._beside(f"{head} {short}", *spots)
            return
        yield head if _has_value_on(value, spot) else self._beside(head, spot)
        if isinstance(value, Map):
            yield from self.map(value, depth + 1)
        elif isinstance(value, Items):
            yield from self._items(value, depth + 1)

    def _items(self, items: Items, depth: int) -> Iterator[str]:
        for item in items.items:
            yield from self._above(item.spot, depth)
            lines = list(self._item(item, depth))
            yield f"{'  ' * (depth - 1)}- {lines[0].lstrip()}"
            yield from lines[1:]

    def _item(self, item: Tree, depth: int) -> Iterator[str]:
        if (short := _short(item)) is not None:
            yield self._beside(f"{'  ' * depth}{short}", item.spot)
        elif isinstance(item, Map):
            yield from self.map(item, depth)
        elif isinstance(item, Items):
            yield from self._items(item, depth + 1)

    def _above(self, spot: Spot, depth: int) -> Iterator[str]:
        """Yield the comments that stand alone and above a place; a key that was moved takes its own along."""
        for comment in self._about({spot}, alone=True):
            yield f"{'  ' * depth}{comment.text}"

    def _beside(self, line: str, *spots: Spot) -> str:
        return "  ".join([line, *(comment.text for comment in self._about({*spots}, alone=False))])

    def _about(self, spots: set[Spot], *, alone: bool) -> list[Comment]:
        """Take the comments about places out of those that wait."""
        lines = {spot.line for spot in spots if spot.file == self._file}
        found = [each for each in self._waiting if each.alone is alone and each.about in lines]
        self._waiting = [each for each in self._waiting if each not in found]
        return found

    def left(self) -> Iterator[str]:
        """Yield the comments whose place is no more."""
        yield from (comment.text for comment in self._waiting)


def _has_value_on(tree: Tree, spot: Spot) -> bool:
    """Tell whether a line has a value below a key: a comment there is more likely about that one."""
    if isinstance(tree, Map):
        return any(
            (isinstance(entry.value, Scalar) and entry.spot.line == spot.line) or _has_value_on(entry.value, spot)
            for entry in tree.entries.values()
        )
    return isinstance(tree, Items) and any(_has_value_on(item, spot) for item in tree.items)


def _short(value: Tree) -> str | None:
    """A value that fits behind its key: a text, a list of texts, or nothing in braces."""
    if isinstance(value, Scalar):
        return scalar(value)
    if isinstance(value, Map):
        return None if value.entries else "{}"
    texts = [scalar(item) for item in value.items if isinstance(item, Scalar)]
    return f"[{', '.join(texts)}]" if len(texts) == len(value.items) else None
