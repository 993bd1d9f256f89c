"""What the Deploy view does with the disk: saving, $EDITOR, and files that somebody else writes meanwhile."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project import project
from hfaas_tui.ui.project.checking import Check
from hfaas_tui.ui.project.project import Source, Stamp
from hfaas_tui.ui.project.watching import Watch
from hfaas_tui.ui.widgets.confirm import Confirm
from hfaas_tui.ui.widgets.editor import Editor

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.deploy.view import Deploy

Then = Callable[[], None]


class Disk:
    """Saves and watches the files of the view."""

    def __init__(self, view: Deploy) -> None:
        self._view = view
        self._watch = Watch()
        self._listed: tuple[Path, ...] = ()
        self._asked: dict[Path, Source] = {}

    def close(self) -> None:
        self._watch.close()

    def forget(self) -> None:
        """Open anew whatever the next pipeline names."""
        self._listed = ()

    # --- saving

    def save(self, then: Then, *, force: bool = False) -> None:
        """Save all files that were changed, then go on; asks when somebody else wrote one of them."""
        wanted = [(each.path, each.text, each.stamp) for each in self._view.files.modified]
        if self._view.hfaas.is_read_only or not wanted:
            then()
            return

        def write() -> tuple[list[str], list[Source]]:
            others = [path.name for path, _, stamp in wanted if Stamp.of(path) != stamp]
            if others and not force:
                return others, []
            return [], [self._written(path, text) for path, text, _ in wanted]

        self._view.work("save", write, lambda done: self._saved(*done, then), exclusive=False)

    def _written(self, path: Path, text: str) -> Source:
        source = project.save(path, text)
        self._watch.knows(path, source.stamp)  # at once: the next look is not to take it for somebody else's
        return source

    def _saved(self, others: list[str], saved: list[Source], then: Then) -> None:
        for source in saved:
            if editor := self._view.files.of(source.path):
                editor.saved(source)
        self._view.files.refresh_tabs()
        if others:
            self._ask_overwrite(others, then)
        else:
            then()

    def _ask_overwrite(self, names: list[str], then: Then) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self.save(then, force=True)

        lines = [f"{', '.join(names)} was changed on disk since it was opened.", "Your text would replace that."]
        self._view.app.push_screen(Confirm("Changed on disk", lines, yes="Overwrite"), answered)

    # --- what others write

    def sync(self, check: Check) -> None:
        """Open what the pipeline names, and watch all of it."""
        pipeline = check.pipeline
        if pipeline is None:
            return

        known = {each.path: each.stamp for each in self._view.files.editors}

        def look() -> list[Source]:
            paths = project.files(pipeline)
            parts = project.parts(pipeline)
            self._watch.look_at([*parts, *(path for path in paths if path not in parts)], known)
            return [] if tuple(paths) == self._listed else list(_read(paths))

        def looked(sources: list[Source]) -> None:
            if sources:
                self._listed = tuple(each.path for each in sources)
                view.run_worker(view.files.open(sources, read_only=view.hfaas.is_read_only), group="deploy.files")

        view = self._view
        view.work("files", look, looked)

    def look(self) -> None:
        """Take up what changed on disk; called at each poll."""
        changed = self._watch.taken()
        if not changed:
            return
        edited = [editor for path in changed if (editor := self._view.files.of(path))]
        if edited:
            paths = [each.path for each in edited]
            self._view.work("reload", lambda: list(_read(paths)), self._reload, exclusive=False)
        else:
            self._view.planning.soon()
        for each in edited:
            each.look()
        if self._view.running.is_hot and not any(each.is_modified for each in edited):
            self._view.running.redeploy()

    def _reload(self, sources: list[Source]) -> None:
        for source in sources:
            editor = self._view.files.of(source.path)
            if editor is None or editor.stamp == source.stamp:
                continue
            editor.look()  # what was typed just now may not have been told yet
            if editor.is_modified and editor.text != source.text:
                self._ask_reload(editor, source)
            else:
                editor.take(source)
                self._view.say(f"{source.path.name} was changed on disk: this is the new text")
        self._view.check_soon(0)

    def _ask_reload(self, editor: Editor, source: Source) -> None:
        """Ask once for each file; the answer is about how it was found last."""
        is_asked = editor.path in self._asked
        self._asked[editor.path] = source
        if is_asked:
            return

        def answered(yes: bool | None) -> None:
            source = self._asked.pop(editor.path)
            if yes:
                editor.take(source)
                self._view.check_soon(0)
            else:
                editor.stamp = source.stamp  # the next save is meant to replace it

        lines = [f"{source.path.name} was changed on disk, and you have changes that are not saved."]
        question = Confirm("Changed on disk", [*lines, "Loading it drops your changes."], yes="Load it")
        self._view.app.push_screen(question, answered)

    # --- $EDITOR

    def edit_outside(self, path: Path) -> None:
        """Open a file in the user's own editor; the UI sleeps meanwhile."""
        command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _usual_editor()
        if not command:
            self._view.say("no editor: set $EDITOR", Condition.WARNING)
            return
        try:
            with self._view.app.suspend():
                subprocess.run([*shlex.split(command), str(path)], check=False)
        except SuspendNotSupported:
            self._view.say("$EDITOR needs a terminal of its own: not here", Condition.WARNING)
        except (OSError, ValueError) as error:
            self._view.say(f"{command} cannot be started: {error}", Condition.FAILED)
        self._watch.knows(path, Stamp.of(path))  # what follows takes it up
        self._view.app.refresh(layout=True)
        self._view.work("reload", lambda: list(_read([path])), self._reload, exclusive=False)
        if self._view.running.is_hot:
            self._view.running.redeploy()


def _read(paths: list[Path]) -> list[Source]:
    """Read what can be read; a binary script has no tab."""
    found = []
    for path in paths:
        try:
            found.append(project.read(path))
        except CliError:
            continue
    return found


def _usual_editor() -> str:
    return next((name for name in ("nano", "vi") if shutil.which(name)), "")
