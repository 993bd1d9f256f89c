"""The comments of a YAML text, by the line they stand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment with its `#`, and the line that it is about, counted from 1; 0 when nothing comes after it.

    One that stands `alone` on its line is about the next line with something else.
    """

    about: int
    text: str
    alone: bool


def find(text: str) -> list[Comment]:
    """The comments in the order in which they stand; none when the text is no YAML."""
    try:
        quoted = list(_quoted(text))
    except (yaml.MarkedYAMLError, yaml.reader.ReaderError):
        return []
    found: list[Comment] = []
    above: list[str] = []
    at = 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        start = _start(line, at, quoted)
        at += len(line)
        said, own = (line[start:].rstrip(), line[:start].strip()) if start >= 0 else ("", line.strip())
        if said and not own:
            above.append(said)
        elif own:
            found += [Comment(number, each, alone=True) for each in above]
            above.clear()
            if said:
                found.append(Comment(number, said, alone=False))
    return [*found, *(Comment(0, each, alone=True) for each in above)]


def _quoted(text: str) -> Iterator[range]:
    """Yield where values stand: a `#` in there is none of a comment."""
    for token in yaml.scan(text, yaml.SafeLoader):
        if isinstance(token, yaml.ScalarToken):
            yield range(token.start_mark.index, token.end_mark.index)


def _start(line: str, at: int, quoted: list[range]) -> int:
    """Return where a comment begins in a line that begins at `at`; -1 when there is none."""
    column = line.find("#")
    while column >= 0:
        is_apart = column == 0 or line[column - 1] in " \t"
        if is_apart and not any(at + column in each for each in quoted):
            return column
        column = line.find("#", column + 1)
    return -1
