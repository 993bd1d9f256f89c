from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hfaas_tui.errors import CliError
from hfaas_tui.rehearsal import Options, rehearsal, wait_ready


@pytest.mark.slow
def test_a_temporary_state_is_gone_with_the_emulator_even_when_who_made_it_was_killed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    options = Options(state, engine="process", discard=True)
    child = subprocess.Popen([*options.arguments(), "--tether"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    wait_ready(child, state, state / "emulator.log")

    assert child.stdin
    child.stdin.close()  # what the kernel does for a process that is killed

    assert child.wait(60) == 0
    assert not state.exists()


def test_an_emulator_that_cannot_start_is_told_with_its_own_words_and_hint(tmp_path: Path) -> None:
    options = Options(tmp_path / "state", port=70_000, engine="process", discard=True)

    with pytest.raises(CliError, match="port 70000") as caught, rehearsal(options):
        pass

    assert "choose another with --port" in caught.value.hint


def test_an_emulator_is_told_about_gpus_and_scaling_only_where_something_was_chosen(tmp_path: Path) -> None:
    plain = Options(tmp_path).arguments()
    chosen = Options(tmp_path, gpu="fallback", scale_down=True).arguments()

    assert chosen[len(plain) :] == ["--gpu", "fallback", "--scale-down"]


def test_what_an_emulator_is_told_of_onedata(tmp_path: Path) -> None:
    told = Options(tmp_path, onedata_port=4567, flush_delay="3,5").arguments()

    assert told[-4:] == ["--onedata-port", "4567", "--flush-delay", "3,5"]
    assert "--onedata-port" not in Options(tmp_path).arguments()


def test_an_emulator_is_told_about_a_registry_only_where_one_was_named(tmp_path: Path) -> None:
    plain = Options(tmp_path).arguments()

    assert Options(tmp_path, registry="127.0.0.1:5000").arguments()[len(plain) :] == [
        "--registry",
        "127.0.0.1:5000",
    ]


def test_a_registry_that_is_no_address_is_told_before_anything_starts(tmp_path: Path) -> None:
    options = Options(tmp_path / "state", engine="process", discard=True, registry="http://127.0.0.1:5000/")

    with pytest.raises(CliError, match="no address of a registry") as caught, rehearsal(options):
        pass

    assert "HOST:PORT" in caught.value.hint
