"""Log lines as a file: text as it was shown, or JSON, one object a line, with every byte that was written."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from hfaas_tui.errors import CliError
from hfaas_tui.ui.logs import ansi
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.model import LogLine

BATCH = 2_000
"""Lines between two writes."""


def save(store: LogStore, numbers: Iterable[int], folder: Path, now: float, kind: str) -> Path:
    """Write lines into a new file of a kind (`txt`, `jsonl`), and return where that is."""
    stem = time.strftime("logs-%Y%m%d-%H%M%S", time.localtime(now))
    try:
        for number in range(1, 1000):
            path = folder / f"{stem}{'' if number == 1 else f'-{number}'}.{kind}"
            try:
                with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
                    write(store, numbers, file, kind)
            except FileExistsError:
                continue
            return path
    except OSError as error:
        reason = error.strerror or str(error)
        raise CliError(
            f"cannot write log lines to {folder}: {reason}", "is there room, and may you write?"
        ) from error
    raise CliError(f"{folder} is full of files like {stem}.{kind}", "remove some of them")


def write(store: LogStore, numbers: Iterable[int], file: IO[str], kind: str) -> None:
    """Write lines to an open file."""
    shown = as_json if kind == "jsonl" else as_text
    batch: list[str] = []
    for number in numbers:
        batch.append(shown(store.line(number)) + "\n")
        if len(batch) == BATCH:
            file.write("".join(batch))
            batch.clear()
    file.write("".join(batch))


def as_text(line: LogLine) -> str:
    """Return a line whole, without anything that a terminal could obey."""
    parts = (moment(line.time), line.function, line.request, line.level, ansi.plain(line.raw, len(line.raw)))
    return " ".join(part for part in parts if part)


def as_json(line: LogLine) -> str:
    """Return a line as JSON; `raw` is there, in base 64, when the bytes are no text."""
    text = line.raw.decode("utf-8", "replace")
    document = {
        "time": line.time,
        "function": line.function,
        "request": line.request,
        "level": line.level,
        "text": text,
    }
    if text.encode() != line.raw:
        document["raw"] = base64.b64encode(line.raw).decode()
    return json.dumps(document, ensure_ascii=False)


def moment(at: float) -> str:
    """Return date and time here, to the millisecond."""
    try:
        second, fraction = divmod(round(at * 1000), 1000)
        shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
    except (ValueError, OverflowError, OSError):
        return str(at)
    return f"{shown}.{fraction:03d}"
