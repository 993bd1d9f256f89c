"""How commands print: tables for people, JSON for programs, both free of terminal control from outside."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hfaas_tui.clean import clean

UNFOLDED = 1000
"""Columns of a table that no terminal shows."""


def console() -> Console:
    """Return the console of standard output; what goes into a file or a pipe is not folded."""
    return Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else UNFOLDED)


def errors() -> Console:
    """Return the console of standard error."""
    return Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def print_json(data: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(data, indent=2, default=str) + "\n")


def print_document(data: Any) -> None:
    """Print one JSON document on one line, the last of what a command says."""
    sys.stdout.write(json.dumps(data, default=str) + "\n")


def print_text(text: str) -> None:
    """Print a line that may hold text from outside."""
    sys.stdout.write(clean(text) + "\n")


def print_news(text: str) -> None:
    """Print one line of news on standard error, so that standard output stays what was asked for."""
    errors().print(f"[dim]{escape(clean(text))}[/]")


def print_error(message: str, hint: str = "") -> None:
    """Print what went wrong and what to do, on standard error."""
    target = errors()
    target.print(f"[bold red]error:[/] {escape(clean(message))}")
    if hint:
        target.print(f"[bold]hint:[/] {escape(clean(hint))}")


def print_findings(findings: Iterable[object], hint: str = "") -> None:
    """Print what was found in a file, each on a line that says itself where and how bad, on standard error."""
    target = errors()
    for finding in findings:
        target.print(escape(clean(str(finding))))
    if hint:
        target.print(f"[bold]hint:[/] {escape(clean(hint))}")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Build a table; columns whose name starts with `>` are set flush right."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(escape(clean("" if cell is None else str(cell))) for cell in row))
    return grid


def milliseconds(count: float | None) -> str:
    """Return a duration in a unit people read; a dash for none."""
    if count is None:
        return "-"
    return f"{count:.0f} ms" if count < 10_000 else f"{count / 1000:.1f} s"


def duration(seconds: float) -> str:
    """Return how long something took in the two largest units that matter."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{max(0.0, seconds):.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
