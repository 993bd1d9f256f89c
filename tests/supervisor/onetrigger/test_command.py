"""`hfaas-supervisor onetrigger` as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.supervisor.onetrigger.conftest import DEADLINE_S, TOKEN, Certificates, Datahub, Hook

from hfaas_supervisor.onetrigger import command
from hfaas_supervisor.onetrigger.state_file import StateFile

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def environment(live_hub: Datahub, hook: Hook, certificates: Certificates, tmp_path: Path) -> dict[str, str]:
    """Upstream's variables, to watch /films/in."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ONEPROVIDER_HOST": live_hub.host,
        "ONEDATA_ACCESS_TOKEN": TOKEN,
        "ONEDATA_SPACE": "films",
        "ONEDATA_SPACE_FOLDER": "/in/",
        "ONETRIGGER_WEBHOOK": hook.url,
        "REQUESTS_CA_BUNDLE": certificates.ca,
    }


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start OneTrigger as a process."""
    started: list[subprocess.Popen[str]] = []
    if cache := os.environ.get("PYTHONPYCACHEPREFIX"):
        environment["PYTHONPYCACHEPREFIX"] = cache

    def begin(*arguments: str) -> subprocess.Popen[str]:
        words = arguments or ("run", "--state", str(tmp_path / "state"), "--settle", "0.2")
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "hfaas_supervisor", "onetrigger", *words],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, log = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out + log


@pytest.mark.slow
def test_killed_at_work_with_a_failing_webhook_it_loses_nothing_and_doubles_nothing(
    start: Start, live_hub: Datahub, hook: Hook, tmp_path: Path
) -> None:
    first = start()
    live_hub.wait_for("timeout=30000")
    live_hub.upload("in/1", 3)
    hook.wait(lambda hook: len(hook.keys) == 1)
    hook.answers = [503] * 1000
    live_hub.create("in/2.part", 3)
    live_hub.rename("in/2.part", "in/2")
    live_hub.upload("in/3", 3)
    hook.wait(lambda hook: hook.refused >= 1)
    first.kill()
    first.wait()
    hook.wait(lambda hook: hook.clients == 0)  # what it sent last may not have been read yet
    hook.answers.clear()
    live_hub.upload("in/4", 3)
    live_hub.create("in/5", 3)
    live_hub.upload("in/6", 3)
    live_hub.delete("in/6")
    second = start()
    hook.wait(lambda hook: len(hook.keys) == 5)
    second.send_signal(signal.SIGTERM)
    assert finish(second)[0] == 0
    code, _ = finish(start("run", "--once", "--idle", "0.1", "--state", str(tmp_path / "state")))
    assert code == 0
    assert sorted(hook.keys) == [f"/films/in/{number}" for number in range(1, 6)]
    state = StateFile(str(tmp_path / "state"))
    assert (state.pending(), state.dead()) == (0, [])
    state.close()


def test_a_second_process_with_the_same_state_ends_in_words(start: Start, live_hub: Datahub) -> None:
    first = start()
    live_hub.wait_for("timeout=30000")
    code, log = finish(start())
    assert code == 1
    assert "another OneTrigger works with the state" in log
    first.send_signal(signal.SIGINT)
    assert finish(first)[0] == 0


@pytest.fixture
def variables(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """This process's own environment, for commands that end at once."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_spaces_are_listed(variables: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert command.main(["list-spaces"]) == 0
    assert capfd.readouterr().out == "films\ts1\n"


@pytest.mark.parametrize(
    ("variable", "value", "code", "words"),
    [
        ("ONEPROVIDER_HOST", "", 240, "the Oneprovider's host is missing: give it by -H or ONEPROVIDER_HOST"),
        ("ONEDATA_SPACE", "typo", 240, "there is no space 'typo' at"),
        ("ONEDATA_ACCESS_TOKEN", "wrong-one", 242, "the Onedata token is not accepted"),
        ("ONETRIGGER_WEBHOOK", "", 240, "name one target"),
    ],
)
def test_what_cannot_work_is_said(
    variables: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    code: int,
    words: str,
) -> None:
    variables.setenv(variable, value)
    assert command.main(["run"]) == code
    log = capfd.readouterr().err
    assert words in log
    assert "wrong-one" not in log


def test_wrong_usage_is_explained(variables: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(["run", "--settle", "soon"])
    assert "argument --settle: invalid" in capfd.readouterr().err
