"""A recorded session: `hfaas-tui --record FILE` writes one, `--replay FILE` plays it at the pace it had.

A record is a line of JSON: `t` seconds since the recording began, `kind` (target, hop, log, functions, places), `data`.
Times inside are moved, so that what is played seems to happen now.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NoReturn

from hfaas_emulator.trace import Hop
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.ui.backend import Invoked, Moved, News
from hfaas_tui.ui.emulator.local_backend import line
from hfaas_tui.ui.emulator.reduction import Reduction
from hfaas_tui.ui.model import (
    Condition,
    Function,
    Health,
    Listing,
    LogLine,
    Machine,
    Place,
    Run,
    RunDetail,
    Step,
    Target,
)

BEAT_S = 0.05
"""What happened within this time is one batch."""

MS_FIELDS = ("started", "stopped")
LINES = 200
LATEST = 1e12
"""Numbers in a file are below this: times, sizes and amounts that can be shown."""

REFUSED = "a recording is shown: nothing can be changed"
REFUSED_HINT = "start hfaas-tui without --replay"


class Recorder:
    """Writes down what comes; called from several threads."""

    def __init__(self, file: Path) -> None:
        try:
            self._file = file.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}") from error
        self._began = time.time()
        self._last: dict[str, Any] = {}
        self._lock = threading.Lock()
        self("target", {"time": self._began})

    def __call__(self, kind: str, data: Any) -> None:
        """Take one thing; what is as it was is left out."""
        plain = [_plain(each) for each in data] if kind in {"functions", "places"} else data
        with self._lock:
            if self._file.closed or (kind in {"functions", "places"} and self._last.get(kind) == plain):
                return
            self._last[kind] = plain if kind in {"functions", "places"} else None
            record = {"t": round(time.time() - self._began, 3), "kind": kind, "data": plain}
            self._file.write(json.dumps(record, separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Write the rest."""
        with self._lock:
            self._file.close()


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a recording."""

    t: float
    kind: str
    data: Any


def read(file: Path) -> list[Record]:
    """Read a recording; UsageError for what is none. Its last line may be torn: whoever wrote it may have been killed."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"{file} cannot be read: {reason}") from error
    records = []
    for number, text in enumerate(lines, 1):
        try:
            found = json.loads(text)
            records.append(Record(float(found["t"]), str(found["kind"]), found["data"]))
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines) and records:
                break
            hint = "`hfaas-tui --record FILE` writes one"
            raise UsageError(f"{file} is no recording: line {number} is not one of it", hint) from error
    if not records:
        raise UsageError(f"{file} is empty", "`hfaas-tui --record FILE` writes a recording")
    return records


