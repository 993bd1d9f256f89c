"""What is to be said about the text of a pipeline file while it is being edited: problems, fixes, help for a key.

Everything here takes a text that may not be saved yet, and is called in workers: hfaas_deploy is loaded with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfaas_deploy.findings import Finding
    from hfaas_deploy.language.keys import Key
    from hfaas_deploy.language.outline import Mention
    from hfaas_deploy.pipeline import Pipeline

MEANS = {
    "functions.aws[].lambda.execution_mode": {
        "lambda": "a Lambda, max 900 s",
        "lambda-batch": "tries Lambda; on timeout or memory goes on in Batch",
        "batch": "always runs as a Batch job",
    },
}
"""What the words of a key mean, where its own line does not say it."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Text to put in the place of other text; lines and columns count from 0."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class Remark:
    """One problem: where it is, what is wrong, what is allowed, and what one key would do about it."""

    line: int
    column: int
    is_error: bool
    message: str
    advice: str = ""
    hint: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """What a key is for."""

    name: str
    text: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What was found in a text; `pipeline` is as much of it as could be read."""

    text: str = ""
    remarks: tuple[Remark, ...] = ()
    pipeline: Pipeline | None = None
    mentions: tuple[Mention, ...] = field(default=(), repr=False)

    @property
    def errors(self) -> int:
        return sum(remark.is_error for remark in self.remarks)

    @property
    def warnings(self) -> int:
        return len(self.remarks) - self.errors

    def line_of(self, function: str) -> int | None:
        """Return the line, counted from 0, in which a function is named."""
        for each in self.pipeline.functions if self.pipeline else ():
            if each.name == function and self.pipeline:
                return self.pipeline.spot(f"{each.place}.lambda.name").line - 1
        return None


def check(path: Path, text: str) -> Check:
    """Look at a text as if it were saved."""
    from hfaas_deploy import checks, fdl
    from hfaas_deploy.errors import DeployError
    from hfaas_deploy.language import outline

    content = text.encode()
    mentions = tuple(outline.outline(content))
    try:
        pipeline = fdl.parse(path, content=content)
        found = checks.check(pipeline)
    except DeployError as error:
        return Check(text, (Remark(1, 1, is_error=True, message=error.message, advice=error.hint),))
    return Check(text, tuple(_remark(one, mentions) for one in found), pipeline, mentions)


def _remark(finding: Finding, mentions: tuple[Mention, ...]) -> Remark:
    from hfaas_deploy.language import outline

    spot = finding.spot
    key = outline.under(mentions, spot.line, spot.column)
    message, _, advice = finding.message.partition("; ")
    if finding.fix:
        advice = f"⏎ sets {finding.fix}" if finding.code == "range" else f"did you mean '{finding.fix}'?  ⏎"
    is_value = finding.code in ("range", "choice", "type", "pattern", "length", "truth")
    hint = allowed(key) if key and is_value else ""
    if finding.code == "choice" and hint:  # the hint in the line lists them already
        message = message.partition(" is none of ")[0]
    return Remark(spot.line, spot.column, finding.is_error, message, advice, hint, finding.fix)


def allowed(key: Key) -> str:
    """Return what a key takes, in words; empty when anything goes."""
    if key.choices:
        *others, last = key.choices
        return f"{', '.join(others)} or {last}" if others else last
    if key.low is not None and key.high is not None:
        return f"{key.low} to {key.high}"
    if key.low is not None:
        return f"{key.low} or more"
    if key.numbers:
        return " ".join(map(str, key.numbers))
    return "" if str(key.kind) == "text" else str(key.kind)


def fix(text: str, remark: Remark) -> Edit | None:
    """Return the edit that repairs what stands where the problem is; None when there is none."""
    from hfaas_deploy.language import document

    if not remark.fix:
        return None
    end = document.extent(text, remark.line, remark.column)
    if end is None:
        return None
    return Edit((remark.line - 1, remark.column - 1), (end[0] - 1, end[1] - 1), remark.fix)


def repaired(path: Path, found: Check) -> Check | None:
    """Return what remains when every fix of an error is applied; None when that leaves errors."""
    edits = [edit for remark in found.remarks if remark.is_error and (edit := fix(found.text, remark))]
    text = found.text
    for edit in sorted(edits, key=lambda each: each.start, reverse=True):
        text = apply(text, edit)
    better = check(path, text)
    return None if better.errors or better.pipeline is None else better


def apply(text: str, edit: Edit) -> str:
    """Return the text with an edit made."""
    lines = text.splitlines(keepends=True)
    start, end = (sum(map(len, lines[:line])) + column for line, column in (edit.start, edit.end))
    return text[:start] + edit.text + text[end:]


def help_at(found: Check, line: int, column: int) -> Help | None:
    """Return help for the key at a place, which counts from 0; None where there is none."""
    from hfaas_deploy.language import outline

    key = outline.under(found.mentions, line + 1, column + 1)
    return _help(key) if key else None


def _help(key: Key) -> Help:
    from hfaas_deploy.language.keys import Status

    text = f"ignored: {key.because}" if key.status is Status.IGNORED else key.effect
    return Help(key.name, text, tuple(_facts(key)))


def _facts(key: Key) -> Iterator[tuple[str, str]]:
    from hfaas_deploy.language import keys
    from hfaas_deploy.language.keys import Status

    means = MEANS.get(key.path, {})
    yield from means.items()
    if inside := [each.name for each in keys.at(key.inside).values() if each.status is Status.USED]:
        yield "keys", ", ".join(inside)
    elif not means and (takes := allowed(key) or str(key.kind)):
        yield "takes", takes
    if key.default is not None:
        yield "default", str(key.default).lower() if isinstance(key.default, bool) else str(key.default)
    if key.required:
        yield "required", "yes"
    if key.longest:
        yield "longest", f"{key.longest} characters"


INDENT = re.compile(r"^(\s*(?:- )?)")


def indentation(line: str) -> str:
    """Return what a new line below this one begins with: in line with its key, deeper below one without a value."""
    lead = " " * len(INDENT.match(line)[1]) if INDENT.match(line) else ""  # type: ignore[index]
    return lead + ("  " if line.split(" #", maxsplit=1)[0].rstrip().endswith(":") else "")
