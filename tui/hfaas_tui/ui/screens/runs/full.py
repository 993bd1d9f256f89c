"""Everything about one run, over the whole body of the Runs view, a tab for each kind of it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.runlines import Scene
from hfaas_tui.ui.widgets.runtabs import TABS
from hfaas_tui.ui.widgets.textpane import TextPane


class RunFull(Vertical):
    """The full detail; hidden while there is the list."""

    DEFAULT_CSS = """
    RunFull { height: 1fr; display: none; }
    RunFull > ChromeLine { background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._tab = 0
        self._scene: Scene | None = None

    def compose(self) -> ComposeResult:
        yield ChromeLine(id="run-tabs")
        yield TextPane(id="run-text")

    def show(self, scene: Scene) -> None:
        """Show a run, or what is new of it."""
        is_other = self._scene is None or self._scene.run.id != scene.run.id
        self._scene = scene
        self._paint(from_top=is_other)

    def step(self, by: int) -> None:
        """Go to the next tab."""
        self.open_tab((self._tab + by) % len(TABS))

    def open_tab(self, number: int) -> None:
        self._tab = number
        self._paint(from_top=True)

    def focus_text(self) -> None:
        self.query_one(TextPane).focus()

    def _paint(self, *, from_top: bool = False) -> None:
        if (scene := self._scene) is None:
            return
        self.query_one(ChromeLine).show(self._tabs(), [Part("esc back ", "dim", "app.back")])
        self.query_one(TextPane).show(TABS[self._tab][2](scene), from_top=from_top)

    def _tabs(self) -> list[Part]:
        parts = [Part(" ")]
        for at, (_, title, _) in enumerate(TABS):
            is_here = at == self._tab
            text = f"[{title}]" if is_here else f" {title} "
            parts.append(Part(text, "active" if is_here else "", f"screen.run_tab({at})"))
        return parts
