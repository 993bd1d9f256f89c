"""Colours of lines, and text that would harm a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.ui.screen import wait_for
from textual.app import App, ComposeResult

from hfaas_tui.ui.project.project import Source
from hfaas_tui.ui.widgets import editor
from hfaas_tui.ui.widgets.editor import Editor, Mark


def colours(language: str, line: str) -> list[tuple[str, str]]:
    return [(line[start:end], tone) for start, end, tone in editor._colours(language, line)]


def test_yaml_and_bash_have_colours() -> None:
    assert ("memory", "name") in colours("yaml", "  memory: 512  # MB")
    assert ("# MB", "comment") in colours("yaml", "  memory: 512  # MB")
    assert ("for", "word") in colours("bash", "for each in *.jpg; do")


def test_long_lines_and_unknown_languages_have_none() -> None:
    assert colours("yaml", "a: " + "x" * 1000) == []
    assert colours("", "a: b") == []


class Shell(App[None]):
    def __init__(self, text: str, name: str = "pipeline.yaml") -> None:
        super().__init__()
        self.text, self.file = text, name

    def compose(self) -> ComposeResult:
        yield Editor(Source(Path(self.file), self.text, None))


def painted(app: App[None]) -> list[str]:
    lines = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


async def test_marks_stand_left_and_hints_right_of_the_line() -> None:
    app = Shell("functions:\n  memory: 1\n")
    async with app.run_test(size=(60, 5)) as pilot:
        app.query_one(Editor).mark({1: Mark("err", "128 to 10240"), 0: Mark("warn")})
        await pilot.pause()
        assert painted(app)[:2] == ["! 1  functions:", "✗ 2    memory: 1  ◀ 128 to 10240"]


async def test_a_hint_goes_where_there_is_no_room() -> None:
    app = Shell("  memory: 1" + " " * 40 + "\n")
    async with app.run_test(size=(60, 5)) as pilot:
        app.query_one(Editor).mark({0: Mark("err", "128 to 10240")})
        await pilot.pause()
        assert "◀" not in painted(app)[0]


@pytest.mark.parametrize("evil", ["a: \x1b]52;c;QUJD\x07b", "a: \x9b31mb", "a: \u202eb [/etc] [bold", "a:\tb"])
async def test_nothing_of_a_file_reaches_the_terminal_as_a_command(evil: str) -> None:
    app = Shell(evil)
    async with app.run_test(size=(60, 5)):
        assert all(char.isprintable() for line in painted(app) for char in line)
        assert app.query_one(Editor).text == evil


async def test_enter_keeps_the_indentation_of_yaml() -> None:
    app = Shell("functions:\n  aws:")
    async with app.run_test(size=(60, 8)) as pilot:
        editor = app.query_one(Editor)
        editor.focus()
        editor.go_to(1, 6)
        await pilot.press("enter", "x")
        await wait_for(pilot, lambda: editor.text == "functions:\n  aws:\n    x", "an indented line")
        assert not editor.is_modified
        editor.look()
        assert editor.is_modified
        await pilot.press("ctrl+z", "ctrl+z")
        await wait_for(pilot, lambda: editor.text == "functions:\n  aws:", "the text as it was")
