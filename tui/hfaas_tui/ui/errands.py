"""Calls in threads whose results come back on the event loop; what goes wrong in one is told and ends nothing.

call fails with CliError -> `failed`, else a toast; any other failure is a defect of ours: a toast and a file besides
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from textual.worker import Worker, get_current_worker

from hfaas_tui.errors import CliError
from hfaas_tui.ui import crash
from hfaas_tui.ui.model import Problem
from hfaas_tui.ui.safe import clean

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from hfaas_tui.ui.app import HfaasApp

Value = TypeVar("Value")


def send(
    owner: DOMNode,
    app: HfaasApp,
    group: str,
    call: Callable[[], Value],
    then: Callable[[Value], None],
    failed: Callable[[Problem], None] | None = None,
    *,
    exclusive: bool = True,
) -> Worker[None]:
    """Make a call in a thread and hand its result to `then`, unless the owner is gone by then.

    A newer call of the same group makes the result of the older one unwanted.
    """

    def run() -> None:
        try:
            value = call()
        except CliError as error:
            _hand_over(owner, app, failed or app.report, Problem(error.message, error.hint))
        except Exception as error:  # noqa: BLE001 - a defect of one call ends the call, not the UI
            problem = app.defects.note(error)
            _hand_over(owner, app, app.report, problem)
            if failed is not None:
                _hand_over(owner, app, failed, problem)
        else:
            _hand_over(owner, app, then, value)

    return owner.run_worker(run, group=group, thread=True, exclusive=exclusive, exit_on_error=False)


def is_there(owner: DOMNode) -> bool:
    """Tell whether a screen is there and stays; the widgets of one that goes leave one after the other."""
    return owner.is_attached and owner.display


def _hand_over(owner: DOMNode, app: HfaasApp, take: Callable[[Any], None], value: object) -> None:
    """Have the event loop take a value; nothing happens when nobody is there for it any more."""
    worker = get_current_worker()

    def arrive() -> None:
        if worker.is_cancelled or not (owner is app or is_there(owner)):
            return
        try:
            take(value)
        except Exception as error:  # noqa: BLE001 - as above
            app.report(app.defects.note(error))

    try:
        if not worker.is_cancelled:
            app.call_from_thread(arrive)
    except (RuntimeError, CancelledError):  # the app ended meanwhile
        return


class Defects:
    """What went wrong that never should: written to files, once for each place in the code."""

    def __init__(self) -> None:
        self.met: list[BaseException] = []
        self._files: dict[tuple[object, ...], Path | None] = {}

    def note(self, error: BaseException) -> Problem:
        """Write a defect down and say it in words."""
        self.met.append(error)
        del self.met[:-100]
        place = _place(error)
        if place not in self._files:
            self._files[place] = crash.write(error)
        file = self._files[place]
        said = crash.redacted(clean(str(error).partition("\n")[0], 200))
        return Problem(f"unexpected: {type(error).__name__}: {said}", f"details in {file}" if file else "")

    def is_known(self, error: BaseException) -> bool:
        """Tell whether it was noted before."""
        return _place(error) in self._files


def _place(error: BaseException) -> tuple[object, ...]:
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    return type(error), last and (last.filename, last.lineno)
