"""What there is to know of one run of the emulator, and what can be done about it; and of the emulator itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from hfaas_tui.errors import CliError
from hfaas_tui.ui.aws import batch
from hfaas_tui.ui.aws.failures import told
from hfaas_tui.ui.aws.functions import hidden
from hfaas_tui.ui.aws.tails import lines_of
from hfaas_tui.ui.emulator.link import Link
from hfaas_tui.ui.emulator.reduction import Reduction
from hfaas_tui.ui.model import Run, RunDetail


class Inspection:
    """Asks Batch, CloudWatch Logs and the emulator's own interface."""

    def __init__(self, link: Link, reduction: Reduction) -> None:
        self._link = link
        self._reduction = reduction

    # --- one run

    def detail(self, run: Run) -> RunDetail:
        """Return everything about a run; what cannot be had is left out."""
        steps = self._reduction.steps(run.id)
        if run.kind == "job":
            return replace(batch.detail(self._link, run), steps=steps)
        try:
            about = self.event(run)
        except CliError:
            about = {}
        with told(run.id):
            lines = lines_of(self._link.client("logs"), run)
        return RunDetail(run, str(about.get("event") or ""), hidden(about.get("environment") or {}), steps, lines)

    def event(self, run: Run) -> dict[str, Any]:
        """Return what the emulator keeps of an invocation; CliError when that is nothing."""
        return self._link.document(f"/_hfaas/invocations/{quote(run.id, safe='')}")

    # --- doing something about it

    def stop(self, run: Run) -> str:
        """Cancel or terminate a job, or the one an invocation was delegated to; CliError for any other."""
        name = run.id if run.kind == "job" else run.job
        if not name:
            raise CliError("an invocation cannot be stopped", "it ends at its time limit, on AWS too")
        return batch.stop(self._link, name)

    def submit_again(self, run: Run) -> str:
        """Submit a job like another one; returns its id."""
        return batch.submit_again(self._link, run)

    # --- the emulator

    def system(self) -> Mapping[str, Any]:
        """Return status, with `services`, `queues`, `load` (the machine), `containers` and `requests` besides."""
        status = self._link.document("/_hfaas/status")
        services = self._link.document("/_localstack/health").get("services", {})
        try:
            load = self._link.document("/_hfaas/machine")
        except CliError:
            load = {}
        with told("the queues cannot be listed"):
            queues = batch.queues(self._link.client("batch"))
        return {
            **status,
            "services": services,
            "load": load,
            "containers": load.get("containers", []),
            "requests": load.get("requests", {}),
            "queues": queues,
        }
