"""`hfaas-tui` as its daily user has it, in a terminal: the installed program in tmux, keys in, screens out."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from hfaas_emulator.state import running

PATIENCE_S = 120
PIPELINE = """\
hfaas: {stack: texts}
functions:
  aws:
  - lambda:
      name: upper
      init_script: upper.sh
      container: {image: not-used}
      input: [{storage_provider: s3, path: texts/in}]
      output: [{storage_provider: s3, path: texts/loud}]
  - lambda:
      name: count
      init_script: count.sh
      container: {image: not-used}
      input: [{storage_provider: s3, path: texts/loud}]
      output: [{storage_provider: s3, path: texts/out}]
"""
UPPER = """\
#!/bin/sh
tr a-z A-Z <"$INPUT_FILE_PATH" >"$TMP_OUTPUT_DIR/$(basename "$INPUT_FILE_PATH")"
"""
COUNT = """\
#!/bin/sh
wc -w <"$INPUT_FILE_PATH" >"$TMP_OUTPUT_DIR/$(basename "$INPUT_FILE_PATH")"
echo "counted $(basename "$INPUT_FILE_PATH")"
"""
BROKEN = "#!/bin/sh\necho 'no words today' >&2; exit 3\n"
"""Typed at the beginning of a script; the first line that was there is a comment then."""


@pytest.fixture
def tmux() -> str:
    """The path of tmux; HFAAS_REQUIRE_TMUX=1 makes a missing one a failure."""
    found = shutil.which("tmux")
    if found is None:
        if os.environ.get("HFAAS_REQUIRE_TMUX") == "1":
            pytest.fail("HFAAS_REQUIRE_TMUX=1, but there is no tmux; install Debian's package")
        pytest.skip("there is no tmux on this machine")
    return found


@dataclass
class Terminal:
    """A terminal with the program in it; what is waited for is looked for on its screen."""

    tmux: str
    server: str
    settings: Path

    def run(self, *arguments: str) -> str:
        command = [self.tmux, "-L", self.server, "-f", str(self.settings), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout

    def start(self, command: str, folder: Path) -> None:
        self.settings.write_text("set -g status off\nset -g default-size 120x36\n")
        self.run("new-session", "-d", "-s", "it", "-x", "120", "-y", "36", "-c", str(folder), command)

    @property
    def screen(self) -> str:
        return self.run("capture-pane", "-p", "-t", "it")

    @property
    def is_open(self) -> bool:
        return bool(self.run("list-sessions"))

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names of them."""
        self.run("send-keys", "-t", "it", *keys)

    def type(self, text: str) -> None:
        self.run("send-keys", "-t", "it", "-l", text)

    def see(self, pattern: str) -> str:
        """Wait until a pattern is on the screen; returns the screen."""
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, screen := self.screen):
            assert time.monotonic() < deadline, f"no {pattern!r} within {PATIENCE_S} s:\n{screen}"
            time.sleep(0.02)  # tmux tells nobody when a screen changes
        return screen

    def view(self, number: int, name: str) -> None:
        self.press(str(number))
        self.see(rf"\[{number} {name}\]")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in (("pipeline.yaml", PIPELINE), ("upper.sh", UPPER), ("count.sh", COUNT)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text(f"{name} file with words")
    return tmp_path


@pytest.fixture
def terminal(tmux: str, project: Path) -> Iterator[Terminal]:
    """The program on the project, without Docker: functions run as processes."""
    made = Terminal(tmux, f"hfaas-test-{os.getpid()}-{project.name[-24:]}", project / "tmux.conf")
    environment = {
        "HOME": str(project / "home"),
        "DOCKER_HOST": "unix:///nonexistent",
        "TERM": "screen-256color",
        "TEXTUAL_ANIMATIONS": "none",
    }
    settings = [f"{name}={shlex.quote(value)}" for name, value in environment.items()]
    unset = ("AWS_ENDPOINT_URL", "COLUMNS", "LINES", "NO_COLOR", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
    program = shlex.quote(str(Path(sys.executable).parent / "hfaas-tui"))
    made.start(" ".join(["exec", "env", *(f"-u {name}" for name in unset), *settings, program]), project)
    made.see("No functions|No emulator answers")
    yield made
    made.run("kill-server")
    if (left := running(project / ".hfaas")) is not None:
        with suppress(ProcessLookupError):
            os.kill(left.pid, signal.SIGKILL)


def start_emulator(terminal: Terminal) -> None:
    terminal.view(8, "System")
    terminal.press("S")
    terminal.see(r"LOCAL emulator 127\.0\.0\.1:\d+ .*jobs \d")


def deploy(terminal: Terminal) -> None:
    terminal.see(r"\A(?![\s\S]*texts: deployed)")  # what was said of the deploy before is gone
    terminal.press("F2")
    terminal.see("texts: deployed")
    terminal.press("Escape")
    terminal.see(r"\[1 Functions\]|\[3 Runs\]")


def upload(terminal: Terminal, name: str) -> None:
    terminal.view(4, "Storage")
    if "s3://texts/in/ " not in terminal.screen:
        terminal.press(":")
        terminal.see(r"\n : ")
        terminal.type("s3 texts/in/")
        terminal.see(": s3 texts/in/")
        terminal.press("Enter")
        terminal.see("s3://texts/in/ ")
    terminal.press("u")
    terminal.see("Upload into s3://texts/in/")
    terminal.type(name)
    terminal.see(rf"▸ {name} ")
    terminal.press("Enter")
    terminal.see(rf"↑ {name} .*✓ ok")


@pytest.mark.slow
def test_a_day_from_the_first_deploy_over_a_failure_to_green(terminal: Terminal, project: Path) -> None:
    start_emulator(terminal)
    terminal.view(6, "Deploy")
    terminal.see(r"\+ function +upper")
    deploy(terminal)

    upload(terminal, "one.txt")
    terminal.view(3, "Runs")
    terminal.see("ok 2 ")
    terminal.press("g", "l")
    terminal.see("counted one.txt")
    terminal.press("Escape")
    terminal.see(r"\[3 Runs\]")

    terminal.view(6, "Deploy")
    terminal.see("pipeline.yaml")
    terminal.press("F9", "F9")
    terminal.see(r"\[count.sh\]")
    for line in BROKEN.splitlines():
        terminal.type(line)
        terminal.press("Enter")
    terminal.see(r"\[count.sh ●modified\]")
    deploy(terminal)
    assert (project / "count.sh").read_text() == BROKEN + COUNT

    upload(terminal, "two.txt")
    terminal.view(3, "Runs")
    terminal.see(r"! retry .*count")
    terminal.press("g", "Enter")
    terminal.see("failed, tried again · exit 3")
    terminal.see("no words today")
    for tab, told in (("Event", "loud/two.txt"), ("Environment", "AWS_REGION"), ("Trace", "script.ended .*exit 3")):
        terminal.press("]")
        terminal.see(rf"\[{tab}\]")
        terminal.see(told)

    terminal.press("e")
    terminal.see(r"\[6 Deploy\](.*\n)+.*\[pipeline.yaml\]")
    terminal.press("F9", "F9")
    terminal.see(r"\[count.sh\]")
    terminal.press(*["BSpace"] * len(BROKEN))
    terminal.see(r"\[count.sh ●modified\]")
    deploy(terminal)
    assert (project / "count.sh").read_text() == COUNT
    terminal.view(3, "Runs")
    terminal.press("a")
    terminal.see("count runs again as")
    terminal.see(r"Run \w+ · count · ✓ ok")


@pytest.mark.slow
def test_an_emulator_that_is_killed_is_missed_and_found_again_and_none_is_left(
    terminal: Terminal, project: Path
) -> None:
    start_emulator(terminal)
    terminal.view(6, "Deploy")
    terminal.see(r"\+ function +upper")
    deploy(terminal)
    upload(terminal, "one.txt")
    terminal.view(3, "Runs")
    terminal.see("ok 2 ")
    first = running(project / ".hfaas")
    assert first is not None

    os.kill(first.pid, signal.SIGKILL)
    screen = terminal.see("✗ no answer")
    assert "✓ ok" in screen
    start_emulator(terminal)
    terminal.view(1, "Functions")
    terminal.see("✓ ready +upper")
    upload(terminal, "two.txt")
    terminal.view(3, "Runs")
    terminal.see("ok 4 ")
    second = running(project / ".hfaas")
    assert second is not None

    terminal.press("q")
    deadline = time.monotonic() + PATIENCE_S
    while terminal.is_open:
        assert time.monotonic() < deadline, terminal.screen
        time.sleep(0.02)
    assert running(project / ".hfaas") is None
    with pytest.raises(ProcessLookupError):
        os.kill(second.pid, 0)
