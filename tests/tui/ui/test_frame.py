"""The frame around the views: where we are, the views, the keys."""

from __future__ import annotations

from tests.tui.ui.screen import SMALL, frame, running, settle, wait_text
from tests.tui.ui.world import FakeBackend

from hfaas_tui.ui.model import Target


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
        await wait_text(pilot, "▲ AWS LIVE 123456789012")
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
