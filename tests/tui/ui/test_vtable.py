"""The table: what it keeps, what it costs, and how filters are tried on it."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.tui.ui.screen import SMALL, frame, running, under_cursor, wait_for, wait_text
from tests.tui.ui.world import NOW, FakeBackend, function, run
from textual.app import App, ComposeResult

from hfaas_tui.ui.model import Stats
from hfaas_tui.ui.widgets.functionrows import ALL, Row
from hfaas_tui.ui.widgets.vtable import VTable, fit

MANY = [
    Row(function(f"fn-{n:05d}", memory_mb=n % 4000), Stats(runs=n, p95=n / 50, last=run(f"{n:08x}", "f")))
    for n in range(10_000)
]


class OneTable(App[None]):
    def compose(self) -> ComposeResult:
        yield VTable[Row](
            ALL,
            lambda row, column: row.cell(column, NOW),
            lambda row: row.name,
            order=lambda row, by: row.order(by),
        )


def cpu_ms(call: Callable[[], object], times: int = 10) -> float:
    """Return what a call costs this thread at best: what else the machine does only adds to it."""
    took = []
    for _ in range(times):
        began = time.thread_time()
        call()
        took.append(time.thread_time() - began)
    return min(took) * 1000


async def test_ten_thousand_rows_cost_little_to_replace_to_sort_and_to_paint() -> None:
    app = OneTable()
    async with app.run_test(size=(120, 36)):
        table = app.query_one(VTable)
        table.set_rows(MANY)
        table.select("fn-09000")
        assert cpu_ms(lambda: table.set_rows(MANY)) < 10
        assert cpu_ms(lambda: [table.render_line(y) for y in range(36)]) < 30
        table.sort_by("p95", is_reversed=True)
        assert cpu_ms(lambda: table.set_rows(MANY)) < 50
        assert table.selected is not None
        assert table.selected.name == "fn-09000"


async def test_the_cursor_reaches_both_ends_and_stays_where_an_item_vanished() -> None:
    app = OneTable()
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.query_one(VTable)
        table.set_rows(MANY)
        table.focus()
        await pilot.press("G")
        await wait_text(pilot, "▸ ✓ ready  fn-09999")
        await pilot.press("ctrl+u", "ctrl+b", "k")
        await pilot.press("g", "j", "j")
        await wait_for(pilot, lambda: table.selected is MANY[2], "the third row")
        table.set_rows(MANY[:2] + MANY[3:])
        assert table.selected is MANY[3]
        table.set_rows([])
        assert table.selected is None


async def test_a_click_chooses_a_double_click_opens_and_a_header_sorts(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.click("#list", offset=(12, 2))
        assert under_cursor(app) == "grayify"
        await pilot.click("#list", offset=(12, 0))
        await wait_text(pilot, "NAME↓")
        await pilot.click("#list", offset=(12, 3), times=2)
        await wait_for(pilot, lambda: app.screen.has_class("-open"), "details")


async def test_many_rows_are_filtered_without_keeping_anybody_waiting() -> None:
    backend = FakeBackend()
    backend.has = {row.name: row.function for row in MANY[:3000]}
    async with running(backend, SMALL) as (_, pilot):
        await wait_text(pilot, "fn-00003")
        await pilot.press("slash", *"fn-029 !fn-0299")
        await wait_text(pilot, "90 of 3000 functions")


async def test_a_regex_counts_and_a_wrong_one_leaves_what_was_there(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("slash", *"^scar.*(x|t)$")
        await wait_text(pilot, "2 of 7 functions")
        assert "grayify" not in frame(app)
        await pilot.press("(")
        await wait_text(pilot, "no regex:")
        assert "grayify" not in frame(app)
        await pilot.press("escape")
        await wait_text(pilot, "grayify")


def test_texts_are_cut_by_cells_not_by_characters() -> None:
    assert fit("日本語", 5) == "日本…"
    assert fit("ab", 4, "right") == "  ab"
    assert fit("abc", 0) == ""
