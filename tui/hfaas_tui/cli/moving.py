"""What is seen of a promotion while it goes: layers that move and lines on a terminal, lines alone elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from hfaas_tui import promotions
from hfaas_tui.clean import clean
from hfaas_tui.output import errors
from hfaas_tui.units import size

if TYPE_CHECKING:
    from hfaas_deploy.messages import LayerMoved, Message


class _Speed(ProgressColumn):
    """How fast it goes, in the units in which everything else is told."""

    def render(self, task: Task) -> Text:
        return Text(f"{size(round(task.speed))}/s" if task.speed else "")


class Moving:
    """Tells messages on standard error; `stage` is what AWS is left with when it is cut off now."""

    def __init__(self) -> None:
        self._console = errors()
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(binary_units=True),
            _Speed(),
        )
        is_shown = self._console.is_terminal
        self._bars = Progress(*columns, console=self._console, transient=True, disable=not is_shown)
        self._layers: dict[tuple[str, str], TaskID] = {}
        self.stage = "nothing on AWS has changed"

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the terminal to a question while the block runs."""
        self._bars.stop()
        try:
            yield
        finally:
            self._bars.start()

    def tell(self, message: Message) -> None:
        """Show one message."""
        from hfaas_deploy import messages

        match message:
            case messages.LayerMoved():
                self._move(message)
            case messages.ImagePushed(function):
                self._drop(function)
        self.stage = left_behind(message) or self.stage
        style = "red" if promotions.failed(message) else "dim"
        for line in promotions.lines(message):
            self._console.print(f"[{style}]{escape(clean(line))}[/]")

    def _move(self, moved: LayerMoved) -> None:
        from hfaas_deploy.messages import LayerState

        key = moved.function, moved.layer
        if moved.state in (LayerState.PUSHED, LayerState.THERE):  # a line tells of it from now on
            if key in self._layers:
                self._bars.remove_task(self._layers.pop(key))
            return
        if key not in self._layers:
            self._layers[key] = self._bars.add_task(
                clean(f"{moved.function} {moved.layer}"), total=moved.total or None
            )
        total = moved.total or None
        words = clean(f"{moved.function} {moved.layer} {moved.state.value}")
        self._bars.update(self._layers[key], completed=moved.done, total=total, description=words)

    def _drop(self, function: str) -> None:
        for key in [key for key in self._layers if key[0] == function]:
            self._bars.remove_task(self._layers.pop(key))


def left_behind(message: Message) -> str:
    """Return what AWS is left with when a promotion is cut off after a message; empty when that is as before it."""
    from hfaas_deploy import messages

    match message:
        case messages.PushStarted() | messages.ImagePushed():
            return "layers that arrived in the repositories stay and are not sent again"
        case messages.Happened(event) if event.own and event.status.endswith(("_COMPLETE", "_FAILED")):
            return f"Stack {event.resource} is {event.status}; what comes after it is not done yet"
        case messages.Happened() | messages.GoesOn():
            return "AWS goes on by itself with what it has begun"
        case messages.Purged(bucket) | messages.Emptying(bucket):
            return f"what is deleted of {bucket} is gone"
        case messages.Smoked() | messages.SmokeStarted():
            return "all is up; it is not recorded yet"
        case _:
            return ""
