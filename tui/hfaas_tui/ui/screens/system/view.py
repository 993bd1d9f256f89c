"""The machine and the emulator: services, what runs, GPUs, what the doctor finds, load, and what the UI itself costs.

backend.system() every two seconds in a worker -> services, containers, queues
doctor.examine() once in a worker, again on `r`  -> findings
store.machines(), rates of logs and events      -> load
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from hfaas_tui.doctor import Finding
from hfaas_tui.ui import actions, frame
from hfaas_tui.ui.model import Problem
from hfaas_tui.ui.report import Report
from hfaas_tui.ui.screens.system import aws as system_aws
from hfaas_tui.ui.screens.system import lines
from hfaas_tui.ui.screens.system.emulator import Switch
from hfaas_tui.ui.screens.system.lines import Service
from hfaas_tui.ui.screens.system.papers import Papers
from hfaas_tui.ui.screens.system.prune import Pruning
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.sheet import Sheet
from hfaas_tui.ui.widgets.textpane import Line, TextPane
from hfaas_tui.ui.widgets.vtable import Column, VTable

LOOK_S = 2.0
KEPT = 60
"""Seconds of rates that are shown."""

COLUMNS = (
    Column("name", "SERVICE", 14, grow=1),
    Column("state", "STATE", 9),
    Column("address", "ADDRESS", 10),
    Column("requests", "REQ", 7, prio=1, align="right"),
)
COLUMNS_AWS = (
    Column("address", "KIND", 8),
    Column("name", "NAME", 14, grow=1),
    Column("state", "STATE", 8),
)
EMPTY = ("No emulator answers.", "S  starts one", "l  shows the log of the last one")
EMPTY_AWS = ("No Stack of hfaas in this account and region.",)
LOOKING = ("Asking the emulator…",)


G_IS_GPU: list[BindingType] = [Binding("g", "screen.gpu", "GPU detail", show=False)]
"""Lists go to their first row by `g`; here `home` does."""


class Services(VTable[Service]):
    """The table."""

    BINDINGS: ClassVar[list[BindingType]] = G_IS_GPU


class Pane(TextPane):
    """What stands beside and below it."""

    BINDINGS: ClassVar[list[BindingType]] = G_IS_GPU


class System(View):
    """The eighth view."""

    NAME = "system"
    NOUN = "services"
    BINDINGS = actions.bindings("system")
    AUTO_FOCUS = "#services"
    KINDS: ClassVar[tuple[Kind, ...]] = (Kind.HEALTH, Kind.MACHINE, Kind.TARGET, Kind.PLACES, Kind.FUNCTIONS)
    DEFAULT_CSS = """
    System #top { height: 15; }
    System.-short #top { height: 8; }
    System #services { width: 50; }
    System.-narrow #services { width: 37; }
    System #engine { width: 1fr; border-left: solid $secondary; }
    System #panels { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.system: Mapping[str, Any] = {}
        self.findings: Sequence[Finding] | None = None
        self.switch = Switch(self)
        self.papers = Papers(self)
        self.pruning = Pruning(self)
        self._is_asking = False
        self._next = 0.0
        self._rates: dict[str, deque[float]] = {name: deque(maxlen=KEPT) for name in ("log lines/s", "events/s")}
        self._counted: dict[str, tuple[float, int]] = {}
        self._mark = 0
        self._painted: object = None

    def body(self) -> ComposeResult:
        with Horizontal(id="top"):
            columns = COLUMNS_AWS if self.is_aws else COLUMNS
            yield Services(columns, self._cells, lambda row: row.name, empty=LOOKING, id="services")
            yield Pane(wraps=False, id="engine")
        yield Pane(wraps=False, id="panels")

    def on_mount(self) -> None:
        super().on_mount()
        self._examine()

    @property
    def is_aws(self) -> bool:
        return self.store.target.kind == "aws"

    # --- asking

    def _examine(self) -> None:
        def call() -> list[Finding]:
            from hfaas_tui import doctor

            return doctor.examine()

        self.work("doctor", call, self._examined)

    def _examined(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.update()

    def _ask(self) -> None:
        """Ask the emulator, unless it was asked just now or does not answer."""
        if self._is_asking or not self.store.health.is_up or time.monotonic() < self._next:
            return
        self._is_asking = True
        self.work("ask", self.backend.system, self._told, self._untold)

    def _told(self, system: Mapping[str, Any]) -> None:
        self._is_asking, self._next = False, time.monotonic() + LOOK_S
        if system != self.system:
            self.system = system
            self.update()

    def _untold(self, _: Problem) -> None:  # the frame says that nothing answers
        self._is_asking, self._next = False, time.monotonic() + LOOK_S

    # --- showing

    def update(self) -> None:
        health = self.store.health
        has_spaces = any(place.uri.startswith("onedata://") for place in self.store.places())
        table = self.query_one("#services", VTable)
        table.empty = list(EMPTY if health.problem and not health.is_up else LOOKING)
        if self.is_aws:
            table.empty = list(EMPTY_AWS if health.is_up else self.gone)
            table.set_rows(system_aws.rows(self.system, health))
        else:
            table.set_rows(lines.services(self.system, health, self.store.target, has_spaces=has_spaces))
        self._paint()

    def tick(self) -> None:
        self._ask()
        self._measure()
        state = int(self.now()), self.size, self.hfaas.pulse.key_ms
        if state != self._painted:
            self._painted = state
            self._paint()

    def _measure(self) -> None:
        """Note once a second how much was logged and how much happened since."""
        self._mark, changed = self.store.runs_since(self._mark)
        self._note("events/s", len(changed))
        count = len(self.hfaas.logs)
        self._note("log lines/s", count - self._counted.get("lines", (0, count))[1])
        self._counted["lines"] = self.now(), count

    def _note(self, name: str, count: int) -> None:
        since, so_far = self._counted.get(name, (self.now(), 0))
        if (passed := self.now() - since) >= 1:
            self._rates[name].append((so_far + count) / passed)
            self._counted[name] = self.now(), 0
        else:
            self._counted[name] = since, so_far + count

    def _paint(self) -> None:
        machine, health, functions = self.store.machine, self.store.health, self.store.functions()
        pane = self.query_one("#engine", TextPane)
        if self.is_aws:
            self._paint_aws(pane)
            return
        pane.show(lines.engine(self.system, machine, health, self.now(), len(functions), pane.size.width))
        width = self.size.width
        gap: list[Line] = [] if self.has_class("-short") else [()]
        panels: list[Line] = [
            _rule("GPU", width),
            *lines.gpus(machine, health, self.system, is_wide=width >= frame.WIDE),
            *gap,
            _rule("DOCTOR", width),
            *lines.doctor(self.findings),
            *gap,
            _rule("LOAD", width),
            *lines.load(self.store.machines(), self._rates, self.hfaas.pulse.words(), width),
        ]
        self.query_one("#panels", TextPane).show(panels)

    def _paint_aws(self, pane: TextPane) -> None:
        health, target, width = self.store.health, self.store.target, self.size.width
        pane.show(system_aws.account(health, target, len(self.store.functions())))
        gap: list[Line] = [] if self.has_class("-short") else [()]
        panels: list[Line] = [
            _rule("STACKS", width),
            *system_aws.stacks(self.system, self.now()),
            *gap,
            _rule("QUEUES", width),
            *system_aws.queues(self.system),
            *gap,
            _rule("LOAD", width),
            *system_aws.load({name: list(rates) for name, rates in self._rates.items()}, self.hfaas.pulse.words()),
        ]
        self.query_one("#panels", TextPane).show(panels)

    def _cells(self, row: Service, column: str) -> tuple[str, str]:
        match column:
            case "name":
                return row.name, ""
            case "state":
                bad = ("! look", "warn") if self.is_aws else ("✗ gone", "err")
                return ("✓ up", "ok") if row.is_up else bad
            case "address":
                return row.address, "dim"
            case _:
                return f"{row.requests:,}" if row.requests is not None else "-", ""

    def focus_main(self) -> None:
        self.query_one("#services").focus()

    # --- keys

    def on_vtable_opened(self, event: VTable.Opened) -> None:
        event.stop()
        self._about(event.row)

    def action_open(self) -> None:
        self._about(self.query_one("#services", VTable).selected)

    def _about(self, row: Service | None) -> None:
        if not self.is_aws:
            self.papers.about(row)
        elif row is not None:
            self.app.push_screen(Sheet(f"{row.address} · {row.name}", system_aws.about(row, self.system)))

    def action_refresh(self) -> None:
        """Look at everything again."""
        self.findings, self._next = None, 0.0
        self.hfaas.feeds.hurry()
        self._examine()
        self.update()

    def action_start_stop(self) -> None:
        self.switch.turn()

    def action_logs(self) -> None:
        self.papers.log()

    def action_gpu(self) -> None:
        self.papers.gpu()

    def action_prune(self) -> None:
        self.pruning.begin()

    def action_copy(self) -> None:
        self.papers.report(lambda text: self.hfaas.copy(text, "a report without secrets"))

    def action_export(self) -> None:
        self.papers.report(self.papers.save)

    def facts(self, log: Sequence[str]) -> Report:
        """Return what a report is made of."""
        return Report(
            now=self.now(),
            target=self.store.target,
            health=self.store.health,
            machine=self.store.machine,
            system=self.system,
            findings=self.findings or (),
            functions=self.store.functions(),
            runs=self.store.runs(),
            messages=self.store.messages(),
            log=log,
            pulse=self.hfaas.pulse.words(),
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"start_stop", "prune", "logs", "gpu"} and self.store.target.is_live:
            return False
        return super().check_action(action, parameters)


def _rule(name: str, width: int) -> Line:
    return (Part(f"─ {name} " + "─" * max(0, width - len(name) - 3), "head"),)
