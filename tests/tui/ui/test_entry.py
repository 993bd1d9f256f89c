"""`hfaas-tui` itself: its arguments, its terminal, what a defect leaves."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hfaas_emulator.state import running
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.rehearsal import Options
from hfaas_tui.ui import __main__ as entry
from hfaas_tui.ui import actions, crash
from hfaas_tui.ui.emulator.emulation import Emulation
from hfaas_tui.ui.options import VIEWS, parse

RESTORED = b"\x1b[?1049l"


class Terminal:
    """The UI on a terminal of its own."""

    def __init__(self, *arguments: str, cwd: Path, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        self.child = subprocess.Popen(
            [sys.executable, "-m", "hfaas_tui.ui", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "PYTHONUTF8": "1",
                "HOME": str(cwd),
                "XDG_STATE_HOME": str(cwd / ".local/state"),
                **environment,
            },
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = b""

    def until(self, text: bytes, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown[-2000:]
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._ours, 65536)
                except OSError:  # its other end is closed
                    assert text in self.shown, self.shown[-2000:]

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self._ours)


def test_every_view_can_be_the_first_one() -> None:
    assert (*actions.VIEWS, *actions.OTHERS) == VIEWS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nonsense"], "unrecognized"),
        (["/nowhere/at/all"], "does not exist"),
        (["--endpoint", "127.0.0.1:4566"], "no emulator's address"),
        (["--demo", "--replay", "x"], "do not go together"),
        (["--replay", "x", "--record", "y"], "do not go together"),
        (["--speed", "-1"], "must not be negative"),
        (["--view", "nonsense"], "there is no view nonsense"),
    ],
)
def test_wrong_arguments_are_said_and_end_it_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(arguments) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert "hint: " in told.err or said == "must not be negative"
    assert told.out == ""


def test_without_a_terminal_it_says_what_scripts_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([]) == 2
    assert "draws on a terminal" in capsys.readouterr().err


def test_the_keys_are_listed_on_plain_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--keys"]) == 0
    assert '"functions.invoke"' in capsys.readouterr().out


def test_the_project_is_the_nearest_above(tmp_path: Path) -> None:
    (tmp_path / ".hfaas").mkdir()
    (tmp_path / "pipeline.yaml").write_text("functions: {}\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert entry._project(parse([str(below)])) == (tmp_path, tmp_path / "pipeline.yaml", tmp_path / ".hfaas")
    assert entry._project(parse([str(below), "--state", "x"]))[2] == Path("x")


def test_it_says_something_at_once_comes_up_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text("functions: {}\n")
    terminal = Terminal(cwd=tmp_path)
    try:
        terminal.until(entry.SPLASH.encode())
        terminal.until(b"LOCAL")
        terminal.press(b"q")
        terminal.until(RESTORED)
        assert terminal.child.wait(60) == 0
    finally:
        terminal.close()


def test_a_recording_that_cannot_be_read_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    terminal = Terminal("--replay", "missing", cwd=tmp_path)
    try:
        terminal.until(b"cannot be read")
        assert terminal.child.wait(60) == 2
        assert terminal.shown.index(RESTORED) < terminal.shown.index(b"cannot be read")
    finally:
        terminal.close()


def test_a_defect_leaves_one_line_and_a_file_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = "A" * 40
    try:
        raise ValueError(f"token={token} \x1b]0;x\x07 in {Path.home()}/project")
    except ValueError as error:
        assert crash.report(error, tmp_path / "crashes") == 1
    (file,) = (tmp_path / "crashes").iterdir()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(file) in said
    text = file.read_text()
    assert "test_entry.py" in text
    assert not any(each in text + said for each in (token, "\x1b", str(Path.home()) + "/project"))
    assert file.stat().st_mode & 0o077 == 0


def test_a_defect_in_the_ui_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text("functions: {}\n")
    (tmp_path / "sitecustomize.py").write_text(
        "from hfaas_tui.ui.screens.logs import view as logs\nlogs.Logs = None\n"
    )
    terminal = Terminal("--view", "logs", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    try:
        terminal.until(b"was ended by a defect")
        assert terminal.child.wait(60) == 1
        assert b"locals" not in terminal.shown
        assert len(list((tmp_path / ".local/state/hfaas/crashes").iterdir())) == 1
    finally:
        terminal.close()


def test_the_emulator_of_the_ui_is_started_found_and_ends_with_it(tmp_path: Path) -> None:
    ours, other = (Emulation(Options(tmp_path / "state", engine="process")) for _ in range(2))
    started = ours.start()
    assert other.start() == started
    assert (ours.is_ours, other.is_ours) == (True, False)
    other.close()
    assert running(tmp_path / "state")
    ours.close()
    assert running(tmp_path / "state") is None
    with pytest.raises(CliError, match="no emulator runs"):
        ours.stop()


def test_arguments_know_nothing_of_the_terminal() -> None:
    with pytest.raises(UsageError):
        parse(["--theme"])
