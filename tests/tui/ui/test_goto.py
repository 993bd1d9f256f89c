"""The line that `:` opens."""

from __future__ import annotations

import pytest
from tests.tui.ui.screen import SMALL, frame, golden, running, under_cursor, wait_for, wait_text
from tests.tui.ui.world import NOW, FakeBackend, sample

from hfaas_tui.ui.model import Place
from hfaas_tui.ui.screens.goto import meant, suggestions
from hfaas_tui.ui.state import Store


@pytest.fixture
def store() -> Store:
    store, world = Store(), sample()
    store.set_functions(world.has.values())
    store.put_runs(world.runs)
    store.set_places([Place(uri) for uri in world.spots])
    assert NOW
    return store


@pytest.mark.parametrize(
    ("typed", "view", "subject"),
    [
        ("logs grayify", "logs", "grayify"),
        (":logs darknet", "logs", "scar-lambda-darknet"),
        ("s3 scar-video/output", "storage", "s3://scar-video/output"),
        ("s3 s3://plants", "storage", "s3://plants"),
        ("onedata datahub/masks", "storage", "onedata://datahub/masks"),
        ("run a91e", "runs", "a91e07c4-0000-4000-8000-000000000000"),
        ("3", "runs", ""),
        ("sys", "system", ""),
        ("pipeline", "pipeline", ""),
        ("fn gray", "functions", "grayify"),
    ],
)
def test_a_word_and_a_name_lead_there(store: Store, typed: str, view: str, subject: str) -> None:
    assert meant(store, typed) == (view, subject)


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("foo", "no place is called “foo”: try logs NAME"),
        ("logs nobody", "no function is called “nobody”; there are deep-audio"),
        ("logs scar", "no function is called “scar”; 3 have it"),
        ("run zzz", "no run's id begins with “zzz”"),
        ("9", "no place is called “9”"),
        ("\x1b]52;c;x\x07", "no place is called “”"),
    ],
)
def test_nonsense_gets_an_answer(store: Store, typed: str, wrong: str) -> None:
    found = meant(store, typed)
    assert isinstance(found, str)
    assert found.startswith(wrong)


def test_what_is_there_is_suggested(store: Store) -> None:
    assert suggestions(store, "") == [
        "functions",
        "logs",
        "runs",
        "storage",
        "pipeline",
        "deploy",
        "promote",
        "system",
    ]
    assert suggestions(store, "s3 sc") == ["s3 scar-video"]
    assert suggestions(store, "logs mr") == ["logs scar-mrbayes"]
    assert suggestions(store, "run 7f") == [
        "run 7f1a2222-0000-4000-8000-000000000000",
        "run 7f3c11e1-0000-4000-8000-000000000000",
    ]


async def test_it_completes_goes_and_says_what_is_wrong(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("colon", *"foo", "enter")
        await wait_text(pilot, "no place is called")
        await golden(pilot, "goto-wrong")
        await pilot.press(*["backspace"] * 3, *"fun", "tab", *"mrb", "tab", "enter")
        await wait_for(pilot, lambda: not app.screen.is_modal, "closed line")
        await wait_for(pilot, lambda: under_cursor(app) == "scar-mrbayes", "cursor")
        await pilot.press("colon", *"messages", "enter")
        await wait_text(pilot, "Nothing was said yet.")
        await pilot.press("escape", "colon", "escape")
        await wait_for(pilot, lambda: ":" not in frame(app).splitlines()[-2], "closed line")
