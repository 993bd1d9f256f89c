"""Whatever a command is given, the answer is a sentence and an exit code, and nothing that a terminal would obey."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from hfaas_tui.cli import execute

PIPELINE = """\
functions:
  aws:
  - lambda:
      name: f
      init_script: a.sh
      container: {image: x}
      input: [{storage_provider: s3, path: films/in}]
"""
HUGE = "9" * 400
NAMES = ("", "\x1b[31mx\x07", "é\u202e\n", "../..", "folder", "none", "binary", "-1", HUGE, "loop", "x" * 5000)
FILES = (*NAMES, "broken.yaml", "empty.yaml", "list.yaml")
PLACES = ("", "s3://", "s3:///k", "onedata://", "s3:/b", "\x1b[31m", HUGE)
FILED = (
    ("check",),
    ("template",),
    ("deploy",),
    ("rm",),
    ("image", "build"),
    ("run", "-o", "out"),
    ("plan",),
    ("promote",),
    ("destroy",),
    ("cost",),
)
NAMED = (
    ("invoke",),
    ("logs",),
    ("logs", "--job"),
    ("job",),
    ("cancel",),
    ("url",),
    ("why",),
    ("ls",),
    ("get",),
    ("put", "a.sh"),
    ("space", "ls"),
    ("space", "rm"),
    ("space", "token"),
    ("space", "revoke", "x"),
    ("space", "create"),
    ("completion",),
    ("nonsense",),
    ("space", "nonsense"),
)
OPTIONS = (
    ("convert", "broken.yaml", "-o"),
    ("check", "--defaults"),
    ("run", "-o"),
    ("run", "-o", "out", "--timeout"),
    ("run", "-o", "out", "-i"),
    ("run", "-o", "out", "--concurrency"),
    ("status", "--state"),
    ("down", "--state"),
    ("invoke", "f", "--data"),
    ("logs", "f", "--since"),
    ("cost", "--runs"),
    ("up", "--port"),
    ("ls", "--endpoint"),
    ("status", "--endpoint"),
    ("ls", "--target"),
    ("ls", "--target", "aws", "--region"),
    ("plan", "--region"),
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pipeline and with much that is none, and no emulator anywhere."""
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Path("pipeline.yaml").write_text(PIPELINE)
    Path("a.sh").write_text("#!/bin/sh\n")
    Path("folder").mkdir()
    Path("binary").write_bytes(bytes(range(256)))
    Path("broken.yaml").write_text("functions: [")
    Path("empty.yaml").touch()
    Path("list.yaml").write_text("[1, 2]")
    Path("loop").symlink_to("loop")
    return tmp_path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that cannot succeed; return what it said."""
    code = execute(arguments)
    said = capsys.readouterr()
    assert code in (1, 2), (code, said)
    text = said.out + said.err
    assert text.strip()
    assert "Traceback" not in text
    assert not {"\x1b", "\x07", "\u202e"} & {*text}
    return text


@pytest.mark.parametrize("file", FILES, ids=range(len(FILES)))
@pytest.mark.parametrize("command", FILED, ids=" ".join)
def test_what_is_no_pipeline_file_is_said_to_be_none(
    command: tuple[str, ...], file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refused([*command, "-f", file], capsys)


@pytest.mark.parametrize("file", FILES, ids=range(len(FILES)))
def test_what_is_no_old_pipeline_file_is_not_converted(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(["convert", file], capsys)


@pytest.mark.parametrize("name", (*NAMES, *PLACES), ids=range(len(NAMES) + len(PLACES)))
@pytest.mark.parametrize("command", NAMED, ids=" ".join)
def test_a_name_that_means_nothing_is_answered_with_a_sentence(
    command: tuple[str, ...], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refused([*command, name], capsys)


@pytest.mark.parametrize("value", ("", "\x1b[31mx", "http://[", "http://127.0.0.1:99999", HUGE + "x"))
@pytest.mark.parametrize("option", OPTIONS, ids=" ".join)
def test_an_option_that_means_nothing_is_answered_with_a_sentence(
    option: tuple[str, ...], value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refused([*option, value], capsys)


@pytest.mark.parametrize("command", (*FILED[:6], *NAMED[:-2]), ids=" ".join)
def test_an_option_that_no_command_has_is_said_to_be_none(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    refused([*command, "--nonsense", "x"], capsys)


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("jobs",),
        ("ls",),
        ("space", "ls"),
        ("down",),
        ("deploy",),
        ("rm",),
        ("logs", "f"),
        ("job", "x"),
    ],
    ids=" ".join,
)
def test_without_an_emulator_the_way_to_one_is_told(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "hfaas up" in refused([*command], capsys) or command == ("down",)


def started(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from hfaas_tui.cli import main; main()", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_reader_that_leaves_is_no_failure_to_tell_of() -> None:
    Path("pipeline.yaml").write_text(PIPELINE + "      description: " + 200 * "x" + "\n")
    reader, writer = os.pipe()
    os.close(reader)
    with started("template", "--json", stdout=writer) as template:
        os.close(writer)
        said = template.communicate()[1]
    assert template.returncode
    assert said == ""


def pressed(child: subprocess.Popen[str]) -> tuple[str, str]:
    """Press Ctrl-C until it is heard: CPython misses one that comes just as it begins to wait."""
    for _ in range(3):
        child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=20)
    raise AssertionError("it does not end")


def test_ctrl_c_ends_a_command_with_one_word() -> None:
    os.mkfifo("slow.yaml")
    with started("check", "-f", "slow.yaml") as check, Path("slow.yaml").open("w"):  # opens when it is read
        out, said = pressed(check)
    assert (check.returncode, out, said.strip()) == (130, "", "interrupted")
