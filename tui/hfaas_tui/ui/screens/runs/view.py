"""Invocations and jobs in one list, with bars on an axis of time; what the keys of the view do."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on

from hfaas_tui.ui import actions
from hfaas_tui.ui.model import Condition, Run
from hfaas_tui.ui.screens.runs.full import RunFull
from hfaas_tui.ui.screens.runs.listing import RunList
from hfaas_tui.ui.widgets import runexport
from hfaas_tui.ui.widgets.choice import Choice
from hfaas_tui.ui.widgets.confirm import Confirm
from hfaas_tui.ui.widgets.runcounts import RANGES
from hfaas_tui.ui.widgets.runlines import short
from hfaas_tui.ui.widgets.runtable import TABS
from hfaas_tui.ui.widgets.vtable import VTable

OF_THE_LIST = {"open", "mark", "filter", "range", "zoom"}
"""Actions that mean nothing while one run takes the whole body."""


class Runs(RunList):
    NAME = "runs"
    BINDINGS = actions.bindings("runs")

    # --- the list and the full detail

    @on(VTable.Opened)
    def _opened(self, event: VTable.Opened) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """Show everything about the run under the cursor."""
        if self.run is not None:
            self._set_full(is_full=True)

    def step_back(self) -> bool:
        if self.is_full:
            self._set_full(is_full=False)
            return True
        if self.has_class("-zoomed"):
            self.action_zoom()
            return True
        return False

    def _set_full(self, *, is_full: bool) -> None:
        self.set_class(is_full, "-full")
        self.paint()
        self.call_after_refresh(self.focus_main)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.is_full and action in OF_THE_LIST:
            return False
        return super().check_action(action, parameters)

    def action_zoom(self) -> None:
        self.toggle_class("-zoomed")

    def action_previous_tab(self) -> None:
        self._step_tab(-1)

    def action_next_tab(self) -> None:
        self._step_tab(1)

    def _step_tab(self, by: int) -> None:
        if self.is_full:
            self.query_one(RunFull).step(by)
        else:
            self.action_tab(TABS[(TABS.index(self.tab) + by) % len(TABS)])

    def action_run_tab(self, number: int) -> None:
        self.query_one(RunFull).open_tab(number)

    def action_range(self) -> None:
        """Ask how far to look back."""
        values = [(name, words) for name, (words, _) in RANGES.items()]
        self.app.push_screen(Choice("Runs of", values, self.range), lambda name: self.set_range(name or ""))

    def action_mark(self) -> None:
        self.table.action_mark()

    # --- going elsewhere

    def action_logs(self) -> None:
        if self.run is not None:
            self.hfaas.go("logs", self.run.id)

    def action_edit(self) -> None:
        if self.run is not None:
            self.hfaas.go("deploy", self.run.function)

    def action_output(self) -> None:
        """Open what the run wrote; asks which when it is more than one thing."""
        if self.run is None:
            return
        outputs = self.run.outputs
        if not outputs:
            self.say(f"Run {short(self.run.id)} wrote no object that we saw", Condition.WARNING)
        elif len(outputs) == 1:
            self.hfaas.go("storage", outputs[0])
        else:
            self.app.push_screen(Choice("Output of", [(uri, uri) for uri in outputs]), self._go_to_object)

    def _go_to_object(self, uri: str | None) -> None:
        if uri:
            self.hfaas.go("storage", uri)

    def action_input(self) -> None:
        """Open the object whose event the run answered."""
        if self.run is None:
            return
        if "://" in self.run.origin:
            self.hfaas.go("storage", self.run.origin)
        else:
            self.say(f"Run {short(self.run.id)} was not caused by an object", Condition.WARNING)

    def action_other_leg(self) -> None:
        """Go to the job that carries on an invocation, or back."""
        legs = scene.legs if (scene := self.scene()) is not None else ()
        if legs:
            self.await_run(legs[0].id)
        elif self.run is not None:
            self.say(f"Run {short(self.run.id)} was not handed over: it has one leg", Condition.WARNING)

    def action_leg(self, id: str) -> None:
        self.await_run(id)

    def action_copy(self) -> None:
        """Copy the ids of what is marked, or of the run under the cursor."""
        ids = [run.id for run in self.table.marked]
        if ids:
            self.hfaas.copy("\n".join(ids), ids[0] if len(ids) == 1 else f"{len(ids)} ids")

    # --- changing something

    def action_again(self) -> None:
        """Run again with the same event; asks first when that is more than one run, or costs money."""
        runs = self.table.marked
        if not runs:
            return
        if len(runs) == 1 and not self.store.target.is_live:
            self._run_again(runs)
            return
        lines = [*_named(runs), "", f"Invoked again on {self._place()}, with the same event."]
        self.app.push_screen(
            Confirm(f"Again: {_counted(runs, 'run')}", lines, yes="Run again"),
            lambda yes: self._run_again(runs) if yes else None,
        )

    def _run_again(self, runs: Sequence[Run]) -> None:
        backend = self.backend
        self.work("again", lambda: [(run, backend.again(run)) for run in runs], self._ran_again, exclusive=False)

    def _ran_again(self, done: Sequence[tuple[Run, str]]) -> None:
        old, new = done[-1]
        more = f", and {len(done) - 1} more" if len(done) > 1 else ""
        words = f"{old.function} runs again as {short(new)}{more}: the cursor goes there"
        self.hfaas.say(words, link=("runs", new))
        self.hfaas.feeds.hurry()
        self.await_run(new, old.id if len(done) == 1 else "")

    def action_stop(self) -> None:
        """End jobs; says why that is no use for what is no job or is over."""
        runs = self.table.marked
        known = (run if run.kind == "job" else self.store.run(run.job) for run in runs)
        jobs = [job for job in known if job is not None and not job.is_over]
        if not jobs:
            if runs:
                self.say(self._why_no_stop(runs[0]), Condition.WARNING)
            return
        waiting = sum(run.started is None for run in jobs)
        does = "Cancel" if waiting == len(jobs) else "Terminate" if not waiting else "Stop"
        live = self.store.target.is_live
        lost = " What a running job has not uploaded is lost." if waiting < len(jobs) else ""
        lines = [*_named(jobs), "", f"On {self._place()}.{lost}"]
        phrase = (jobs[0].function if len(jobs) == 1 else f"stop {len(jobs)} jobs") if live else ""
        self.app.push_screen(
            Confirm(f"{does} {_counted(jobs, 'job')}", lines, yes=does, phrase=phrase, danger=live),
            lambda yes: self._stop(jobs) if yes else None,
        )

    def _why_no_stop(self, run: Run) -> str:
        if run.is_over:
            return f"Run {short(run.id)} is over"
        function = self.store.function(run.function)
        limit = f" of {function.timeout_s} s" if function and function.timeout_s else ""
        return f"Lambda has no stop: run {short(run.id)} ends by itself, at the latest at its timeout{limit}"

    def _stop(self, jobs: Sequence[Run]) -> None:
        backend = self.backend
        self.work("stop", lambda: [(run, backend.stop(run)) for run in jobs], self._stopped, exclusive=False)

    def _stopped(self, done: Sequence[tuple[Run, str]]) -> None:
        job, told = done[0]
        more = f", and {len(done) - 1} more" if len(done) > 1 else ""
        self.say(f"Job {short(job.id)} {told}{more}")
        self.hfaas.feeds.hurry()

    def _place(self) -> str:
        target = self.store.target
        return f"{target.kind.upper()} LIVE {target.shown}" if target.is_live else "the local emulator"

    # --- exporting

    def action_export(self) -> None:
        """Write the marked runs, all that are shown, or everything about the one that fills the body, to a file."""
        folder, now, scene = self.hfaas.settings.folder, self.now(), self.scene()
        if self.is_full and scene is not None:
            detail = scene.detail
            self.work(
                "export", lambda: (runexport.save([runexport.of_detail(detail)], folder, now), 1), self._saved
            )
            return
        runs = self.table.marked if self.table.marks else list(self.table.shown)
        if runs:
            self.work(
                "export",
                lambda: (runexport.save([runexport.of_run(run) for run in runs], folder, now), len(runs)),
                self._saved,
            )

    def _saved(self, done: tuple[object, int]) -> None:
        path, count = done
        self.say(f"{count} run{'s' * (count != 1)} saved to {path}")


def _counted(runs: Sequence[Run], noun: str) -> str:
    return f"{noun} {short(runs[0].id)}" if len(runs) == 1 else f"{len(runs)} {noun}s"


def _named(runs: Sequence[Run]) -> list[str]:
    """Name the first runs, and say how many more there are."""
    named = [f"{short(run.id)}  {run.function}  {run.where}" for run in runs[:5]]
    return named + ([f"and {len(runs) - 5} more"] if len(runs) > 5 else [])
