from __future__ import annotations

from pathlib import Path

import pytest

from hfaas_emulator.containers.cgroup import MemoryGroup

V1 = {
    "memory.max_usage_in_bytes": "1048576\n",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
}
V2 = {"memory.peak": "1048576\n", "memory.events": "low 0\nhigh 0\nmax 5\noom 2\noom_kill 2\noom_group_kill 0\n"}
PLACES = [
    ("memory/docker/abc", V1),
    ("memory/system.slice/docker-abc.scope", V1),
    ("docker/abc", V2),
    ("system.slice/docker-abc.scope", V2),
]


def write(root: Path, place: str, files: dict[str, str]) -> Path:
    folder = root / place
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(("place", "files"), PLACES, ids=[place for place, _ in PLACES])
def test_peak_and_kills_are_read_from_either_version(tmp_path: Path, place: str, files: dict[str, str]) -> None:
    write(tmp_path, place, files)
    group = MemoryGroup("abc", tmp_path)
    assert (group.peak_bytes(), group.kills()) == (1048576, 2)


def test_what_was_read_last_is_kept_when_the_group_is_gone(tmp_path: Path) -> None:
    folder = write(tmp_path, *PLACES[2])
    group = MemoryGroup("abc", tmp_path)
    group.peak_bytes()
    for file in folder.iterdir():
        file.unlink()
    assert group.peak_bytes() == 1048576


def test_a_machine_that_does_not_tell_gives_zero(tmp_path: Path) -> None:
    assert MemoryGroup("abc", tmp_path).peak_bytes() == 0
