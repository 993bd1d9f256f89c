"""The System view: what runs, how the machine is, starting and stopping, the report."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.world import NOW, FakeBackend

from hfaas_tui import doctor
from hfaas_tui.doctor import Finding
from hfaas_tui.ui import clipboard, pruning
from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.model import Condition, Machine
from hfaas_tui.ui.pruning import Image, is_used
from hfaas_tui.ui.pulse import Pulse
from hfaas_tui.ui.screens.system import papers as system_papers
from hfaas_tui.ui.widgets.gauge import course, gauge

GONE = "the emulator does not answer on 127.0.0.1:4566"
FINDINGS = [
    Finding("ok", "Python", "3.11.7 on x86_64"),
    Finding("ok", "Docker", "docker 20.10.24, overlay2"),
    Finding(
        "note", "AWS_ENDPOINT_URL", "http://127.0.0.1:4566: commands talk to it unless --endpoint says otherwise"
    ),
    Finding("bad", "disk", "1.2 GiB free at the project"),
]
STATUS: dict[str, Any] = {
    "version": "0.1.0",
    "engine": {"name": "docker", "runs_images": True, "detail": "20.10.24 overlay2"},
    "gpus": {"mode": "exclusive", "names": ["NVIDIA H100"], "detail": "no nvidia runtime"},
    "machine": {"vcpus": 16, "memory_mb": 65536},
    "concurrency": 8,
    "services": dict.fromkeys(("s3", "lambda", "batch", "logs", "iam", "events"), "available"),
    "requests": {"s3": 9310, "lambda": 2214, "batch": 41},
    "containers": [
        {"id": "7f3c11", "function": "scar-batch-ffmpeg-split", "kind": "job", "cpu": 0.96, "memory_mb": 812,
         "gpus": [], "since": NOW - 41},
        {"id": "9b02aa", "function": "mask-detector-image", "kind": "job", "cpu": 2.1, "memory_mb": 1400,
         "gpus": [0], "since": NOW - 22},
    ],
    "queues": [
        {"name": "video", "state": "ENABLED", "jobs": {"RUNNING": 2, "RUNNABLE": 1},
         "environments": [{"name": "video", "max_vcpus": 2}]},
    ],
}  # fmt: skip


class Emulation:
    """An emulator that is there or not."""

    def __init__(self, backend: FakeBackend, state: Path) -> None:
        self.backend, self.state = backend, state
        self.is_ours = True
        self.calls: list[str] = []

    def start(self) -> Any:
        self.calls.append("start")
        self.backend.broken = ""
        return SimpleNamespace(endpoint="http://127.0.0.1:4566")

    def stop(self) -> None:
        self.calls.append("stop")
        self.backend.broken = GONE

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures of this machine are always the same."""
    monkeypatch.setattr(doctor, "examine", lambda: FINDINGS)
    monkeypatch.setattr(Pulse, "words", lambda _: "16 ms key to screen, 3% cpu, 62 MB")


@pytest.fixture
def machine(backend: FakeBackend) -> FakeBackend:
    backend.status = STATUS
    return backend


def minutes(app: HfaasApp, backend: FakeBackend) -> None:
    """Let the machine have run for some minutes."""
    for n in range(60):
        app.store.set_machine(Machine(cpu=(n % 20) / 20, memory=0.44))
    for _ in range(60):
        app.store.set_machine(backend.machine())


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_it_shows_services_what_runs_and_how_the_machine_is(
    machine: FakeBackend, size: tuple[int, int]
) -> None:
    async with running(machine, size, "system") as (app, pilot):
        minutes(app, machine)
        await wait_text(pilot, "9,310" if size == WIDE else "lambda")
        await wait_text(pilot, "1.2 GiB free")
        await golden(pilot, "system")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_when_the_emulator_is_gone_s_starts_it(
    machine: FakeBackend, size: tuple[int, int], tmp_path: Path
) -> None:
    async with running(machine, size, "system") as (app, pilot):
        minutes(app, machine)
        app.emulation = emulation = Emulation(machine, tmp_path)  # type: ignore[assignment]
        await wait_text(pilot, "mask-detector-image")
        machine.broken = GONE
        app.feeds.hurry()
        await wait_text(pilot, "✗ gone")
        await golden(pilot, "system-gone")
        await pilot.press("S")
        await wait_text(pilot, "✓ up")
        assert emulation.calls == ["start"]


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_before_anything_answered_it_says_what_to_press(size: tuple[int, int]) -> None:
    backend = FakeBackend()
    backend.broken = GONE
    async with running(backend, size, "system") as (_, pilot):
        await wait_text(pilot, "No emulator answers.")
        await wait_text(pilot, "1.2 GiB free")
        await golden(pilot, "system-empty")


