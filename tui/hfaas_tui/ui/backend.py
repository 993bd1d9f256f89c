"""What the views ask of a target: the emulator, AWS, a recorded trace. Calls may take long: workers make them.

Whatever fails raises CliError, with what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hfaas_tui.ui.model import Function, Health, Listing, LogLine, Machine, Place, Run, RunDetail, Step, Target

Moved = Callable[[int], None]
"""Told of each piece that moved, in bytes; raises `Cancelled` to end a transfer."""


class Cancelled(Exception):
    """The user ended what was under way."""


@dataclass(frozen=True, slots=True)
class News:
    """What a feed has learnt since its last batch."""

    runs: tuple[Run, ...] = ()
    steps: tuple[Step, ...] = ()
    writers: Mapping[str, tuple[str, str]] | None = None
    """Objects that were written: URI -> (function, run); None when no object changed."""


@dataclass(frozen=True, slots=True)
class Invoked:
    """The answer of an invocation; `id` is its request id, `payload` what the function returned."""

    id: str
    payload: bytes = b""
    error: str = ""
    log: str = ""


class Backend(Protocol):
    """One target."""

    @property
    def target(self) -> Target:
        """Return where this is."""

    def health(self) -> Health:
        """Ask whether it answers; never raises."""

    def machine(self) -> Machine:
        """Return how busy the machine is; zeros where the target does not tell."""

    def functions(self) -> list[Function]:
        """Return all functions."""

    def places(self) -> list[Place]:
        """Return all buckets and spaces."""

    def news(self) -> Iterator[News]:
        """Yield what happens, what happened before first; blocks; ends or raises when the target is gone."""

    def log_lines(self) -> Iterator[list[LogLine]]:
        """Yield batches of log lines, those before first; blocks; ends or raises when the target is gone."""

    def invoke(self, function: str, payload: bytes, *, wait: bool) -> Invoked:
        """Invoke a function with an event; with `wait`, until it has answered."""

    def detail(self, run: Run) -> RunDetail:
        """Return everything about a run."""

    def again(self, run: Run) -> str:
        """Run again with the same event; returns the id of the new run."""

    def stop(self, run: Run) -> str:
        """Cancel or terminate a job; returns what was done."""

    def story(self, uri: str) -> tuple[str, list[Step]]:
        """Return what became of an object: a sentence and its hops."""

    def listing(self, uri: str, *, prefix: str = "", after: str = "") -> Listing:
        """Return a page of what is right below a place or folder, names that begin with `prefix` only."""

    def head(self, uri: str) -> Mapping[str, str]:
        """Return what is known of an object: size, etag, type, changed."""

    def read(self, uri: str, limit: int) -> bytes:
        """Return the first bytes of an object."""

    def download(self, uri: str, target: Path, moved: Moved) -> None:
        """Copy an object into a file, which is there whole or not at all."""

    def upload(self, source: Path, uri: str, moved: Moved) -> None:
        """Copy a file to an object."""

    def delete(self, uri: str) -> None:
        """Remove an object, or all below a folder."""

    def make_place(self, uri: str) -> None:
        """Make a bucket or a space."""

    def delete_function(self, name: str) -> None:
        """Delete a function."""

    def system(self) -> Mapping[str, Any]:
        """Return services, engine, containers and queues as the System view shows them."""

    def close(self) -> None:
        """End feeds and connections; whoever waits in one of them gets out."""
