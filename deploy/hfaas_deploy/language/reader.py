"""Holds a document against the table of keys: plain values out, findings about everything else."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any

from hfaas_deploy.findings import Finding, Spot, error, warning
from hfaas_deploy.language import keys
from hfaas_deploy.language.document import Entry, Items, Map, Scalar, Tree
from hfaas_deploy.language.keys import Key, Kind, Status

Values = dict[str, Any]

WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
OTHER_TRUTHS = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False}
NEAR = 0.75


class Reader:
    """Reads maps by the table; remembers where each value stood."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.spots: dict[str, Spot] = {}
        self._muted = 0

    def block(self, tree: Map, place: str = "", path: str = "") -> Values:
        """The values of a map at `place` of the table, with defaults; `path` is where it is in this document."""
        self.spots.setdefault(path, tree.spot)
        allowed = keys.at(place)
        if not allowed:  # an OSCAR service: {cluster id: service}
            return self._named(tree, f"{place}.<id>", path, "")
        values: Values = {}
        for name, entry in tree.entries.items():
            if key := allowed.get(name):
                value = self._entry(key, entry, f"{path}.{name}" if path else name)
                if value is not None:
                    values[name] = value
            else:
                self._unknown(name, entry, place, list(allowed))
        self._require(tree, allowed, place)
        defaults = {name: key.default for name, key in allowed.items() if key.default is not None}
        return {**defaults, **values}

    def _entry(self, key: Key, entry: Entry, path: str) -> Any:
        self.spots[path] = entry.value.spot
        self._status(key, entry)
        muted = key.status is not Status.USED
        self._muted += muted
        try:
            return self._value(key, entry.value, path)
        finally:
            self._muted -= muted

    def _value(self, key: Key, tree: Tree, path: str) -> Any:
        match key.kind:
            case Kind.ANY:
                return None
            case Kind.BLOCK | Kind.NAMED | Kind.TEXT_MAP:
                return self._map(key, tree, path)
            case Kind.BLOCKS | Kind.TEXTS:
                return self._list(key, tree, path)
            case _:
                return self._scalar(key, tree)

    def _map(self, key: Key, tree: Tree, path: str) -> Values | None:
        if not isinstance(tree, Map):
            self._wrong(tree, f"{key.name} must be a map")
            return None
        if key.kind is Kind.BLOCK:
            return self.block(tree, key.inside, path)
        if key.kind is Kind.NAMED:
            return self._named(tree, key.inside, path, key.names)
        return self._texts(key, tree, path)

    def _named(self, tree: Map, place: str, path: str, pattern: str) -> Values:
        named: Values = {}
        for name, entry in tree.entries.items():
            if pattern and not re.fullmatch(pattern, name):
                self._error(entry.spot, "name", f"{name!r} cannot be a name here; it must match {pattern}")
            elif isinstance(entry.value, Map):
                self.spots[f"{path}.{name}"] = entry.spot
                named[name] = self.block(entry.value, place, f"{path}.{name}")
            else:
                self._wrong(entry.value, f"{name} must be a map")
        return named

    def _texts(self, key: Key, tree: Map, path: str) -> dict[str, str]:
        texts = {}
        for name, entry in tree.entries.items():
            self.spots[f"{path}.{name}"] = entry.value.spot
            if key.names and not re.fullmatch(key.names, name):
                self._error(entry.spot, "name", f"{name!r} cannot be the name of a variable")
            elif isinstance(entry.value, Scalar):
                texts[name] = entry.value.text
            else:
                self._wrong(entry.value, f"{name} must be text; put lists and maps into quotes")
        return texts

    def _list(self, key: Key, tree: Tree, path: str) -> list[Any] | None:
        if key.kind is Kind.TEXTS and isinstance(tree, Scalar):
            return self._several(key, (tree,), path)
        if not isinstance(tree, Items):
            self._wrong(tree, f"{key.name} must be a list")
            return None
        if key.kind is Kind.TEXTS:
            return self._several(key, tree.items, path)
        blocks = []
        for index, item in enumerate(tree.items):
            if isinstance(item, Map):
                blocks.append(self.block(item, key.inside, f"{path}[{index}]"))
            else:
                self._wrong(item, f"each entry of {key.name} must be a map")
        return blocks

    def _several(self, key: Key, items: tuple[Tree, ...], path: str) -> list[str]:
        texts = []
        for index, item in enumerate(items):
            self.spots[f"{path}[{index}]"] = item.spot
            text = self._scalar(key, item)
            if text is not None:
                texts.append(str(text))
        return texts

    def _scalar(self, key: Key, tree: Tree) -> str | int | float | bool | None:
        if not isinstance(tree, Scalar):
            self._wrong(tree, f"{key.name} must be {key.kind}, not a {'map' if isinstance(tree, Map) else 'list'}")
            return None
        readers: dict[Kind, Callable[[Key, Scalar], str | int | float | bool | None]] = {
            Kind.WHOLE: self._whole,
            Kind.NUMBER: self._number,
            Kind.TRUTH: self._truth,
        }
        return readers.get(key.kind, self._text)(key, tree)

    def _whole(self, key: Key, scalar: Scalar) -> int | None:
        if not WHOLE.fullmatch(scalar.text):
            self._wrong(scalar, f"{key.name} must be a whole number, not {scalar.text!r}")
            return None
        value = int(scalar.text[:20])
        if key.numbers and value not in key.numbers:
            near = min(key.numbers, key=lambda number: abs(number - value))
            self._outside(scalar, key, f"none of {' '.join(map(str, key.numbers))}", str(near))
            return None
        if key.low is not None and value < key.low:
            self._outside(scalar, key, f"below {key.low}", str(key.low))
            return None
        if key.high is not None and value > key.high:
            self._outside(scalar, key, f"above {key.high}", str(key.high))
            return None
        return value

    def _outside(self, scalar: Scalar, key: Key, where: str, fix: str) -> None:
        first = key.effect.partition(" ")[0]
        unit = f" ({first})" if first in ("MB", "MiB", "seconds") else ""
        self._error(scalar.spot, "range", f"{key.name} {scalar.text} is {where}{unit}", fix)

    def _number(self, key: Key, scalar: Scalar) -> float | None:
        if not NUMBER.fullmatch(scalar.text):
            self._wrong(scalar, f"{key.name} must be a number, not {scalar.text!r}")
            return None
        return float(scalar.text[:20])

    def _truth(self, key: Key, scalar: Scalar) -> bool | None:
        word = scalar.text.lower()
        if word in ("true", "false"):
            return word == "true"
        if word not in OTHER_TRUTHS:
            self._wrong(scalar, f"{key.name} must be true or false, not {scalar.text!r}")
            return None
        value = OTHER_TRUTHS[word]
        fix = str(value).lower()
        self.findings.append(
            warning(scalar.spot, "truth", f"{key.name}: {scalar.text} is read as {fix}; write {fix}", fix)
        )
        return value

    def _text(self, key: Key, scalar: Scalar) -> str | None:
        text = scalar.text.upper() if key.any_case else scalar.text
        if not text and (key.required or key.kind is Kind.FILE or key.choices):
            self._wrong(scalar, f"{key.name} is empty")
            return None
        if key.choices and text not in key.choices:
            self._choose(key, scalar)
            return None
        if key.pattern and not re.fullmatch(key.pattern, text):
            right = f"must look like {key.looks}" if key.looks else f"must match {key.pattern}"
            self._error(scalar.spot, "pattern", f"{key.name} {text!r} {right}")
            return None
        if key.longest is not None and len(text) > key.longest:
            self._error(
                scalar.spot, "length", f"{key.name} has {len(text)} characters; at most {key.longest} are allowed"
            )
            return None
        return text

    def _choose(self, key: Key, scalar: Scalar) -> None:
        near = difflib.get_close_matches(scalar.text.lower(), [choice.lower() for choice in key.choices], n=1)
        fix = next((choice for choice in key.choices if near and choice.lower() == near[0]), "")
        hint = f"; did you mean {fix!r}?" if fix else ""
        message = f"{key.name} {scalar.text!r} is none of {', '.join(key.choices)}{hint}"
        self._error(scalar.spot, "choice", message, fix)

    def _unknown(self, name: str, entry: Entry, place: str, allowed: list[str]) -> None:
        near = difflib.get_close_matches(name, allowed, n=1, cutoff=NEAR)
        home = keys.belongs(name, place)
        slip = keys.MISTAKES.get(name, "")
        where = f" in {place}" if place else ""
        if near or slip in allowed:
            fix = near[0] if near else slip
            self._error(entry.spot, "unknown-key", f"unknown key {name!r}{where}; did you mean {fix!r}?", fix)
        elif home:
            self._error(entry.spot, "unknown-key", f"unknown key {name!r}{where}; `{name}` belongs into `{home}`")
        else:
            self._error(entry.spot, "unknown-key", f"unknown key {name!r}{where}")

    def _require(self, tree: Map, allowed: dict[str, Key], place: str) -> None:
        for key in allowed.values():
            if key.required and key.name not in tree.entries:
                where = f"in {place}" if place else "at the top"
                self._error(tree.spot, "required", f"{key.name!r} is missing {where}")

    def _status(self, key: Key, entry: Entry) -> None:
        if key.status is Status.IGNORED and not self._muted and entry.spot.file == self.file:
            self.findings.append(warning(entry.spot, "ignored", f"{key.name} is ignored because {key.because}"))

    def _wrong(self, tree: Tree, message: str) -> None:
        self._error(tree.spot, "type", message)

    def _error(self, spot: Spot, code: str, message: str, fix: str = "") -> None:
        """A fault; in the file of defaults, which scar writes itself, only a warning."""
        kind = error if spot.file == self.file else warning
        self.findings.append(kind(spot, code, message, fix))
