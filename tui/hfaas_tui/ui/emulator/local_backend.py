"""The emulator as a target: AWS's standard APIs, and the emulator's own interface for what AWS does not tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hfaas_emulator.trace import Hop, What
from hfaas_tui.errors import CliError
from hfaas_tui.ui.aws.failures import told
from hfaas_tui.ui.aws.invoking import invoke
from hfaas_tui.ui.backend import Invoked, Moved, News
from hfaas_tui.ui.emulator.deployed import deployed
from hfaas_tui.ui.emulator.inspection import Inspection
from hfaas_tui.ui.emulator.link import Link
from hfaas_tui.ui.emulator.places import Places
from hfaas_tui.ui.emulator.reduction import Reduction
from hfaas_tui.ui.emulator.steps import step
from hfaas_tui.ui.emulator.wire import Stream
from hfaas_tui.ui.model import (
    Function,
    Gpu,
    Health,
    Listing,
    LogLine,
    Machine,
    Place,
    Problem,
    Run,
    RunDetail,
    Step,
    Target,
)

Heard = Callable[[str, Any], None]
"""Told of everything that comes, as JSON; a recorder listens."""

ANSWER_S = 5


def unheard(_: str, __: Any) -> None:
    """Listen to nothing."""


class LocalBackend:
    """The emulator that runs on a state folder, or at an endpoint; it may end and come back elsewhere."""

    def __init__(
        self, state: Path | None, endpoint: str | None = None, pipeline: Path | None = None, heard: Heard = unheard
    ) -> None:
        self._link = Link(state, endpoint)
        self._deployed = deployed(self._link, pipeline)
        self._places = Places(self._link)
        self._reduction = Reduction()
        self._inspection = Inspection(self._link, self._reduction)
        self._heard = heard
        self._target = Target("local", (endpoint or "").partition("://")[2].rstrip("/"), "us-east-1")
        self._instance: tuple[Any, ...] = ()
        self._seq = 0
        self._log_seq = 0
        self._streams: list[Stream] = []
        self._is_closed = threading.Event()

    @property
    def target(self) -> Target:
        return self._target

    # --- how it is

    def health(self) -> Health:
        """Ask whether it answers; never raises."""
        try:
            status = self._link.document("/_hfaas/status", ANSWER_S)
        except CliError as error:
            return Health(problem=Problem(error.message, error.hint))
        place = str(status.get("endpoint", "")).partition("://")[2]
        self._target = Target("local", place or self._target.place, str(status.get("region", "us-east-1")))
        return Health(is_up=True, since=float(status.get("started") or 0), status=status)

    def machine(self) -> Machine:
        """Return how busy the machine is; zeros where the emulator does not tell."""
        try:
            return _machine(self._link.document("/_hfaas/machine"))
        except CliError:
            return Machine()

    def functions(self) -> list[Function]:
        """Return all functions."""
        found = self._deployed.all()
        self._heard("functions", found)
        return found

    def places(self) -> list[Place]:
        """Return all buckets and spaces."""
        found = self._places.all()
        self._heard("places", found)
        return found

    def system(self) -> Mapping[str, Any]:
        """Return its status, and services, queues, containers and requests with it."""
        return self._inspection.system()

    # --- what happens

    def news(self) -> Iterator[News]:
        """Yield what happens, what happened before first; blocks; ends or raises when the emulator is gone."""
        status = self._link.document("/_hfaas/status", ANSWER_S)
        instance = (status.get("pid"), status.get("started"))
        if self._instance not in {(), instance}:
            self._seq = 0
            yield self._reduction.interrupted(time.time())
        self._instance = instance
        for documents in self._follow(f"/_hfaas/trace?since={self._seq}&follow=1"):
            hops = [hop for each in documents if (hop := _hop(each))]
            self._note(hops)
            yield self._reduction.take(hops)
            for each in documents:
                self._heard("hop", each)

    def _note(self, hops: list[Hop]) -> None:
        for hop in hops:
            self._seq = hop.seq
            if hop.what in (What.OBJECT_CREATED, What.OBJECT_REMOVED):
                self._places.touched(str(hop.detail.get("bucket")))

    def log_lines(self) -> Iterator[list[LogLine]]:
        """Yield batches of log lines, those before first; blocks; ends or raises when the emulator is gone."""
        for documents in self._follow(f"/_hfaas/logs?since={self._log_seq}&follow=1"):
            lines: list[LogLine] = []
            for each in documents:
                self._log_seq = int(each["seq"])
                self._heard("log", each["lines"])
                lines += made(each["lines"])
            if lines:
                yield lines

    def _follow(self, path: str) -> Iterator[list[Any]]:
        stream = Stream(self._link.emulator().endpoint, path)
        self._streams.append(stream)
        if self._is_closed.is_set():
            stream.close()
        try:
            yield from stream.batches()
        except ValueError as error:
            raise CliError(f"{path.partition('?')[0]} tells what is no JSON ({error})") from error
        finally:
            self._streams.remove(stream)

    # --- runs

    def invoke(self, function: str, payload: bytes, *, wait: bool) -> Invoked:
        """Invoke a function with an event; with `wait`, until it has answered."""
        with told(f"{function} could not be invoked"):
            return invoke(self._link.client("lambda"), function, payload, wait=wait)

    def detail(self, run: Run) -> RunDetail:
        """Return everything about a run."""
        return self._inspection.detail(run)

    def again(self, run: Run) -> str:
        """Run again with the same event; returns the id of the new run."""
        if run.kind == "job":
            return self._inspection.submit_again(run)
        about = self._inspection.event(run)
        if about.get("truncated"):
            raise CliError("its event was too large to be kept", "invoke the function with the event from a file")
        return self.invoke(run.function, str(about.get("event") or "").encode(), wait=False).id

    def stop(self, run: Run) -> str:
        """Cancel or terminate a job; returns what was done."""
        return self._inspection.stop(run)

    def story(self, uri: str) -> tuple[str, list[Step]]:
        """Return what became of an object: a sentence and its hops."""
        from hfaas_tui.location import ONEDATA, parse
        from hfaas_tui.why import tell, tell_of_space

        at = parse(uri)
        hops = self._link.emulator().hops()
        story = (tell_of_space if at.storage == ONEDATA else tell)(hops, at.bucket, at.key)
        return story.verdict, [step(hop) for hop in story.hops]

    # --- storage

    def listing(self, uri: str, *, prefix: str = "", after: str = "") -> Listing:
        """Return a page of what is right below a place or folder, names that begin with `prefix` only."""
        return self._places.listing(uri, prefix, after)

    def head(self, uri: str) -> Mapping[str, str]:
        """Return what is known of an object: size, etag, type, changed."""
        return self._places.head(uri)

    def read(self, uri: str, limit: int) -> bytes:
        """Return the first bytes of an object."""
        return self._places.read(uri, limit)

    def download(self, uri: str, target: Path, moved: Moved) -> None:
        """Copy an object into a file, which is there whole or not at all."""
        self._places.download(uri, target, moved)

    def upload(self, source: Path, uri: str, moved: Moved) -> None:
        """Copy a file to an object."""
        self._places.upload(source, uri, moved)

    def delete(self, uri: str) -> None:
        """Remove an object, or all below a folder."""
        self._places.delete(uri)

    def make_place(self, uri: str) -> None:
        """Make a bucket or a space."""
        self._places.make(uri)

    def delete_function(self, name: str) -> None:
        """Delete a function."""
        with told(f"{name} could not be deleted"):
            self._link.client("lambda").delete_function(FunctionName=name)

    def close(self) -> None:
        """End feeds and connections; whoever waits in one of them gets out."""
        self._is_closed.set()
        for stream in [*self._streams]:
            stream.close()
        self._places.close()
        self._link.close()


def line(seconds: float, function: str, request: str, level: str, text: str) -> LogLine:
    """Make a log line of what the emulator tells of one."""
    return LogLine(seconds, function, request, level, _bytes(text))


def made(told_: Sequence[Sequence[Any]]) -> list[LogLine]:
    """Make log lines of what the emulator tells of many, at half of what `line` costs for each."""
    make = LogLine._make
    try:
        return [
            make((at, function, request, level, text.encode(errors="surrogateescape")))
            for at, function, request, level, text in told_
        ]
    except UnicodeEncodeError:
        return [line(*each) for each in told_]


def _bytes(text: str) -> bytes:
    """Return what a program wrote; half a character that JSON spelt out is none, and shows as `?`."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="replace")


def _hop(document: Mapping[str, Any]) -> Hop | None:
    """Read a hop; None for one of a later version that is not known yet."""
    try:
        return Hop.load(document)
    except (TypeError, ValueError, KeyError):
        return None


def _machine(told_: Mapping[str, Any]) -> Machine:
    gpus = tuple(
        Gpu(
            int(each.get("index") or 0),
            str(each.get("name") or ""),
            float(each.get("utilisation") or 0),
            int(each.get("memory_used") or 0),
            int(each.get("memory_total") or 0),
            int(each.get("temperature") or 0),
            float(each.get("power_w") or 0),
            str(each.get("driver") or ""),
        )
        for each in told_.get("gpus", ())
    )
    figures = {name: told_.get(name) or 0 for name in ("cpu", "memory")}
    sizes = {name: int(told_.get(name) or 0) for name in ("memory_total", "disk_free", "disk_total")}
    return Machine(**figures, **sizes, gpus=gpus)
