"""AWS as a target: its standard APIs, asked again and again, since AWS tells nothing by itself.

What only a trace knows is not there: events are known of runs that this window began, hops of what logs tell.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfaas_tui.errors import CliError
from hfaas_tui.location import ONEDATA, Location, parse
from hfaas_tui.ui.aws import batch
from hfaas_tui.ui.aws.buckets import OURS, Buckets, place
from hfaas_tui.ui.aws.functions import Functions, Source
from hfaas_tui.ui.aws.invoking import invoke
from hfaas_tui.ui.aws.link import AwsLink, Caller, no_space
from hfaas_tui.ui.aws.polling import Polling
from hfaas_tui.ui.aws.stacks import Stacks
from hfaas_tui.ui.aws.story import tell
from hfaas_tui.ui.aws.tails import lines_of
from hfaas_tui.ui.backend import Invoked, Moved, News
from hfaas_tui.ui.model import (
    Function,
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

if TYPE_CHECKING:
    from hfaas_deploy.promote.promotion import Promoted

CHECK_S = 30.0
"""Who we are is asked for anew after this time, and at once when something failed."""

EVENTS_KEPT = 200
NO_EVENT = "AWS keeps no events: only what this window invoked can be run again"
NO_EVENT_HINT = "put its input into the bucket again, or i in Functions invokes with an event of yours"


class AwsBackend:
    """One region of an account; nothing is asked before a feed or a view does."""

    def __init__(self, profile: str = "", region: str = "", pipeline: Path | None = None) -> None:
        self._link = AwsLink(profile, region)
        self._stacks = Stacks(self._link, self._promoted)
        self._functions = Functions(self._link, pipeline, self._stacks.around, only_ours=True)
        self._buckets = Buckets(self._link)
        self._polling = Polling(self._link, self._sources)
        self._events: OrderedDict[str, bytes] = OrderedDict()
        self._deployed: dict[str, Function] = {}
        self._caller: Caller | None = None
        self._since = self._asked_at = 0.0
        self._is_doubtful = False

    @property
    def target(self) -> Target:
        account = self._caller.account if self._caller else ""
        return Target("aws", account, self._link.region, self._link.profile, self._link.stand_in)

    # --- how it is

    def health(self) -> Health:
        """Ask whether AWS accepts our credentials; never raises."""
        if self._caller is None or self._is_doubtful or time.monotonic() > self._asked_at + CHECK_S:
            try:
                self._caller = self._link.caller()
            except CliError as error:
                self._link.forget()
                self._is_doubtful = True
                return Health(problem=Problem(error.message, error.hint, self._link.is_refused(error)))
            self._is_doubtful = False
            self._asked_at = time.monotonic()
            self._since = self._since or time.time()
        return Health(is_up=True, since=self._since, status=self._status(self._caller))

    def _status(self, caller: Caller) -> dict[str, str]:
        return {"account": caller.account, "arn": caller.arn, "stand_in": self._link.stand_in}

    def machine(self) -> Machine:
        """Return zeros: there is no machine."""
        return Machine()

    def functions(self) -> list[Function]:
        """Return the functions that `hfaas` deployed."""
        with self._doubting():
            found = self._functions.all()
        self._deployed = {each.name: each for each in found}
        return found

    def _sources(self) -> Mapping[str, Source]:
        if not self._deployed:
            self.functions()
        return self._functions.sources()

    def places(self) -> list[Place]:
        """Return the buckets, those of deployed functions first; what is in them is not counted, which costs money."""
        with self._doubting("the buckets cannot be listed"):
            names = self._buckets.names()
        used = {
            uri.removeprefix("s3://").partition("/")[0]
            for each in self._deployed.values()
            for uri in (*each.inputs, *each.outputs)
            if uri.startswith("s3://")
        }
        names.sort(key=lambda name: (name.startswith(OURS), name not in used, name))
        return [Place(f"s3://{name}", note="" if name in used else "of no function here") for name in names]

    def system(self) -> Mapping[str, Any]:
        """Return Stacks with what is known of their promotions, dead letters, and queues with what runs their jobs."""
        with self._doubting():
            return self._stacks.system(self._functions.sources())

    def _promoted(self, stack: str) -> Promoted | None:
        """Return the newest record of a promotion; None when there is none, or it cannot be read."""
        from hfaas_deploy.errors import DeployError
        from hfaas_deploy.promote import record

        caller = self._caller or self._link.caller()
        with suppress(DeployError):
            return record.latest(self._link.target.within(caller.account), stack)
        return None

    # --- what happens

    def news(self) -> Iterator[News]:
        """Yield what happens, that of the last hour first; blocks; raises when a look fails."""
        with self._doubting():
            yield from self._polling.news()

    def log_lines(self) -> Iterator[list[LogLine]]:
        """Yield batches of log lines, those of the last hour first; blocks; raises when a look fails."""
        with self._doubting():
            yield from self._polling.lines()

    # --- runs

    def invoke(self, function: str, payload: bytes, *, wait: bool) -> Invoked:
        """Invoke a function with an event; with `wait`, until it has answered."""
        with self._doubting(f"{function} could not be invoked"):
            done = invoke(self._link.patient("lambda"), function, payload, wait=wait)
        self._events[done.id] = payload
        while len(self._events) > EVENTS_KEPT:
            self._events.popitem(last=False)
        self._polling.hurry(done.id, origin="invoke")
        return done

    def detail(self, run: Run) -> RunDetail:
        """Return everything about a run; of its event what this window knows."""
        steps = self._polling.reading.steps(run.id)
        if run.kind == "job":
            found = batch.detail(self._link, run)
            return RunDetail(found.run, found.event, found.environment, steps, found.lines, found.story)
        with self._doubting(run.id):
            lines = lines_of(self._link.client("logs"), run)
        function = self._deployed.get(run.function)
        event = self._events.get(run.id)
        return RunDetail(
            run,
            event.decode(errors="replace") if event is not None else "",
            function.environment if function else {},
            steps,
            lines,
            () if event is not None else (("event", NO_EVENT),),
        )

    def again(self, run: Run) -> str:
        """Run again with the same event; returns the id of the new run; CliError when the event is not known."""
        if run.kind == "job":
            made = batch.submit_again(self._link, run)
            self._polling.hurry()
            return made
        event = self._events.get(run.id)
        if event is None:
            raise CliError(NO_EVENT, NO_EVENT_HINT)
        return self.invoke(run.function, event, wait=False).id

    def stop(self, run: Run) -> str:
        """Cancel or terminate a job, or the one an invocation was delegated to; returns what was done."""
        name = run.id if run.kind == "job" else run.job
        if not name:
            raise CliError("an invocation cannot be stopped", "it ends at its time limit")
        done = batch.stop(self._link, name)
        self._polling.hurry()
        return done

    def story(self, uri: str) -> tuple[str, list[Step]]:
        """Return what became of an object, as far as S3 and the logs tell."""
        at = self._at(uri)
        with self._doubting(uri):
            about = self._buckets.head(at)
        reading = self._polling.reading
        return tell(uri, about, reading.runs(), reading.steps, self._deployed.values())

    # --- storage

    def listing(self, uri: str, *, prefix: str = "", after: str = "") -> Listing:
        """Return a page of what is right below a place or folder, names that begin with `prefix` only."""
        with self._doubting(uri):
            return self._buckets.listing(self._at(uri), prefix, after)

    def head(self, uri: str) -> Mapping[str, str]:
        """Return what is known of an object: size, etag, type, changed, and its marks."""
        with self._doubting(uri):
            return self._buckets.head(self._at(uri))

    def read(self, uri: str, limit: int) -> bytes:
        """Return the first bytes of an object."""
        with self._doubting(uri):
            return self._buckets.read(self._at(uri), limit) if limit > 0 else b""

    def download(self, uri: str, target: Path, moved: Moved) -> None:
        """Copy an object into a file, which is there whole or not at all."""
        with self._doubting(f"{uri} could not be copied to {target}"):
            self._buckets.download(self._at(uri), target, moved)

    def upload(self, source: Path, uri: str, moved: Moved) -> None:
        """Copy a file to an object."""
        with self._doubting(f"{source} could not be put at {uri}"):
            self._buckets.upload(source, self._at(uri), moved)
        self._polling.hurry()

    def delete(self, uri: str) -> None:
        """Remove an object, all below a folder, or a bucket that is empty."""
        at = self._at(uri)
        is_place = not uri.partition("://")[2].partition("/")[1]
        with self._doubting(f"{uri} could not be removed"):
            self._buckets.delete(at, is_folder=uri.endswith("/"), is_place=is_place)

    def make_place(self, uri: str) -> None:
        """Make a bucket, or a folder in one."""
        at = self._at(uri)
        with self._doubting(f"{uri} could not be made"):
            if at.key.strip("/"):
                self._buckets.make_folder(at)
            else:
                self._buckets.make(at.bucket)

    def _at(self, uri: str) -> Location:
        at = parse(uri) if uri.partition("://")[2].partition("/")[2] else place(uri)
        if at.storage == ONEDATA:
            raise no_space(uri)
        return at

    def delete_function(self, name: str) -> None:
        """Refuse: a function belongs to its Stack."""
        function = self._deployed.get(name)
        stack = function.stack if function else ""
        raise CliError(
            f"{name} belongs to the Stack {stack or 'that made it'}, which would miss it",
            f"`hfaas destroy{f' {stack}' if stack else ''}` takes the whole Stack down; or leave it out of the pipeline file and promote",
        )

    def close(self) -> None:
        """End feeds and connections; whoever waits in one of them gets out."""
        self._polling.close()
        self._link.close()

    @contextmanager
    def _doubting(self, what: str = "") -> Iterator[None]:
        """Put a failure into words, and have the next look find out whether AWS still accepts us."""
        try:
            with self._link.told(what):
                yield
        except CliError as error:
            if self._link.is_refused(error):
                self._link.forget()  # a client keeps for good what it was made with, be it no credentials at all
            self._is_doubtful = True
            raise
