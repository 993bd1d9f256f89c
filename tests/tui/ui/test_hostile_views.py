"""Every view, sheet and dialog shows a world of hostile texts: nothing steers, nothing widens a row, nothing ends."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from tests.tui.ui.corpus import EVERYTHING, SHORT, TEXTS, everywhere, hostile
from tests.tui.ui.screen import SMALL, WIDE, frame, running, settle, wait_for, wait_text
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from hfaas_tui.ui import errands
from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.emulator.replay import ReplayBackend
from hfaas_tui.ui.model import Condition, Health, Problem, Target
from hfaas_tui.ui.screens.functions.invoke import Invoke
from hfaas_tui.ui.screens.messages import Messages
from hfaas_tui.ui.screens.storage.dialogs import Choice as Options
from hfaas_tui.ui.screens.storage.dialogs import Story
from hfaas_tui.ui.widgets.choice import Choice
from hfaas_tui.ui.widgets.confirm import Ask, Confirm
from hfaas_tui.ui.widgets.picker import Picker
from hfaas_tui.ui.widgets.sheet import Sheet

pytestmark = pytest.mark.timeout(120)
SIZES = [pytest.param(WIDE, id="wide"), pytest.param(SMALL, id="small")]
DOWN = ["pagedown"] * 4 + ["j", "end", "k", "home"]


def check(app: App[Any]) -> None:
    """Assert that every row has the width of the screen and holds nothing but what can be seen."""
    for number, strip in enumerate(app.screen._compositor.render_strips()):
        text = "".join(segment.text for segment in strip)
        assert text.isprintable(), (number, text)
        assert cell_len(text) == app.size.width, (number, text)
    assert not app._exception


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys one after the other, and look at each screen."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause(0.05)
        check(pilot.app)


WALKS: dict[str, list[str]] = {
    "functions": [
        *DOWN,
        "z",
        *DOWN,
        "z",
        "enter",
        "j",
        "escape",
        "y",
        "pagedown",
        "c",
        "escape",
        "c",
        "question_mark",
    ],
    "logs": [*DOWN, "w", *DOWN, "w", "enter", "pagedown", "escape", "m", "c", "f", "escape", "n"],
    "runs": [
        *DOWN,
        "enter",
        *["right_square_bracket", "j"] * 5,
        "escape",
        "c",
        "r",
        "escape",
        "z",
        *DOWN,
        "b",
        "o",
    ],
    "storage": [*DOWN, "enter", *DOWN, "space", "c", "e", "escape", "z", "escape", "tab", *DOWN],
    "pipeline": ["j", "l", "k", "plus", "minus", "right", "right", "j", "t", "escape", "enter"],
    "deploy": ["f3", "f9"],
    "promote": ["j", "enter", "escape", "y", "escape", "c"],
    "system": [*DOWN, "enter", "escape", "g", "escape", "c", "r"],
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", list(WALKS))
async def test_a_view_bears_it(view: str, size: tuple[int, int], tmp_path: Path) -> None:
    project(tmp_path)
    async with running(hostile(), size, folder=tmp_path, pipeline=tmp_path / "pipeline.yaml") as (app, pilot):
        await wait_for(pilot, lambda: len(app.store.runs()) > 20, "the runs")
        everywhere(app.store)
        app.go(view)
        await wait_for(pilot, lambda: app.screen.id == f"view-{view}", "the view")
        await settle(pilot)
        check(app)
        await press(pilot, *WALKS[view])
        assert app.is_running
        harmless(app.clipboard)


def harmless(text: str) -> None:
    """Assert that a text that is copied holds lines of characters and nothing else."""
    assert all(each.isprintable() for line in text.split("\n") for each in line.split("\t")), ascii(text)


def project(folder: Path) -> None:
    """Write a pipeline whose every word is hostile."""
    words = [each for each in SHORT if "\x00" not in each and "\ud800" not in each]
    lines = ["functions:", "  lambda:"]
    for number, text in enumerate(words):
        lines += [f"  - name: f{number}", f"    image: {text!a}", f"    # {text!s}"]
    (folder / "pipeline.yaml").write_bytes("\n".join(lines).encode("utf-8", "replace"))


@pytest.mark.parametrize("size", SIZES)
async def test_objects_of_every_kind_are_previewed(size: tuple[int, int]) -> None:
    backend = hostile()
    async with running(backend, size, "storage") as (app, pilot):
        await settle(pilot)
        for name in ("0.json", "1.csv", "2.txt", "3.bin", "4.png"):
            app.go("storage", f"s3://hostile/{name}")
            read = "read", f"s3://hostile/{name}", 65536
            await wait_for(pilot, partial(backend.calls.__contains__, read), name)
            await settle(pilot)
            check(app)


@pytest.mark.parametrize("size", SIZES)
async def test_toasts_and_messages_are_plain_text(size: tuple[int, int]) -> None:
    async with running(hostile(), size) as (app, pilot):
        for number, text in enumerate(TEXTS):
            app.say(text, list(Condition)[number % len(Condition)], ("runs", text))
            app.notify(text, title=text, severity="warning")
            app.report(Problem(text, text))
            if number % 9 == 0:
                await pilot.pause(0.05)
                check(app)
        app.push_screen(Messages(app.store.messages()))
        await settle(pilot)
        await press(pilot, *DOWN, "c", "escape")
        harmless(app.clipboard)


def dialogs(backend: Any, folder: Path) -> list[Callable[[], Any]]:
    """Return every dialog there is, each with hostile words."""
    return [
        lambda: Confirm(EVERYTHING, [EVERYTHING, *SHORT[:3]], phrase=EVERYTHING, danger=True, yes="[bold"),
        lambda: Ask(EVERYTHING, [EVERYTHING], value=EVERYTHING),
        lambda: Choice(EVERYTHING, [(each, each) for each in TEXTS], TEXTS[3]),
        lambda: Options(EVERYTHING, TEXTS[:9], [("y", "yes", "Yes"), ("n", "no", "No")]),
        lambda: Story(EVERYTHING, EVERYTHING, backend.steps),
        lambda: Sheet(EVERYTHING, TEXTS, text="\n".join(TEXTS)),
        lambda: Picker(EVERYTHING, folder),
        lambda: Invoke([dataclasses.replace(next(iter(backend.has.values())), name=EVERYTHING)]),
    ]


@pytest.mark.parametrize("size", SIZES)
async def test_dialogs_say_it_in_plain_text(size: tuple[int, int], tmp_path: Path) -> None:
    for text in SHORT:
        if text.strip() and "/" not in text and "\x00" not in text and len(text.encode("utf-8", "ignore")) < 200:
            (tmp_path / text.encode("utf-8", "ignore").decode()).touch()
    (tmp_path / b"\x9b2J\xff\x1b]0;PWNED\x07".decode("utf-8", "surrogateescape")).touch()
    backend = hostile()
    async with running(backend, size) as (app, pilot):
        for made in dialogs(backend, tmp_path):
            before = len(app.screen_stack)
            app.push_screen(made())
            await settle(pilot)
            check(app)
            if isinstance(app.screen, Picker):
                await press(pilot, "tab", "j", "j", "end")
            await press(pilot, "escape")
            await wait_for(pilot, partial(_has_closed, app, before), "closed dialog")


async def test_a_sheet_is_saved_whatever_it_says(tmp_path: Path) -> None:
    async with running(hostile(), SMALL, folder=tmp_path) as (app, pilot):
        app.push_screen(Sheet("Text", TEXTS, text="\n".join(TEXTS), name="odd"))
        await settle(pilot, 0.1)
        await press(pilot, "ctrl+s")
        await wait_for(pilot, (tmp_path / "hfaas-odd.txt").exists, "the file")
        check(app)


async def test_what_is_typed_or_pasted_is_plain_text(tmp_path: Path) -> None:
    project(tmp_path)
    async with running(hostile(), SMALL) as (app, pilot):
        await wait_text(pilot, "drift")
        await pilot.press("slash")
        for text in TEXTS:
            app.screen.query(Input).first().value = text
            await pilot.pause(0.02)
            check(app)
        await pilot.press("escape", "escape", "colon")
        for text in TEXTS:
            app.screen.query(Input).first().value = text
            await pilot.press("enter")
            await pilot.pause(0.02)
            check(app)
            if not app.screen.is_modal:
                await pilot.press("colon")
        await pilot.press("escape", "ctrl+p")
        await wait_for(pilot, lambda: app.screen.query(Input), "the palette")
        for text in ("fn ", "run ", "s3", "PWNED", "[bold", "\x1b[2J"):
            app.screen.query(Input).first().value = text
            await settle(pilot, 0.1)
            check(app)


async def test_an_event_is_edited_as_plain_text() -> None:
    backend = hostile()
    async with running(backend, SMALL) as (app, pilot):
        app.push_screen(Invoke([next(iter(backend.has.values()))]))
        await settle(pilot)
        area = app.screen.query_one(TextArea)
        for text in TEXTS:
            area.load_text(text)
            await pilot.pause(0.03)
            check(app)
        area.load_text("\n".join(SHORT))
        await press(pilot, "ctrl+end", "pageup", "pageup")
        area.select_all()
        await press(pilot, "ctrl+c")
        harmless(app.clipboard)


async def test_where_we_are_is_never_pushed_out_of_the_header() -> None:
    backend = hostile()
    for target in (Target("local", EVERYTHING, EVERYTHING), Target("aws", EVERYTHING, EVERYTHING, EVERYTHING)):
        backend.target = target
        async with running(backend, SMALL) as (app, pilot):
            await wait_text(pilot, "drift")
            app.store.set_health(Health(is_up=True, status={"engine": {"name": EVERYTHING}}))
            await settle(pilot)
            assert ("LOCAL" if target.kind == "local" else "AWS LIVE") in frame(app).splitlines()[0]
            check(app)


async def test_errors_of_the_target_are_plain_text(size: tuple[int, int] = SMALL) -> None:
    backend = hostile()
    async with running(backend, size) as (app, pilot):
        await wait_text(pilot, "drift")
        for text in SHORT:
            backend.broken = text or "gone"
            app.feeds.hurry()
            await pilot.pause(0.02)
            check(app)
        for view in WALKS:
            app.go(view)
            await settle(pilot, 0.1)
            check(app)


async def test_a_defect_in_a_call_becomes_a_toast_and_ends_nothing() -> None:
    async with running(hostile(), WIDE, has_defects=True) as (app, pilot):
        await wait_text(pilot, "drift")
        view = _view(app)
        failed: list[Problem] = []

        def call() -> None:
            raise ValueError(f"{EVERYTHING} token=hunter2")

        view.work("defect", call, lambda _: None, failed.append)
        await wait_text(pilot, "unexpected: ValueError")
        await wait_for(pilot, lambda: failed, "failure")
        assert "hunter2" not in failed[0].message
        file = Path(failed[0].hint.removeprefix("details in "))
        assert "in call" in file.read_text()
        assert "hunter2" not in file.read_text()

        def then(_: object) -> None:
            raise KeyError("in the loop")

        view.work("defect", lambda: 1, then)
        await wait_text(pilot, "unexpected: KeyError")
        check(app)
        assert app.is_running


async def test_a_defect_of_a_view_is_told_once_and_what_is_on_screen_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(hostile(), WIDE, has_defects=True) as (app, pilot):
        await wait_text(pilot, "drift")

        looks: list[int] = []

        def tick() -> None:
            looks.append(1)
            raise RuntimeError("cannot look")

        monkeypatch.setattr(_view(app), "tick", tick)
        await wait_text(pilot, "cannot look")
        first = len(looks)
        await wait_for(pilot, lambda: len(looks) > first + 3, "some more looks")
        assert frame(app).count("cannot look") == 1
        assert "×2" not in frame(app)
        assert "drift" in frame(app)


async def test_an_answer_that_nobody_foresaw_is_told_and_the_feeds_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = hostile()
    good = backend.functions
    monkeypatch.setattr(backend, "functions", lambda: [1])
    async with running(backend, WIDE, has_defects=True) as (app, pilot):
        await wait_text(pilot, "unexpected: AttributeError")
        monkeypatch.setattr(backend, "functions", good)
        app.feeds.hurry()
        await wait_text(pilot, "drift")


def recording(file: Path) -> Path:
    """Write a recording in which nothing is as it should be."""
    odd = [*SHORT, 1e300, -1e300, float("nan"), None, True, [], {}, [[1]], {"a": 1}]
    names = ("mode", "memory_mb", "inputs", "state", "modified", "environment", "image", "urls")
    functions = [{"name": f"{text}-{n}", **dict.fromkeys(names, text)} for n, text in enumerate(odd)]
    places = [{"uri": f"s3://{text}", "objects": text, "size": text, "note": text} for text in odd]
    hops = [
        {
            "seq": n,
            "time": 1e9,
            "what": "invocation",
            "request": text,
            "function": text,
            "detail": {"message": text},
        }
        for n, text in enumerate(SHORT)
    ]
    lines = [[1e300, text, text, text, text] for text in SHORT]
    records: list[dict[str, Any]] = [
        {"t": 0, "kind": "functions", "data": functions},
        {"t": 0, "kind": "places", "data": places},
        *({"t": 0, "kind": "hop", "data": hop} for hop in hops),
        {"t": 0, "kind": "log", "data": lines},
        {"t": 0, "kind": "hop", "data": {"time": "x"}},
        {"t": 1e300, "kind": "hop", "data": 3},
        {"t": 0, "kind": "target", "data": {"time": 1e300}},
    ]
    file.write_text("\n".join(json.dumps(each) for each in records))
    return file


@pytest.mark.parametrize("speed", [0, 1])
async def test_a_hostile_recording_ends_nothing(speed: float, tmp_path: Path) -> None:
    backend: Any = ReplayBackend(recording(tmp_path / "a.jsonl"), speed)
    async with running(backend, SMALL, has_defects=True) as (app, pilot):
        await wait_for(pilot, app.store.functions, "the functions")
        for view in WALKS:
            app.go(view)
            await settle(pilot, 0.1)
            await press(pilot, "pagedown", "pagedown", "end", "enter", "escape")


@pytest.mark.parametrize(
    "status", [{"engine": "x"}, {"engine": [1]}, {"engine": None}, {"gpus": 3, "queues": {"a": 1}}]
)
async def test_a_status_of_another_shape_ends_nothing(status: dict[str, Any]) -> None:
    backend = hostile()
    backend.status = {**status, "version": 7, "services": 3}
    async with running(backend, SMALL, has_defects=True) as (app, pilot):
        await wait_text(pilot, "drift")
        for view in ("functions", "system", "runs"):
            app.go(view)
            await settle(pilot, 0.1)
            check(app)
        await pilot.resize_terminal(100, 30)
        await settle(pilot, 0.1)
        assert app.is_running


async def test_a_result_for_a_dialog_that_was_closed_is_dropped() -> None:
    backend = hostile()
    async with running(backend, SMALL) as (app, pilot):
        dialog = Ask("Title")
        await app.push_screen(dialog)
        came: list[int] = []
        release = threading.Event()

        def call() -> int:
            release.wait(60)
            return 1

        worker = errands.send(dialog, app, "late", call, came.append)
        dialog.dismiss("")
        await wait_for(pilot, lambda: not dialog.is_attached, "closed dialog")
        release.set()
        await wait_for(pilot, lambda: worker.is_finished, "end")
        assert not came


def _has_closed(app: HfaasApp, before: int) -> bool:
    return len(app.screen_stack) == before


def _view(app: HfaasApp) -> Any:
    return app.screen
