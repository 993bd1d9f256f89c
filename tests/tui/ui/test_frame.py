"""The frame around the views: where we are, the views, the keys."""

from __future__ import annotations

from pathlib import Path

from tests.tui.ui.screen import SMALL, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.world import NOW, FakeBackend

from hfaas_tui.rehearsal import Options
from hfaas_tui.ui import clipboard
from hfaas_tui.ui import frame as header
from hfaas_tui.ui.emulator.emulation import Emulation
from hfaas_tui.ui.model import Gpu, Health, Machine, Problem, Target
from hfaas_tui.ui.state import Store
from hfaas_tui.watch import Emulator


async def test_the_header_says_local_and_the_tabs_name_the_views(backend: FakeBackend) -> None:
    async with running(backend) as (_, pilot):
        await wait_text(pilot, "grayify")
        top, tabs, *_ = frame(pilot.app).splitlines()
        assert "◆ LOCAL emulator 127.0.0.1:4566" in top
        assert tabs.split() == [
            "[1",
            "Functions]",
            *[
                "2",
                "Logs",
                "3",
                "Runs",
                "4",
                "Storage",
                "5",
                "Pipeline",
                "6",
                "Deploy",
                "7",
                "Promote",
                "8",
                "System",
            ],
        ]


async def test_a_live_target_is_read_only_and_shouts(backend: FakeBackend) -> None:
    backend.target = Target("aws", "123456789012", "eu-west-1", "research")
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "▲ AWS LIVE 1234-5678-9012 eu-west-1")
        assert app.is_read_only
        assert "invoke" not in (await settle(pilot)).splitlines()[-1]


async def test_keys_that_do_not_fit_are_dropped_but_help_stays(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (_, pilot):
        last = (await settle(pilot)).splitlines()[-1]
        assert last.endswith("? help")
        assert "delete" not in last


async def test_without_unicode_nothing_but_ascii_is_painted(backend: FakeBackend) -> None:
    async with running(backend, ascii=True) as (_, pilot):
        await wait_text(pilot, "grayify")
        assert (await settle(pilot)).isascii()


async def test_in_a_window_that_is_too_small_there_is_a_plea_and_nothing_else(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.resize_terminal(40, 10)
        await wait_text(pilot, "make the window larger (now 40×10)")
        assert "grayify" not in frame(app)
        await golden(pilot, "too-small")
        await pilot.resize_terminal(50, 12)
        await wait_text(pilot, "(now 50×12)")
        await pilot.resize_terminal(60, 16)
        await wait_text(pilot, "grayify")
        await golden(pilot, "functions")


async def test_what_is_typed_into_a_field_is_text_not_a_command(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("slash", *"q1D?z")
        await wait_text(pilot, "/ q1D?z")
        assert app.screen.id == "view-functions"
        assert not app.screen.is_modal
        await pilot.press("escape", "q")
        await wait_for(pilot, lambda: app.return_code is not None or not app.is_running, "end")


async def test_control_c_copies_nothing_and_says_how_to_leave(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("ctrl+c")
        await wait_text(pilot, "q quits")


class _Ours(Emulation):
    """An emulator that ends with the window."""

    @property
    def is_ours(self) -> bool:
        return True


async def test_leaving_asks_while_runs_are_under_way_in_our_own_emulator(
    backend: FakeBackend, tmp_path: Path
) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "2▶ 1◌")
        app.emulation = _Ours(Options(state=tmp_path))
        await pilot.press("q")
        await wait_text(pilot, "Leave now?")
        await golden(pilot, "leave")
        await pilot.press("escape")
        await wait_for(pilot, lambda: not app.screen.is_modal, "closed dialog")
        assert app.is_running


async def test_a_click_on_a_tab_or_a_key_does_what_it_says(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.click("#hints", offset=(73, 0))
        await wait_text(pilot, "Keys · Functions")
        await pilot.press("escape")
        await wait_for(pilot, lambda: not app.screen.is_modal, "closed help")
        await pilot.click("#hints", offset=(10, 0))
        await wait_text(pilot, "Invoke deep-audio")


def said(store: Store, width: int) -> str:
    return "".join(part.text for part in header.how(store, NOW, width)).strip()


def test_the_header_says_how_the_target_is() -> None:
    store = Store(Target("local", "127.0.0.1:4566", "us-east-1"))
    assert said(store, 120) == "connecting…"
    store.set_health(Health(problem=Problem("gone"), next_try=NOW + 4.2))
    assert said(store, 120) == "✗ no answer, next try in 4 s"
    assert said(store, 80) == "✗ no answer"
    store.set_health(Health(is_up=True, status={"engine": {"name": "process", "runs_images": False}}))
    store.set_machine(
        Machine(gpus=(Gpu(0, "NVIDIA GeForce RTX 4090", 0.5), Gpu(1, "NVIDIA GeForce RTX 4090", 0.1)))
    )
    assert said(store, 120) == "process !  gpu 2×RTX 4090 30%  jobs 0▶ 0◌"
    assert said(store, 80) == "0▶ 0◌  ✓1/2"


def test_the_clipboard_of_the_desktop_is_used_only_where_there_is_one(tmp_path: Path) -> None:
    for name in ("tmux", "wl-copy", "xclip"):
        (tmp_path / name).write_text("#!/bin/sh\ncat > " + str(tmp_path / f"{name}.out") + "\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    assert clipboard.copy("text", {"PATH": path, "WAYLAND_DISPLAY": "w"}) == ["wl-copy"]
    assert (tmp_path / "wl-copy.out").read_text() == "text"
    assert clipboard.copy("text", {"PATH": path, "DISPLAY": ":0", "TMUX": "x", "SSH_CONNECTION": "y"}) == ["tmux"]
    assert clipboard.copy("text", {"PATH": ""}) == []


async def test_who_followed_something_to_a_view_comes_back_from_there(backend: FakeBackend) -> None:
    async with running(backend) as (app, pilot):
        await wait_text(pilot, "grayify")
        app.go("runs")
        await wait_text(pilot, "[3 Runs]")
        app.go("pipeline", "grayify")
        await wait_text(pilot, "[5 Pipeline]")
        app.go("deploy", "grayify")
        await wait_text(pilot, "[6 Deploy]")
        for name in ("[5 Pipeline]", "[3 Runs]", "[1 Functions]"):
            await pilot.press("escape")
            await wait_text(pilot, name)


async def test_the_emulator_can_be_started_from_any_view_that_misses_it(backend: FakeBackend) -> None:
    backend.broken = "no emulator runs"
    started: list[str] = []

    class Starting:
        """Stands where the app's emulator would."""

        def start(self) -> Emulator:
            started.append("now")
            backend.broken = ""
            return Emulator("http://127.0.0.1:4566")

    async with running(backend, SMALL) as (app, pilot):
        app.emulation = Starting()  # type: ignore[assignment]
        await wait_text(pilot, "S  starts one here")
        await pilot.press("S")
        await wait_text(pilot, "grayify")
        await pilot.press("S")
        assert started == ["now"]
