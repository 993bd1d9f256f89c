"""Bars of runs on an axis of time: runs, a range, a width -> cells."""

from __future__ import annotations

import pytest

from hfaas_tui.ui.model import Condition, Run
from hfaas_tui.ui.widgets.timeline import CELLS_S, Axis, axis, bar, first_of, labels

NOON = 1_790_000_000.0 - 1_790_000_000 % 86400 + 43200
TEN = Axis(NOON, 1.0, 10)


def run(
    state: Condition = Condition.OK,
    queued: float = 0,
    started: float | None = 0,
    ended: float | None = None,
    **more: str,
) -> Run:
    moments = [None if moment is None else NOON + moment for moment in (started, ended)]
    return Run(
        "r", "f", state=state, queued=NOON + queued, started=moments[0], ended=moments[1], job=more.get("job", "")
    )


@pytest.mark.parametrize(
    ("of", "drawn"),
    [
        (run(ended=3), "███✓      "),
        (run(ended=2.5), "██▌✓      "),
        (run(ended=0.01), "▏✓        "),
        (run(Condition.FAILED, ended=4), "████✗     "),
        (run(Condition.TIMED_OUT, ended=4), "████!     "),
        (run(Condition.TIMED_OUT, ended=4, job="j"), "████!→    "),
        (run(Condition.STOPPED, ended=4), "████■     "),
        (run(queued=1, started=4, ended=6), " ░░░██✓   "),
        (run(Condition.FAILED, ended=10), "█████████✗"),
        (run(Condition.TIMED_OUT, ended=12, job="j"), "████████!→"),
        (run(queued=-9, started=-8, ended=2), "██✓       "),
        (run(queued=-9, started=-8, ended=-5), "          "),
        (run(queued=3.8, started=4, ended=5), "    █✓    "),
    ],
)
def test_a_run_that_is_over_is_drawn_to_an_eighth_of_a_cell_with_how_it_ended(of: Run, drawn: str) -> None:
    assert bar(of, TEN, NOON + 9) == drawn


def test_a_run_that_goes_on_grows_with_the_time() -> None:
    going = run(Condition.RUNNING, queued=1, started=3)
    assert bar(going, TEN, NOON + 4) == " ░░▒      "
    assert bar(going, TEN, NOON + 8.5) == " ░░▒▒▒▒▒▒ "


def test_what_waits_is_drawn_from_its_first_moment() -> None:
    waiting = run(Condition.QUEUED, queued=2, started=None)
    assert bar(waiting, TEN, NOON + 2) == "  ░       "
    assert bar(waiting, TEN, NOON + 6) == "  ░░░░    "


def test_what_never_ran_has_no_bar_but_an_end() -> None:
    assert bar(run(Condition.FAILED, queued=2, started=None, ended=5), TEN, NOON + 9) == "  ░░░✗    "


@pytest.mark.parametrize("width", [1, 2, 3, 7, 40, 200])
@pytest.mark.parametrize("span", [0, 0.004, 1, 59, 900, 86400 * 3, 86400 * 3000])
def test_an_axis_shows_all_since_the_first_moment_and_a_bar_is_as_wide_as_it(width: int, span: float) -> None:
    now = NOON + 0.7
    on = axis(now - span, now, width)
    assert on.start <= now - span + 1e-6 or width < 4
    assert now < on.start + on.width * on.cell_s + 1e-6
    for of in (run(ended=0.3), run(Condition.TIMED_OUT, ended=0.3, job="j"), run(Condition.QUEUED, started=None)):
        assert len(bar(of, on, now)) == width
    assert len(labels(on)) <= width


def test_an_axis_stands_still_within_a_cell_and_moves_by_whole_ones() -> None:
    before, soon, later = (axis(NOON, NOON + after, 60) for after in (100.1, 100.2, 103.1))
    assert before == soon
    assert before.cell_s == later.cell_s
    assert (later.start - before.start) % before.cell_s == 0


def test_lengths_of_cells_only_grow() -> None:
    assert list(CELLS_S) == sorted(set(CELLS_S))


@pytest.mark.parametrize(
    ("cell_s", "told"),
    [
        (1, "12:00:00  :10       :20       :30       :40"),
        (2, "12:00:00  :20       :40       12:01     :20"),
        (30, "12:00     12:05     12:10     12:15     12:20"),
    ],
)
def test_the_axis_is_labelled_with_round_moments(cell_s: float, told: str) -> None:
    assert labels(Axis(NOON, cell_s, 50)).split() == told.split()


def test_an_axis_of_months_tells_days() -> None:
    days = labels(Axis(NOON, 86400, 50)).split()
    assert len(days) == 10
    assert days[1::2] == ["Sep", "Oct", "Oct", "Oct", "Nov"]


def test_an_axis_begins_with_the_first_run_but_not_before_the_range() -> None:
    runs = [run(queued=-50, ended=1), run(queued=-5, ended=1)]
    assert first_of(runs, 0) == NOON - 50
    assert first_of(runs, NOON - 10) == NOON - 10
    assert first_of([], NOON) == NOON
