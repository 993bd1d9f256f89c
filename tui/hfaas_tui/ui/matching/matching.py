"""What people type behind `/`: words, `column:value`, `!not`, `gpu:>0`, and regexes, which a child process tries.

A query is words between spaces (quotes keep them together); all of them must hold. A word with metacharacters is a
regex. None is ever tried in this process: some patterns take hours, and Python holds its lock meanwhile. A `Sieve`
collects what the patterns must be tried on, `Sieve.settle` has a child do it, in a worker, and kills it when it takes
too long.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfaas_tui.errors import CliError

PATIENCE_S = 2.0
"""Seconds a pattern may be computed at for all it is tried on."""
WALL_S = 30.0
"""Seconds after which its child is killed, however little of the machine it got."""

BATCH = 1000
_META = re.compile(r"[\\^$*+?{}\[\]|()]")  # not the dot: names of files are full of them
_WORD = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')
_NUMBER = re.compile(r"([-+]?\d[\d,]*(?:\.\d+)?)\s*([a-zA-Z%]*)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES = {"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
}

Get = Callable[[str], str]
"""Gives the text of a column."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a query; without a `column` it is looked for in all of them."""

    value: str
    column: str = ""
    sign: str = ""
    is_not: bool = False
    is_regex: bool = False

    def texts(self, get: Get, columns: Sequence[str]) -> list[str]:
        """Return what the term looks at."""
        named = _named(self.column, columns)
        return [get(named)] if named else [get(column) for column in columns]

    def wanted(self, columns: Sequence[str]) -> str:
        """Return the text to look for: `s3:x` is one as long as no column is called s3."""
        return self.value if not self.column or _named(self.column, columns) else f"{self.column}:{self.value}"

    def holds(self, get: Get, columns: Sequence[str]) -> bool:
        """Tell whether a term that is no regex is true of a row."""
        texts = self.texts(get, columns)
        if self.sign:
            return any(_compared(text, self.sign, self.value) for text in texts)
        wanted = self.wanted(columns).lower()
        return any(wanted in text.lower() for text in texts)


@dataclass(frozen=True, slots=True)
class Query:
    """Terms that must all hold; true of everything when there are none."""

    terms: tuple[Term, ...] = ()

    @property
    def patterns(self) -> tuple[Term, ...]:
        """Return the terms that need a child to be tried."""
        return tuple(term for term in self.terms if term.is_regex)

    def matches(self, get: Get, columns: Sequence[str]) -> bool:
        """Tell whether the terms that are no regexes are true of a row."""
        return all(term.holds(get, columns) is not term.is_not for term in self.terms if not term.is_regex)


def parse(text: str) -> Query:
    """Return what was typed as a query; nothing that can be typed is an error."""
    return Query(tuple(term for word in _WORD.findall(text) if (term := _term(word)) is not None))


def _term(word: str) -> Term | None:
    is_not = word.startswith("!") and len(word) > 1
    column, colon, value = word[is_not:].replace('"', "").partition(":")
    if not colon or not column.replace("_", "").replace("-", "").isalnum():
        column, value = "", word[is_not:].replace('"', "")
    elif not value:
        return None  # still being typed
    sign = next((sign for sign in _SIGNS if column and value.startswith(sign)), "")
    value = value.removeprefix(sign)
    if not value or value == "!":
        return None
    return Term(value, column, sign, is_not, not sign and _META.search(value) is not None)


def _named(name: str, columns: Sequence[str]) -> str:
    """Return the column that is meant: by its name, or the beginning of it, or a longer word for it."""
    wanted = name.lower()
    for column in columns:
        if wanted and column.lower() == wanted:
            return column
    for column in columns:
        if wanted and (column.lower().startswith(wanted) or wanted.startswith(column.lower())):
            return column
    return ""


def _compared(text: str, sign: str, value: str) -> bool:
    left, right = quantity(text), quantity(value)
    if right is None:
        return sign == "=" and text.lower() == value.lower()
    return _SIGNS[sign](left if left is not None else 0.0, right)


def quantity(text: str) -> float | None:
    """Return the number that a text begins with, in seconds or bytes when it has such a unit; None for none."""
    total, found = 0.0, False
    for number, unit in _NUMBER.findall(text):
        if found and unit not in _UNITS:
            break
        amount = float(number.replace(",", ""))
        total += amount * (_UNITS.get(unit) or _SIZES.get(unit.lower()) or 1)
        found = True
        if unit not in _UNITS:
            break
    return total if found else None


class Sieve:
    """Says which rows pass a query. What a regex has not been tried on yet passes not; `settle` has it tried."""

    def __init__(self, text: str) -> None:
        self.query = parse(text)
        self.problem = ""
        """What is wrong with a pattern; the words beside it still hold."""
        self._known: dict[tuple[str, str], bool] = {}
        self._unknown: dict[tuple[str, str], None] = {}

    def keeps(self, get: Get, columns: Sequence[str]) -> bool:
        """Tell whether a row passes."""
        if not self.query.matches(get, columns):
            return False
        verdicts = [self._tried(term, get, columns) for term in self.query.patterns]  # each notes what it lacks
        return all(verdicts)

    @property
    def is_pending(self) -> bool:
        """Tell whether rows wait for `settle`."""
        return bool(self._unknown) and not self.problem

    def _tried(self, term: Term, get: Get, columns: Sequence[str]) -> bool:
        if self.problem:
            return True
        asked = term.wanted(columns), "\n".join(term.texts(get, columns))
        found = self._known.get(asked)
        if found is None:
            self._unknown[asked] = None
            return False
        return found is not term.is_not

    def settle(self) -> None:
        """Have the patterns tried, each for at most 2 seconds of computing; blocks."""
        asked = list(self._unknown)
        self._unknown = {}
        try:
            for pattern in dict.fromkeys(pattern for pattern, _ in asked):
                texts = [text for of, text in asked if of == pattern]
                self._known.update(zip(((pattern, text) for text in texts), tried(pattern, texts), strict=True))
        except CliError as error:
            self.problem = error.message


def tried(pattern: str, texts: Sequence[str], patience: float = PATIENCE_S) -> list[bool]:
    """Return of which texts a pattern is true; CliError when it is none or takes too long."""
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("matching_child.py")), str(patience)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    clock = threading.Timer(WALL_S, child.kill)
    clock.start()
    try:
        answer, _ = child.communicate("".join(_lines(pattern, texts)))
    finally:
        clock.cancel()
        child.kill()
    if child.returncode:
        after = WALL_S if child.returncode == -signal.SIGKILL else patience
        raise CliError(f"stopped after {after:g} s: this pattern takes too long")
    answers = [json.loads(line) for line in answer.splitlines()]
    if answers and isinstance(answers[0], str):
        raise CliError(f"no regex: {answers[0]}")
    return [bool(found) for batch in answers for found in batch]


def _lines(pattern: str, texts: Sequence[str]) -> Iterable[str]:
    yield json.dumps(pattern) + "\n"
    for start in range(0, len(texts), BATCH):
        yield json.dumps(texts[start : start + BATCH]) + "\n"
