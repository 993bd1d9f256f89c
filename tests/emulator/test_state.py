from __future__ import annotations

import fcntl
import stat
from pathlib import Path
from threading import Timer

import pytest

from hfaas_emulator import state
from hfaas_emulator.errors import StateError
from hfaas_emulator.state import Running

HERE = Running(4711, "http://127.0.0.1:4566", "process")


def test_the_directory_is_private(tmp_path: Path) -> None:
    with state.opened(tmp_path / "a" / "b") as directory:
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_second_emulator_is_told_who_the_first_is(tmp_path: Path) -> None:
    with state.opened(tmp_path):
        state.announce(tmp_path, HERE)
        with pytest.raises(StateError, match=r"process 4711, http://127\.0\.0\.1:4566"), state.opened(tmp_path):
            pass
        assert state.running(tmp_path) == HERE


def test_the_directory_is_free_again_after_use(tmp_path: Path) -> None:
    with state.opened(tmp_path):
        state.announce(tmp_path, HERE)
    assert state.running(tmp_path) is None
    with state.opened(tmp_path):
        pass


def test_who_only_asks_whether_an_emulator_lives_keeps_none_from_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "LOCK_WAIT_S", 0)
    with (tmp_path / "lock").open("wb") as asker:
        fcntl.flock(asker, fcntl.LOCK_SH)
        Timer(0.1, fcntl.flock, (asker, fcntl.LOCK_UN)).start()
        with state.opened(tmp_path):
            assert state.held(tmp_path)


def test_the_announcement_is_private_too(tmp_path: Path) -> None:
    state.announce(tmp_path, HERE)
    assert stat.S_IMODE((tmp_path / state.ANNOUNCEMENT).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_announcement_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / state.ANNOUNCEMENT).write_text(content)
    assert state.running(tmp_path) is None
