"""Which pipeline the Deploy view is about: found in the folder, chosen among several, named, or written anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project import project
from hfaas_tui.ui.project.project import Source
from hfaas_tui.ui.widgets.choice import Choice
from hfaas_tui.ui.widgets.confirm import Ask

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.deploy.view import Deploy


class Opening:
    """Finds and opens pipelines."""

    def __init__(self, view: Deploy) -> None:
        self._view = view

    @property
    def _folder(self) -> Path:
        return self._view.hfaas.settings.folder

    def find(self) -> None:
        """Open the pipeline of the project; ask which one where there are several."""
        settings, folder = self._view.hfaas.settings, self._folder
        if settings.is_named and settings.pipeline:
            self.open(settings.pipeline)
        else:
            self._view.work("find", lambda: project.find(folder), self._found)

    def _found(self, pipelines: list[Path]) -> None:
        if not pipelines:
            self._view.files.say_nothing_is_here()
            self._view.side.planned(None, "a pipeline comes first")
        elif len(pipelines) == 1:
            self.open(pipelines[0])
        else:
            self._choose(pipelines)

    def _choose(self, pipelines: list[Path]) -> None:
        def chosen(path: str | None) -> None:
            if path or self._view.files.pipeline is None:
                self.open(Path(path) if path else pipelines[0])

        names = [(str(path), path.name) for path in pipelines]
        self._view.app.push_screen(Choice("Which pipeline?", names), chosen)

    def open(self, path: Path) -> None:
        """Open a pipeline; its scripts and Dockerfiles follow once it is read."""
        self._view.work("open", lambda: [project.read(path)], self._opened)

    def _opened(self, sources: list[Source]) -> None:
        self._view.run_worker(self._view.opened(sources), group="deploy.files")

    def ask(self) -> None:
        """Let the user name a pipeline file, or a folder with one."""
        if unsaved := self._view.unsaved():
            self._view.say(f"{unsaved}: ^s saves", Condition.WARNING)
            return

        def typed(text: str | None) -> None:
            if text:
                self._view.work("find", lambda: project.find(Path(text).expanduser()), self._found_there)

        asked = Ask("Open a pipeline", ["A pipeline file, or a folder with one."], value=str(self._folder))
        self._view.app.push_screen(asked, typed)

    def _found_there(self, pipelines: list[Path]) -> None:
        if pipelines:
            self._found(pipelines)
        else:
            self._view.say("no pipeline there, nor in the folders above", Condition.WARNING)

    def begin(self) -> None:
        """Write a new pipeline into the project's folder and open it."""
        folder = self._folder
        self._view.work("new", lambda: project.begin(folder), self.open)
