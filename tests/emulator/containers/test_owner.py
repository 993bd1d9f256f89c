from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hfaas_emulator.containers import owner


def test_a_living_process_is_not_dead() -> None:
    assert not owner.is_dead(owner.me())


def test_an_ended_process_is_dead() -> None:
    child = subprocess.Popen(["sleep", "60"])
    *front, _pid, _start = owner.me().split("/")
    name = "/".join([*front, str(child.pid), "1"])
    child.kill()
    child.wait()
    assert owner.is_dead(name)


def test_a_process_that_nobody_has_waited_for_is_dead() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        name = owner._name(child.pid)
        assert not owner.is_dead(name)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert owner.is_dead(name)


def test_a_later_process_with_the_same_number_is_another() -> None:
    *front, start = owner.me().split("/")
    assert owner.is_dead("/".join([*front, str(int(start) + 1)]))


def test_processes_of_before_the_last_boot_are_dead() -> None:
    machine, _boot, *rest = owner.me().split("/")
    assert owner.is_dead("/".join([machine, "another-boot", *rest]))


def test_a_process_of_another_machine_never_counts_as_dead() -> None:
    assert not owner.is_dead("another-machine/boot/1/1")


def test_a_state_directory_is_named_without_its_path(tmp_path: Path) -> None:
    assert tmp_path.name not in owner.state(tmp_path)
    assert owner.state(tmp_path) == owner.state(tmp_path / "x" / "..")
