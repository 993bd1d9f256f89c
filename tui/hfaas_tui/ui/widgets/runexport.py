"""Runs as JSON in a file that did not exist before."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Run, RunDetail


def of_run(run: Run) -> dict[str, Any]:
    """Return what the row of a run knows."""
    return {**asdict(run), "state": str(run.state), "where": run.where}


def of_detail(detail: RunDetail) -> dict[str, Any]:
    """Return everything that is known of a run."""
    return {
        **of_run(detail.run),
        "event": _parsed(detail.event),
        "environment": dict(detail.environment),
        "steps": [{**asdict(step), "state": str(step.state)} for step in detail.steps],
        "lines": list(detail.lines),
        "story": [list(pair) for pair in detail.story],
    }


def save(documents: Iterable[dict[str, Any]], folder: Path, now: float) -> Path:
    """Write runs to a new file in a folder and return where that is."""
    stem = time.strftime("runs-%Y%m%d-%H%M%S", time.localtime(now))
    text = json.dumps(list(documents), indent=2, ensure_ascii=False) + "\n"
    try:
        for number in range(1, 1000):
            path = folder / f"{stem}{'' if number == 1 else f'-{number}'}.json"
            try:
                with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(text)
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise CliError(
            f"cannot write runs to {folder}: {error.strerror}", "is there room, and may you write?"
        ) from error
    raise CliError(f"{folder} is full of files like {stem}.json", "remove some of them")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
