"""What the System view shows in dialogs and writes: details of a service, the emulator's own log, GPUs, the report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfaas_tui.errors import CliError
from hfaas_tui.ui import report
from hfaas_tui.ui.filenames import free
from hfaas_tui.ui.safe import ago, clean_lines
from hfaas_tui.ui.screens.system.lines import WORDS, Service, users_of
from hfaas_tui.ui.widgets.sheet import Sheet
from hfaas_tui.units import size

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.system.view import System

TAIL = 256 << 10
"""Bytes of the emulator's own log that are read, from its end."""

LOG = "emulator.log"


class Papers:
    """Belongs to the view."""

    def __init__(self, view: System) -> None:
        self._view = view

    # --- a service

    def about(self, service: Service | None) -> None:
        """Show what there is to know of a service, or why there is none."""
        if service is None or not self._view.store.health.is_up:
            self.log()
            return
        words = [
            WORDS.get(service.name, "answers AWS's interface"),
            "",
            f"address    127.0.0.1{service.address}: only this machine reaches it",
            f"requests   {service.requests if service.requests is not None else '-'} since it was started",
            *self._since(),
        ]
        self._view.app.push_screen(Sheet(f"Service · {service.name}", words))

    def _since(self) -> Iterator[str]:
        health, status = self._view.store.health, self._view.store.health.status
        if health.since:
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(health.since))
            yield f"started    {at}, {ago(self._view.now() - health.since)}"
        for name in ("version", "pid", "state", "region", "account"):
            if name in status:
                yield f"{name:<10} {status[name]}"

    # --- the emulator's own log

    def log(self) -> None:
        """Show the end of the emulator's own log."""
        view = self._view
        file = self._file()
        if file is None:
            view.say("the log is where the emulator was started: this window looks at one that was named")
            return
        problem = view.store.health.problem
        head = [f"✗ {problem.message}", f"  {problem.hint}", ""] if problem and not view.store.health.is_up else []

        def shown(lines: list[str]) -> None:
            newest = lines[::-1]
            sheet = Sheet("The emulator's own log, newest first", [*head, *newest], name="emulator-log")
            view.app.push_screen(sheet)

        view.work("log", lambda: tail(file) or ["Nothing was written there yet."], shown)

    def _file(self) -> Path | None:
        emulation = self._view.hfaas.emulation
        return None if emulation is None else Path(emulation.state) / LOG

    # --- GPUs

    def gpu(self) -> None:
        """Show all that is known of the GPUs, or say why there is none."""
        view = self._view
        about: Mapping[str, Any] = view.store.health.status.get("gpus") or {}
        lines: list[str] = []
        for each in view.store.machine.gpus:
            lines += [
                f"{each.index}  {each.name}",
                f"   driver       {each.driver or '-'}",
                f"   utilisation  {each.utilisation:.0%}",
                f"   memory       {size(each.memory_used)} of {size(each.memory_total)}",
                f"   temperature  {each.temperature} °C    power {each.power_w:.0f} W",
                *(f"   used by      {name}" for name in users_of(each.index, view.system)),
                "",
            ]
        if not lines:
            why = str(about.get("detail") or "the emulator does not answer, so nothing is known")
            lines = [
                f"No GPU: {why}",
                "",
                "Jobs that ask for one wait. `hfaas up --gpu fallback` runs them on processors instead,",
                "`hfaas up --gpu share` lets several jobs share a GPU.",
            ]
        else:
            lines.append(f"Jobs get them {about.get('mode', 'exclusive')}; `hfaas up --gpu` changes that.")
        view.app.push_screen(Sheet("GPU", lines, name="gpu"))

    # --- the report

    def report(self, take: Callable[[str], None]) -> None:
        """Make a report without secrets and hand it over."""
        view, file = self._view, self._file()

        def made() -> str:
            return report.text(view.facts(tail(file) if file else ()))

        view.work("report", made, take)

    def save(self, text: str) -> None:
        """Write the report beside the project, under a name that nothing has."""
        view = self._view
        usual = view.hfaas.settings.folder / "hfaas-report.txt"

        def write() -> Path:
            file = free(usual, lambda path: Path(path).exists())
            try:
                with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                    out.write(text)
            except OSError as error:
                raise CliError(f"{file} cannot be written: {error.strerror}", "c copies the report") from None
            return file

        view.work("save", write, lambda file: view.say(f"saved {file}"))


def tail(file: Path) -> list[str]:
    """Return the last lines of a file, made harmless; none when it is not there."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - TAIL))
            text = log.read().decode(errors="replace")
    except OSError:
        return []
    lines = clean_lines(text.rstrip("\n")) if text.strip() else []
    return lines[1:] if len(text) >= TAIL else lines
