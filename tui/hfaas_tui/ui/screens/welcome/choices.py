"""What can be begun with: what each choice writes and starts, and doing it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project import project
from hfaas_tui.ui.screens.system.emulator import Switch
from hfaas_tui.ui.screens.welcome.tour import Tour
from hfaas_tui.ui.widgets.confirm import Confirm
from hfaas_tui.ui.widgets.picker import Picker

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.welcome.view import Welcome

SAMPLE = "video"
COPY = "hfaas-video"
"""The folder that the sample is copied to."""

CLIP = "clip.avi"
CHOICES = (
    ("Start from a sample", "video → frames → people found in them", "video → frames → people"),
    ("Open a folder or a pipeline", "a pipeline file that is there already", "a pipeline that is there"),
    ("New empty function", "any container image plus your shell script", "any image plus your script"),
    ("Look at AWS first", "read only", "read only"),
    ("Take the 60-second tour", "keys, views, how logs and storage work", "keys, views, logs, storage"),
)


class Choices:
    """Belongs to the view."""

    def __init__(self, view: Welcome) -> None:
        self._view = view
        self._switch = Switch(view)

    @property
    def folder(self) -> Path:
        """Return where a project would be."""
        return self._view.hfaas.settings.folder.absolute()

    # --- what a choice does

    def consequences(self, number: int) -> Iterator[tuple[str, str]]:
        """Yield what a choice writes, starts and runs."""
        match number:
            case 0:
                yield "writes", f"./{COPY}/  pipeline.yaml, its scripts and its Dockerfile, {CLIP}"
                yield "starts", self._starts()
                yield "builds", "nothing until you deploy (F2)"
                yield "runs", "nothing until you put a file in (5, then i)"
            case 1:
                yield "writes", "nothing"
                yield "starts", self._starts()
                yield "opens", "6 Deploy with the pipeline you choose"
            case 2:
                yield "writes", "./pipeline.yaml and ./script.sh: a function that copies its input"
                yield "starts", self._starts()
                yield "opens", "6 Deploy with the new pipeline"
            case 3:
                profile = os.environ.get("AWS_PROFILE") or "default"
                yield "writes", "nothing"
                yield "asks", f"AWS only once you connect in 7 Promote, profile {profile}"
                yield "costs", "nothing: reading is free, a promotion says what it costs before it begins"
            case _:
                yield "writes", "nothing"
                yield "shows", "five pages, esc leaves"

    def _starts(self) -> str:
        if self._view.hfaas.emulation is None:
            return "nothing: this window looks at an emulator that was named"
        if self._view.store.health.is_up:
            return "nothing: the emulator runs already"
        return "the emulator on 127.0.0.1: only this machine can reach it"

    # --- doing it

    def begin(self, number: int) -> None:
        """Do what was chosen."""
        view = self._view
        if number in {0, 2} and view.hfaas.is_read_only:
            view.say("read only: start without --read-only to write files", Condition.WARNING)
            return
        match number:
            case 0:
                self._sample()
            case 1:
                picker = Picker("Open a pipeline: ⏎ takes a file, ^s a folder", self.folder)
                view.app.push_screen(picker, self._picked)
            case 2:
                folder = self.folder
                view.work("begin", lambda: project.begin(folder), self._opened)
            case 3:
                view.hfaas.go("promote")
            case _:
                view.app.push_screen(Tour())

    def _sample(self) -> None:
        target = self.folder / COPY
        if (file := target / project.USUAL).is_file():
            lines = [f"{target} is there already: it is opened as it is, nothing is written."]
            asked = Confirm("Open the sample's copy?", lines, yes="Open it", harmless=True)
            self._view.app.push_screen(asked, lambda answer: self._opened(file) if answer else None)
            return
        self._view.say(f"copying the sample to ./{COPY}…", Condition.QUEUED)
        self._view.work("sample", lambda: copy_sample(target), self._copied)

    def _copied(self, copied: tuple[Path, str]) -> None:
        file, note = copied
        if note:
            self._view.say(note, Condition.WARNING)
        self._opened(file)

    def _picked(self, paths: list[Path] | None) -> None:
        if paths:
            is_file = paths[0].is_file()
            self._view.work("open", lambda: _found(paths[0]), lambda file: self._opened(file, is_named=is_file))

    def _opened(self, file: Path, *, is_named: bool = False) -> None:
        """Make the pipeline's folder the project, start the emulator and show the file."""
        app = self._view.hfaas
        app.settings = replace(app.settings, folder=file.parent, pipeline=file)
        if not app.is_read_only and not self._view.store.health.is_up:
            self._switch.start()
        is_known = is_named or app.is_screen_installed("view-deploy")  # else it looks into the folder, and asks
        app.go("deploy", str(file) if is_known else "")


def _found(path: Path) -> Path:
    """Return the pipeline that a file or folder is; CliError."""
    is_one = path.is_dir() or path.suffix in project.SUFFIXES
    found = project.find(path) if is_one else []
    if not found:
        raise CliError(f"no pipeline in {path.name}", "it is a YAML file with `functions:`; 3 writes a new one")
    return found[0]


def copy_sample(target: Path) -> tuple[Path, str]:
    """Copy the sample and draw its clip; returns the pipeline, and what did not work. CliError."""
    from hfaas_tui.demonstration import samples

    try:
        if target.exists():
            raise CliError(f"{target} is there, and no pipeline in it", "move it away, or begin in another folder")
        shutil.copytree(samples() / SAMPLE, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    except OSError as error:
        raise CliError(f"{target} cannot be written: {error.strerror or error}", "choose another folder") from error
    drawn = subprocess.run(
        [sys.executable, str(target / "clip.py"), str(target / CLIP)], capture_output=True, check=False
    )
    note = f"{CLIP} could not be drawn: put in a film of your own" if drawn.returncode else ""
    return target / project.USUAL, note
