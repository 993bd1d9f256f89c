"""One run of a pipeline, offline: an emulator of its own, deploy, inputs in, wait, outputs out.

    run -> rehearsal (child process) -> deploy -> upload -> wait until idle -> logs of failures -> download

It does not wait for jobs that can never start: when nothing else is pending, they are told and the rest is brought back.

Nothing here prints; `Progress` is told what happens, `Outcome` says what it came to.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from hfaas_deploy.pipeline import Entry, Pipeline, StorePath
from hfaas_tui import local, storages, transfer
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.location import ONEDATA, S3, Location
from hfaas_tui.rehearsal import Options, rehearsal
from hfaas_tui.summary import Summary
from hfaas_tui.tally import Failure, Tally
from hfaas_tui.watch import PROJECT_STATE, Emulator

RETRY_DELAY_S = 1
"""Seconds before the first retry of a failed event, twice as long before the second; AWS waits one and two minutes."""

STORAGES = (S3, ONEDATA)
"""Where inputs can be put, and outputs fetched from, in a rehearsal."""

LOOK_S = 0.25
WAITS_TOLD = 3

ENOUGH_LINES = 10_000
"""Of a function that failed at nothing but left no output: why, stands at the beginning."""


class Progress(Protocol):
    """Is told how a run goes."""

    def say(self, text: str) -> None:
        """Take one line of news."""

    def show(self, tallies: Sequence[Tally]) -> None:
        """Take how far each function is; called several times a second."""


@dataclass(frozen=True, slots=True)
class Given:
    """An input for the entries of one storage only."""

    path: Path
    storage: str

    @classmethod
    def parse(cls, text: str) -> Path | Given:
        """Read `FILE`, or `onedata:FILE` and `s3:FILE` for one storage."""
        storage, divider, path = text.partition(":")
        return cls(Path(path), storage) if divider and storage in STORAGES and path else Path(text)


@dataclass(frozen=True, slots=True)
class Order:
    """What to run on which files; `state` None means a temporary one that is removed afterwards."""

    pipeline: Pipeline
    inputs: tuple[Path | Given, ...]
    output: Path
    engine: str = "auto"
    concurrency: int | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 3600
    state: Path | None = None
    retry_delay_s: float = RETRY_DELAY_S
    gpu: str = "exclusive"
    scale_down: bool = False


@dataclass(frozen=True, slots=True)
class Stuck:
    """A job that nobody but the user can help."""

    function: str
    job: str
    reason: str
    hint: str

    def to_json(self) -> dict[str, str]:
        return {"function": self.function, "job": self.job, "reason": self.reason, "hint": self.hint}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; `logs` maps each failure's invocation to its saved log, or functions when all was in vain."""

    engine: Mapping[str, Any]
    tallies: tuple[Tally, ...]
    failures: tuple[Failure, ...]
    problems: tuple[str, ...]
    outputs: tuple[Path, ...]
    logs: Mapping[str, Path]
    seconds: float
    stuck: tuple[Stuck, ...] = ()
    watchers: tuple[Tally, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether everything went through."""
        return not (self.failures or self.problems or self.stuck)

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "engine": dict(self.engine),
            "seconds": round(self.seconds, 3),
            "functions": [tally.to_json() for tally in self.tallies],
            "onetrigger": [tally.to_json() for tally in self.watchers],
            "failures": [
                {**failure.to_json(), "log": str(self.logs.get(failure.invocation, ""))}
                for failure in self.failures
            ],
            "problems": list(self.problems),
            "stuck": [job.to_json() for job in self.stuck],
            "outputs": [str(path) for path in self.outputs],
        }


def run(order: Order, progress: Progress) -> Outcome:
    """Run a pipeline on its inputs; what cannot be read or written is refused before anything starts."""
    started = time.monotonic()
    uploads = plan_inputs(order.pipeline, order.inputs)
    _writable(order.output)
    local.warm(order.engine)
    with _state(order) as state, rehearsal(_options(order, state)) as emulator:
        engine = emulator.status()["engine"]
        progress.say(f"LOCAL emulator at {emulator.endpoint}, engine {engine['name']}: {engine['detail']}")
        deployed = local.bring_up(order.pipeline, emulator, order.build_args, progress.say)
        summary, stuck = _drive(emulator, uploads, order, progress)
        logs = {each.invocation: _save_log(emulator, each, order.output) for each in summary.failures()}
        outputs = _fetch(emulator, order)
        if not (outputs or logs or stuck):
            silent = [*summary.watchers(), *summary.tallies()]
            logs = {each.function: _save_whole_log(emulator, each, order.output) for each in silent}
        if summary.tallies() and not (summary.failures() or summary.problems or stuck):
            local.remember(deployed, emulator, summary.images, progress.say)
    return Outcome(
        engine,
        tuple(summary.tallies()),
        tuple(summary.failures()),
        tuple(summary.problems),
        tuple(outputs),
        logs,
        time.monotonic() - started,
        tuple(stuck),
        tuple(summary.watchers()),
    )


def _options(order: Order, state: Path) -> Options:
    """How its emulator is started; what is discarded with the state are not the project's file systems."""
    mounts = any(function.file_systems for function in order.pipeline.functions)
    return Options(
        state,
        0,
        order.engine,
        order.concurrency,
        order.retry_delay_s,
        discard=order.state is None,
        gpu=order.gpu,
        scale_down=order.scale_down,
        file_systems=PROJECT_STATE / "file-systems" if mounts and order.state is None else None,
    )


def plan_inputs(pipeline: Pipeline, inputs: Sequence[Path | Given]) -> list[transfer.Upload]:
    """Pair each file with the folders it goes into; UsageError for a file that no function takes."""
    entries = [entry for entry in pipeline.entry() if entry.input.kind in STORAGES and _is_own(entry.input)]
    if inputs and not entries:
        raise UsageError(
            "no function of this pipeline reads a bucket or a space, so there is nowhere to put the input",
            "give a function an `input` of storage_provider s3, or call `hfaas invoke`",
        )
    if entries and not inputs and all(function.inputs for function in pipeline.functions):
        raise UsageError(
            f"{entries[0].function.name} waits for files in {_folder(entries[0].input)} and none is given",
            "name files or folders with --input",
        )
    uploads: dict[transfer.Upload, None] = {}
    for each in inputs:
        given = each if isinstance(each, Given) else Given(each, "")
        wanted = [entry for entry in entries if given.storage in ("", entry.input.kind)]
        uploads.update(dict.fromkeys(_uploads(given, wanted)))
    return list(uploads)


def _uploads(given: Given, entries: Sequence[Entry]) -> Iterator[transfer.Upload]:
    """Yield where the files of one input go."""
    for each in transfer.plan_uploads([given.path], Location("", "")):
        takers = [entry for entry in entries if _takes(entry, each.to.key)]
        if not takers:
            said = f" in {given.storage}" if given.storage else ""
            raise UsageError(f"{each.file}: no function takes it{said}", _wanted(entries))
        for taker in takers:
            folder = _folder(taker.input)
            yield transfer.Upload(each.file, replace(folder, key=folder.key + each.to.key))


def _is_own(path: StorePath) -> bool:
    """Tell whether the emulator plays that storage: its S3, and every Oneprovider."""
    return path.provider == S3 or path.kind == ONEDATA


def _folder(path: StorePath) -> Location:
    name = path.bucket.partition("@")[0]  # Onedata's clients may write a space as name@id
    return Location(name if path.kind == ONEDATA else path.bucket, path.folder, path.kind)


def _takes(entry: Entry, name: str) -> bool:
    return not entry.input.suffix or name.endswith(entry.input.suffix)


def _wanted(entries: Sequence[Entry]) -> str:
    takes = (f"{each.function.name} takes {', '.join(each.input.suffix) or 'anything'}" for each in entries)
    return "; ".join(takes) or "its entries are in another storage"


def _writable(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        reason = "it is a file" if output.is_file() else error.strerror
        raise UsageError(f"--output {output}: {reason}", "choose a folder that can be written") from error


@contextmanager
def _state(order: Order) -> Iterator[Path]:
    if order.state:
        yield order.state
        return
    with tempfile.TemporaryDirectory(prefix="hfaas-run-", ignore_cleanup_errors=True) as place:
        yield Path(place)


def _drive(
    emulator: Emulator, uploads: Sequence[transfer.Upload], order: Order, progress: Progress
) -> tuple[Summary, list[Stuck]]:
    progress.say(f"{len(uploads)} input{'s' * (len(uploads) != 1)} in")
    _put(emulator, uploads)
    if not uploads:
        _invoke_entries(emulator, order.pipeline)
    summary = Summary()
    deadline = time.monotonic() + order.timeout_s
    seen = 0
    stuck: list[Stuck] = []
    while True:
        idle = emulator.idle(LOOK_S)
        hops = emulator.hops(seen)
        seen = hops[-1].seq if hops else seen
        summary.feed(hops)
        progress.show(summary.tallies())
        before, stuck = stuck, find_stuck(idle["pending"], summary)
        if idle["idle"] or (stuck and stuck == before):  # the second look: nothing was about to change
            return summary, stuck
        if time.monotonic() > deadline:
            waiting = _waiting(idle["pending"])
            raise CliError(
                f"not finished after {order.timeout_s:.0f} s; waiting for: {waiting}", "give more --timeout"
            )


def find_stuck(pending: Sequence[Mapping[str, str]], summary: Summary) -> list[Stuck]:
    """Return the jobs that will never start, when nothing is pending that does not wait for them."""
    if not pending or any(each["kind"] != "job" for each in pending):
        return []
    stuck = summary.stuck(each["id"] for each in pending)
    return [Stuck(leg.function, leg.parent, leg.reason, _help(leg.reason)) for leg in stuck]


def _help(reason: str) -> str:
    """Say what `hfaas run` can do about a job that will never start."""
    if "--gpu fallback" in reason:
        return "add --gpu fallback to run it on CPU"
    if "this machine has" in reason or "--scale-down" in reason:
        return "add --scale-down to run it with less"
    return ""


def _waiting(pending: Sequence[Mapping[str, str]]) -> str:
    jobs_last = sorted(pending, key=lambda each: each["kind"] == "job")
    told = "; ".join(("job " if each["kind"] == "job" else "") + each["what"] for each in jobs_last[:WAITS_TOLD])
    left = len(pending) - WAITS_TOLD
    return f"{told}; and {left} more" if left > 0 else told


def _invoke_entries(emulator: Emulator, pipeline: Pipeline) -> None:
    """A pipeline without files to read is set going by an empty event to each function that none feeds."""
    fed = {each.function.name for each in pipeline.entry()}
    client = transfer.client(emulator.endpoint, "lambda")
    for function in pipeline.functions:
        if not function.inputs or (function.name in fed and not function.triggers):
            client.invoke(FunctionName=function.name, InvocationType="Event", Payload=b"{}")


def _save_log(emulator: Emulator, failure: Failure, output: Path) -> Path:
    target = output / "logs" / f"{failure.function}-{failure.invocation}.log"
    return _written(target, local.log_of(emulator, failure))


def _save_whole_log(emulator: Emulator, tally: Tally, output: Path) -> Path:
    """Keep what a function said that left nothing else."""
    lines = local.log_of_group(emulator, f"/aws/lambda/{tally.function}", most=ENOUGH_LINES)
    return _written(output / "logs" / f"{tally.function}.log", lines)


def _written(target: Path, lines: Sequence[str]) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines) + "\n")
    return target


def _put(emulator: Emulator, uploads: Sequence[transfer.Upload]) -> None:
    """Copy the inputs, one storage after the other."""
    for storage in STORAGES:
        chosen = [each for each in uploads if each.to.storage == storage]
        if chosen:
            with storages.opened(emulator, chosen[0].to) as opened:
                transfer.upload(opened, chosen)


def _fetch(emulator: Emulator, order: Order) -> list[Path]:
    """Bring what leaves the pipeline back; with several output folders each gets one of its own."""
    results = [result.output for result in order.pipeline.final_outputs() if _is_own(result.output)]
    places = list(dict.fromkeys(map(_folder, results)))
    written = []
    for place in places:
        target = order.output if len(places) == 1 else order.output / place.bucket / place.key
        with storages.opened(emulator, place) as storage:
            written += transfer.download(storage, storage.listing(place), target)
    return written
