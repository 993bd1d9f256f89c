"""The help: the keys of the view as they are bound, and what its signs mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, wait_for, wait_text
from tests.tui.ui.world import FakeBackend

from hfaas_tui.ui import actions


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_it_lists_the_keys_of_the_view_and_the_legend(backend: FakeBackend, size: tuple[int, int]) -> None:
    async with running(backend, size) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("question_mark")
        await wait_text(pilot, "Keys · Functions")
        await golden(pilot, "help")
        await pilot.press("escape")
        await wait_for(pilot, lambda: "Keys ·" not in frame(pilot.app), "closed help")


async def test_it_can_be_searched_and_saved(backend: FakeBackend, tmp_path: Path) -> None:
    async with running(backend, folder=tmp_path) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("f1")
        await wait_text(pilot, "Keys · Functions")
        await pilot.press("slash", *"yaml")
        await wait_for(pilot, lambda: "half page" not in frame(pilot.app), "found keys")
        assert "show as YAML" in frame(pilot.app)
        await pilot.press("enter", "ctrl+s")
        await wait_text(pilot, "saved")
    text = (tmp_path / "hfaas-keys.txt").read_text()
    assert "y  show as YAML" in text
    assert "command palette" in text


async def test_what_is_not_allowed_is_not_listed(backend: FakeBackend) -> None:
    async with running(backend, read_only=True) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("question_mark")
        await wait_text(pilot, "Keys · Functions")
        assert "delete…" not in frame(pilot.app)


def test_no_key_has_two_meanings_in_one_view() -> None:
    for view, those in {**actions.VIEWS, **actions.OTHERS}.items():
        keys = [key for each in those for key in each.key.split(",")]
        assert len(keys) == len(set(keys)), f"{view}: {sorted(keys)}"