async def test_stopping_asks_while_runs_go_on(machine: FakeBackend, tmp_path: Path) -> None:
    async with running(machine, SMALL, "system") as (app, pilot):
        app.emulation = emulation = Emulation(machine, tmp_path)  # type: ignore[assignment]
        await wait_text(pilot, "2▶ 1◌")
        await pilot.press("S")
        await wait_text(pilot, "2 running and 1 waiting runs would be cut off.")
        assert not emulation.calls
        await pilot.press("y")
        await wait_text(pilot, "✗ no answer")
        assert emulation.calls == ["stop"]


async def test_an_emulator_that_was_named_is_not_ours_to_stop(machine: FakeBackend) -> None:
    async with running(machine, SMALL, "system") as (_, pilot):
        await wait_text(pilot, "lambda")
        await pilot.press("S")
        await wait_text(pilot, "hfaas down")


async def test_its_own_log_is_shown_without_control(machine: FakeBackend, tmp_path: Path) -> None:
    (tmp_path / "emulator.log").write_bytes(b"listening\n\x1b]52;c;aGk=\x07hostile \xff[bold]\n")
    async with running(machine, SMALL, "system") as (app, pilot):
        app.emulation = Emulation(machine, tmp_path)  # type: ignore[assignment]
        await wait_text(pilot, "lambda")
        await pilot.press("l")
        await wait_text(pilot, "hostile")
        assert all(char.isprintable() or char == "\n" for char in frame(app))


async def test_without_a_gpu_it_says_why(machine: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeBackend, "machine", lambda _: Machine(cpu=0.1, memory=0.2))
    async with running(machine, SMALL, "system") as (_, pilot):
        await wait_text(pilot, "no nvidia runtime")
        await pilot.press("g")
        await wait_text(pilot, "No GPU: no nvidia runtime")


async def test_images_are_removed_after_their_names_were_seen(
    machine: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [Image("sha256:1", ("hfaas/old:1",), 3_100_000_000)]
    removed: list[Image] = []

    def remove(found: list[Image]) -> tuple[int, list[str]]:
        removed.extend(found)
        return found[0].size, []

    monkeypatch.setattr(pruning, "unused", lambda _: images)
    monkeypatch.setattr(pruning, "remove", remove)
    async with running(machine, SMALL, "system") as (app, pilot):
        minutes(app, machine)
        await wait_text(pilot, "lambda")
        await pilot.press("P")
        await wait_text(pilot, "3.1 GB  hfaas/old:1")
        await golden(pilot, "system-prune")
        await pilot.press("y")
        await wait_text(pilot, "removed images of 3.1 GB")
        assert removed == images


async def test_the_report_goes_to_the_clipboard_and_to_a_file(
    machine: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    def copy(text: str) -> list[str]:
        copied.append(text)
        return ["a test"]

    monkeypatch.setattr(clipboard, "copy", copy)
    async with running(machine, SMALL, "system", folder=tmp_path) as (app, pilot):
        app.say("token: abcdef leaked", Condition.WARNING)
        await wait_text(pilot, "lambda")
        await pilot.press("c")
        await wait_for(pilot, copied.copy, "report")
        assert "functions  " in copied[0]
        assert "abcdef" not in copied[0]
        await pilot.press("ctrl+s")
        file = tmp_path / "hfaas-report.txt"
        await wait_for(pilot, file.exists, "file")
        assert file.stat().st_mode & 0o077 == 0


async def test_read_only_starts_and_removes_nothing(machine: FakeBackend, tmp_path: Path) -> None:
    async with running(machine, WIDE, "system", read_only=True) as (app, pilot):
        app.emulation = emulation = Emulation(machine, tmp_path)  # type: ignore[assignment]
        await wait_text(pilot, "lambda")
        await pilot.press("S", "P")
        assert "prune" not in await settle(pilot)
        assert not emulation.calls


def test_an_image_is_used_by_name_or_digest() -> None:
    image = Image("sha256:41fe9c0012345678", ("hfaas/x:1",), 1)
    assert is_used(image, ["hfaas/x:1"])
    assert is_used(image, ["elsewhere/x@sha256:41fe9c0012345678"])
    assert is_used(image, ["sha256:41fe9c0012345678"])
    assert not is_used(image, ["hfaas/x:2", "sha256:41", "41fe"])
    assert is_used(Image("sha256:2", ("a/b:latest",), 1), ["a/b"])


def test_gauges_show_shares() -> None:
    assert (gauge(0), gauge(0.01, 4), gauge(1.4, 3)) == ("▁" * 10, "▇▁▁▁", "▇▇▇")
    assert course([0, 0.5, 1], 4) == "▁▁▅█"


def test_a_long_log_is_read_from_its_end(tmp_path: Path) -> None:
    file = tmp_path / "emulator.log"
    file.write_text("".join(f"line {n:06}\n" for n in range(30_000)))
    lines = system_papers.tail(file)
    assert lines[-1] == "line 029999"
    assert all(len(line) == 11 for line in lines)
    assert system_papers.tail(tmp_path / "none") == []


async def test_keys_are_measured_to_the_screen(backend: FakeBackend) -> None:
    async with running(backend, WIDE, "functions") as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("j", "k")
        await wait_for(pilot, lambda: app.pulse.key_ms, "figure")
