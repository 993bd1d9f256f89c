"""The 60-second tour: five pages on keys, views, runs, storage, and the way to AWS."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import Line, TextPane

Page = tuple[str, tuple[tuple[str, str], ...]]

PAGES: tuple[Page, ...] = (
    (
        "Where you are",
        (
            ("", "The first row says it: LOCAL is the emulator on this machine,"),
            ("", "AWS LIVE costs money. Nothing goes there unasked."),
            ("1…8", "the eight views; a click on a tab does the same"),
            ("?", "the keys of the view, and what its signs mean"),
            (":", "go to what you name:  :logs darknet  :s3 bucket/prefix"),
            ("^p", "all commands by name"),
        ),
    ),
    (
        "Functions and how they run",
        (
            ("6", "write the pipeline, errors and plan beside it; F2 deploys"),
            ("i", "invoke a function with an event or a file"),
            ("3", "every invocation and job; ⏎ shows its event, lines and hops"),
            ("a", "run again with the same event"),
            ("", "Out of time or memory, or with a GPU: the event goes on to Batch."),
        ),
    ),
    (
        "Logs",
        (
            ("2", "the lines of all functions and jobs as they come"),
            ("/", "filter: a word, or a regex; F marks instead of hiding"),
            ("s", "follow the end, or stay where you read"),
            ("v R", "from which level on, only this request"),
            ("^s", "save what is shown"),
        ),
    ),
    (
        "Storage and the pipeline",
        (
            ("4", "buckets and spaces: u uploads, ^s saves, e tells its story"),
            ("5", "how functions and places hang together, with live figures"),
            ("i", "there: put a file in, and watch"),
            ("t", "trace the last object through all functions"),
        ),
    ),
    (
        "This machine, and AWS",
        (
            ("8", "the emulator: S starts and stops it, l is its log, g GPUs"),
            ("7", "promote: what AWS would be asked to make, and its price"),
            ("D", "deletes, and always asks; on AWS you type the name"),
            ("q", "quits; buckets, functions and logs are there next time"),
        ),
    ),
)


class Tour(ModalScreen[None]):
    """One page at a time."""

    DEFAULT_CSS = """
    Tour { align: center middle; }
    Tour > Vertical { width: 92; max-width: 96%; height: 15; padding: 1 2; border: round $primary;
                      background: $surface; border-title-style: bold; border-subtitle-color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,down,j,space,enter,n", "turn(1)", "Next page"),
        Binding("left,up,k,backspace,h", "turn(-1)", "Page before"),
        Binding("escape,q", "leave", "Leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._page = 0

    def compose(self) -> ComposeResult:
        with Vertical():
            pane = TextPane()
            pane.can_focus = False
            yield pane

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        title, lines = PAGES[self._page]
        box = self.query_one(Vertical)
        box.border_title = f"{title}  {self._page + 1} of {len(PAGES)}"
        is_last = self._page == len(PAGES) - 1
        box.border_subtitle = f"← back  {'⏎ done' if is_last else '→ ⏎ next'}  esc leave"
        shown: list[Line] = []
        for key, text in lines:
            shown += [(Part(f"{key:>6}  ", "key"), Part(text)) if key else (Part(text),), ()]
        self.query_one(TextPane).show(shown, from_top=True)

    def action_turn(self, by: int) -> None:
        page = self._page + by
        if page >= len(PAGES):
            self.dismiss()
        elif page >= 0:
            self._page = page
            self._show()

    def action_leave(self) -> None:
        self.dismiss()