class ReplayBackend:
    """Plays a recording; `speed` 2 is twice as fast, 0 at once."""

    def __init__(self, file: Path, speed: float = 1) -> None:
        self._records = read(file)
        self._speed = speed
        self._began = time.time()
        target: Mapping[str, Any] = next((each.data for each in self._records if each.kind == "target"), {})
        self._recorded = float(target.get("time") or self._began)
        self._shown = self._began if speed else self._began - max(each.t for each in self._records)
        self._target = Target("local", f"replay of {file.name}", "us-east-1")
        self._reduction = Reduction()
        self._is_closed = threading.Event()

    @property
    def target(self) -> Target:
        return self._target

    def health(self) -> Health:
        """Say that it is there, and that it is a recording."""
        status = {"engine": {"name": "replay", "runs_images": True}, "endpoint": self._target.place}
        return Health(is_up=True, since=self._began, status=status)

    def machine(self) -> Machine:
        """Say nothing of the machine: this is not the one that was recorded."""
        return Machine()

    def functions(self) -> list[Function]:
        """Return the functions as they were at this point."""
        return [_made(Function, each) for each in self._latest("functions")]

    def places(self) -> list[Place]:
        """Return the places as they were at this point."""
        return [_made(Place, each) for each in self._latest("places")]

    def _latest(self, kind: str) -> list[dict[str, Any]]:
        now = (time.time() - self._began) * self._speed if self._speed else float("inf")
        found: list[dict[str, Any]] = []
        for record in self._records:
            if record.kind == kind and (record.t <= now or not found):
                found = record.data
        return found

    def _played(self, kind: str) -> Iterator[list[Any]]:
        """Yield what was recorded of a kind when its time has come; then wait to be closed."""
        batch: list[Any] = []
        due = 0.0
        for record in (each for each in self._records if each.kind == kind):
            if batch and record.t - due > BEAT_S:
                yield batch
                batch = []
            if not batch:
                due = record.t
                if self._speed and self._is_closed.wait(max(0, self._began + due / self._speed - time.time())):
                    return
            batch.append(record.data)
        if batch:
            yield batch
        self._is_closed.wait()

    def news(self) -> Iterator[News]:
        """Yield what happened, at its pace."""
        for documents in self._played("hop"):
            yield self._reduction.take(self._hops(documents))

    def _moment(self, recorded: float) -> float:
        """Return when something seems to happen: as much sooner as this is faster, but what was before as it was."""
        after = recorded - self._recorded
        moment = self._shown + (after / self._speed if self._speed and after > 0 else after)
        return min(max(moment, 0), LATEST)

    def _hops(self, documents: Iterable[Mapping[str, Any]]) -> list[Hop]:
        """Read hops; those of a later version, or of none, are passed over."""
        hops = []
        for each in documents:
            with contextlib.suppress(TypeError, ValueError, KeyError):
                hops.append(Hop.load(self._hop(each)))
        return hops

    def _hop(self, document: Mapping[str, Any]) -> dict[str, Any]:
        detail = {**document["detail"]}
        for name in MS_FIELDS:
            if isinstance(detail.get(name), int | float):
                detail[name] = self._moment(detail[name] / 1000) * 1000
        return {**document, "time": self._moment(document["time"]), "detail": detail}

    def log_lines(self) -> Iterator[list[LogLine]]:
        """Yield the lines, at their pace."""
        for batches in self._played("log"):
            yield [line(self._moment(each[0]), *each[1:]) for batch in batches for each in batch]

    def detail(self, run: Run) -> RunDetail:
        """Return what was recorded of a run: its steps and its lines."""
        mine = {run.id, f"job:{run.id}"}
        lines = [
            each[4] for record in self._records if record.kind == "log" for each in record.data if each[2] in mine
        ]
        return RunDetail(run, steps=self._reduction.steps(run.id), lines=tuple(lines[-LINES:]))

    def story(self, uri: str) -> tuple[str, list[Step]]:
        """Return what was recorded of an object."""
        from hfaas_tui.location import ONEDATA, parse
        from hfaas_tui.ui.emulator.steps import step
        from hfaas_tui.why import tell, tell_of_space

        at = parse(uri)
        hops = self._hops(each.data for each in self._records if each.kind == "hop")
        story = (tell_of_space if at.storage == ONEDATA else tell)(hops, at.bucket, at.key)
        return story.verdict, [step(hop) for hop in story.hops]

    def system(self) -> Mapping[str, Any]:
        """Return what `health` says."""
        return self.health().status

    def listing(self, uri: str, *, prefix: str = "", after: str = "") -> Listing:  # noqa: ARG002
        """Return nothing: objects are not recorded."""
        return Listing(uri)

    def head(self, uri: str) -> Mapping[str, str]:  # noqa: ARG002
        raise CliError("a recording has no objects", REFUSED_HINT)

    def read(self, uri: str, limit: int) -> bytes:  # noqa: ARG002
        raise CliError("a recording has no objects", REFUSED_HINT)

    def download(self, uri: str, target: Path, moved: Moved) -> None:  # noqa: ARG002
        raise CliError("a recording has no objects", REFUSED_HINT)

    def invoke(self, function: str, payload: bytes, *, wait: bool) -> Invoked:  # noqa: ARG002
        _refuse()

    def again(self, run: Run) -> str:  # noqa: ARG002
        _refuse()

    def stop(self, run: Run) -> str:  # noqa: ARG002
        _refuse()

    def upload(self, source: Path, uri: str, moved: Moved) -> None:  # noqa: ARG002
        _refuse()

    def delete(self, uri: str) -> None:  # noqa: ARG002
        _refuse()

    def make_place(self, uri: str) -> None:  # noqa: ARG002
        _refuse()

    def delete_function(self, name: str) -> None:  # noqa: ARG002
        _refuse()

    def close(self) -> None:
        """End whoever waits."""
        self._is_closed.set()


def _refuse() -> NoReturn:
    raise CliError(REFUSED, REFUSED_HINT)


def _plain(value: Function | Place) -> dict[str, Any]:
    if isinstance(value, Function):
        environment = dict(value.environment)
        return {**asdict(replace(value, environment={})), "environment": environment, "state": value.state.value}
    return asdict(value)


def _fits(value: Any, field: Field[Any]) -> bool:
    """Tell whether a value of a file is of the kind that stands in a field."""
    if field.default_factory is not MISSING:
        return isinstance(value, dict) and all(isinstance(word, str) for word in value.values())
    match field.default:
        case int() | float() | None:
            return (value is None and field.default is None) or (
                isinstance(value, int | float) and abs(value) < LATEST
            )
        case tuple():
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
        case Condition():
            return isinstance(value, str) and value in set(Condition)
        case _:
            return isinstance(value, str)


def _made(kind: type[Any], document: Mapping[str, Any]) -> Any:
    """Make a value of what `_plain` wrote; keys of a later version are passed over."""
    known = {each.name: each for each in fields(kind)}
    values: dict[str, Any] = {
        name: tuple(each) if isinstance(each, list) else each
        for name, each in document.items()
        if name in known and _fits(each, known[name])
    }
    if "state" in values:
        values["state"] = Condition(values["state"])
    return kind(**values)
