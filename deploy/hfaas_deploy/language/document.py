"""A YAML document as a tree in which every key and every value knows its place.

PyYAML's node graph is used and not its objects: only nodes have marks, and only nodes keep a scalar as it
was written, so that `0.10`, `yes` and `012` stay what the user typed wherever text is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from hfaas_deploy.findings import Finding, Spot, error

MAX_BYTES = 1024 * 1024
MAX_ALIASED = 10_000  # nodes that aliases may add: a "billion laughs" file ends here
MAX_DEPTH = 60
MERGE = "tag:yaml.org,2002:merge"
NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value, as written."""

    spot: Spot
    text: str
    null: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    spot: Spot
    items: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a map: where the key stands, and its value."""

    spot: Spot
    value: Tree


@dataclass(frozen=True, slots=True)
class Map:
    """A map; keys that are null in the file are not in it."""

    spot: Spot
    entries: dict[str, Entry] = field(default_factory=dict)

    def get(self, name: str) -> Tree | None:
        entry = self.entries.get(name)
        return entry.value if entry else None

    def map(self, name: str) -> Map:
        """The map under `name`, an empty one if there is none."""
        value = self.get(name)
        return value if isinstance(value, Map) else Map(self.spot)

    def without(self, *names: str) -> Map:
        return Map(self.spot, {k: v for k, v in self.entries.items() if k not in names})

    def plus(self, name: str, value: Tree, spot: Spot | None = None) -> Map:
        return Map(self.spot, {**self.entries, name: Entry(spot or value.spot, value)})


Tree = Scalar | Items | Map


def read(data: bytes, file: str) -> tuple[Map, list[Finding]]:
    """The document in `data`; whatever is wrong with it as YAML is in the findings."""
    start = Spot(file, 1, 1)
    empty = Map(start)
    if len(data) > MAX_BYTES:
        return empty, [error(start, "too-large", f"the file has {len(data)} bytes; at most {MAX_BYTES} are read")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        return empty, [error(Spot(file, line, 1), "encoding", "the file is not UTF-8 text")]
    try:
        findings = list(_refused_events(text, file))
        node = None if findings else yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as fault:
        return empty, [_syntax_error(fault, file)]
    except yaml.reader.ReaderError as fault:
        line = text.count("\n", 0, fault.position) + 1
        return empty, [error(Spot(file, line, 1), "yaml", f"character {fault.character!r} is not allowed in YAML")]
    if findings:
        return empty, findings
    if node is None:
        return empty, [error(start, "empty", "the file is empty; a pipeline has at least `functions`")]
    builder = _Builder(file)
    tree = builder.tree(node)
    if not isinstance(tree, Map):
        builder.findings.append(error(tree.spot, "type", "a pipeline file is a map; its main key is `functions`"))
        return empty, builder.findings
    return tree, builder.findings


def extent(text: str, line: int, column: int) -> tuple[int, int] | None:
    """Where the key or single value that begins at this place ends; None when there is none, or no YAML."""
    try:
        tokens = list(yaml.scan(text, yaml.SafeLoader))
    except (yaml.MarkedYAMLError, yaml.reader.ReaderError):
        return None
    for token in tokens:
        start, end = token.start_mark, token.end_mark
        if isinstance(token, yaml.ScalarToken) and (start.line + 1, start.column + 1) == (line, column):
            return end.line + 1, end.column + 1
    return None


def merge(under: Map, over: Map) -> Map:
    """`over` laid on `under`: maps merge deeply, everything else replaces."""
    entries = dict(under.entries)
    for name, entry in over.entries.items():
        old = entries.get(name)
        if old and isinstance(old.value, Map) and isinstance(entry.value, Map):
            entry = Entry(entry.spot, merge(old.value, entry.value))  # noqa: PLW2901
        entries[name] = entry
    return Map(over.spot, entries)


def _spot(file: str, mark: Any) -> Spot:
    """PyYAML counts from 0, and leaves marks out where it knows none."""
    return Spot(file, mark.line + 1, mark.column + 1) if mark else Spot(file, 1, 1)


def _syntax_error(fault: yaml.MarkedYAMLError, file: str) -> Finding:
    mark = fault.problem_mark or fault.context_mark
    spot = _spot(file, mark)
    said = ", ".join(part for part in (fault.context, fault.problem) if part)
    return error(spot, "yaml", f"this is not YAML: {said}")


def _refused_events(text: str, file: str) -> Iterator[Finding]:
    documents = depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        spot = _spot(file, event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents == 2:
                yield error(spot, "documents", "a second YAML document starts here; one file is one pipeline")
                return
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            yield error(spot, "depth", f"nested deeper than {MAX_DEPTH} levels")
            return
        if tag := getattr(event, "tag", None):
            yield error(spot, "tag", f"YAML tags are not read here: {tag}")


class _Builder:
    """Turns PyYAML's nodes into our tree, with the rules about keys, merges and aliases."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self._seen: set[int] = set()
        self._open: set[int] = set()
        self._aliased = 0

    def spot(self, node: yaml.Node) -> Spot:
        return _spot(self.file, node.start_mark)

    def tree(self, node: yaml.Node) -> Tree:
        if id(node) in self._open:
            return self._refuse(node, "recursive", "this anchor contains itself")
        if self._seen_again(node) and self._aliased > MAX_ALIASED:
            return self._refuse(node, "aliases", f"aliases expand to more than {MAX_ALIASED} values")
        if isinstance(node, yaml.ScalarNode):
            return Scalar(self.spot(node), node.value, node.tag == NULL)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return Items(self.spot(node), tuple(self.tree(item) for item in node.value))
            return self._map(node)
        finally:
            self._open.discard(id(node))

    def _seen_again(self, node: yaml.Node) -> bool:
        """Counts the nodes below an alias; they come by a second time."""
        again = id(node) in self._seen
        self._aliased += again
        self._seen.add(id(node))
        return again

    def _refuse(self, node: yaml.Node, code: str, message: str) -> Tree:
        if not any(finding.code == code for finding in self.findings):
            self.findings.append(error(self.spot(node), code, message))
        return Scalar(self.spot(node), "", null=True)

    def _map(self, node: yaml.Node) -> Map:
        merged: dict[str, Entry] = {}
        own: dict[str, Entry] = {}
        nulls: set[str] = set()
        for key, value in node.value:
            spot = self.spot(key)
            if not isinstance(key, yaml.ScalarNode):
                self.findings.append(error(spot, "key", "a key must be plain text"))
            elif key.tag == MERGE:
                for source in self._merged(value):
                    merged = {**source.entries, **merged}
            elif key.value in own or key.value in nulls:
                self.findings.append(error(spot, "duplicate", f"{key.value!r} is already set in this map"))
            else:
                child = self.tree(value)
                if isinstance(child, Scalar) and child.null:
                    nulls.add(key.value)
                else:
                    own[key.value] = Entry(spot, child)
        kept = {name: entry for name, entry in merged.items() if name not in nulls}
        return Map(self.spot(node), {**kept, **own})

    def _merged(self, node: yaml.Node) -> list[Map]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        trees = [self.tree(source) for source in sources]
        for tree in trees:
            if not isinstance(tree, Map):
                self.findings.append(error(tree.spot, "merge", "`<<` takes a map or a list of maps"))
        return [tree for tree in trees if isinstance(tree, Map)]
