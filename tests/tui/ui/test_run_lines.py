"""A run in words: its phases, the lines below the list, the file that it is exported to. No screen is needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tui.ui.world import NOW, changed, run

from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Condition, Gpu, Health, Run, RunDetail, Step
from hfaas_tui.ui.widgets import runexport, runlines, runtabs
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.phases import gb_seconds, phase_bar, phases
from hfaas_tui.ui.widgets.runcounts import why_empty
from hfaas_tui.ui.widgets.runlines import Scene
from hfaas_tui.ui.widgets.runtable import abbreviated, chosen, taken
from hfaas_tui.ui.widgets.textpane import Line, cut, wrapped

BEGAN = NOW - 60


def steps(*what: tuple[float, str]) -> tuple[Step, ...]:
    return tuple(Step(BEGAN + after, name, "") for after, name in what)


def names(of: Run, *what: tuple[float, str]) -> list[tuple[str, float | None]]:
    found = phases(of, steps(*what), NOW)
    return [(each.name, None if each.seconds is None else round(each.seconds, 2)) for each in found]


def text(lines: list[Line]) -> str:
    return "\n".join("".join(part.text for part in line).rstrip() for line in lines)


def told(of: Run, **more: object) -> str:
    scene = Scene(more.pop("detail", RunDetail(of)), NOW, 120, **more)  # type: ignore[arg-type]
    return text([*runlines.strip(scene, is_tall=True)])


def test_a_run_that_succeeded_had_input_script_and_output() -> None:
    of = run("a", "f", took=10, is_cold=True, init_ms=400)
    assert names(of, (1, "script.started"), (8, "script.ended")) == [
        ("queued", 0.1), ("start", 0.4), ("input", 1), ("script", 7), ("output", 2),
    ]  # fmt: skip


def test_of_a_run_with_several_items_the_script_lasts_from_the_first_to_the_last() -> None:
    what = (1, "script.started"), (2, "script.ended"), (3, "script.started"), (6, "script.ended")
    assert names(run("a", "f", took=10), *what)[1:] == [("input", 1), ("script", 5), ("output", 4)]


def test_what_failed_in_its_script_had_no_output() -> None:
    of = run("a", "f", Condition.FAILED, took=10, exit=1)
    assert names(of, (1, "script.started"), (9, "script.ended"))[1:] == [
        ("input", 1),
        ("script", 8),
        ("output", None),
    ]
    assert names(of, (1, "script.started"))[-2:] == [("script", 9), ("output", None)]


def test_what_goes_on_or_waits_is_measured_until_now() -> None:
    assert names(run("a", "f", Condition.RUNNING, took=None), (1, "script.started"))[-1] == ("script", 59)
    assert names(run("a", "f", Condition.QUEUED, 4, None)) == [("queued", 4.5)]
    assert names(run("a", "f", took=3))[-1] == ("run", 3)


@pytest.mark.parametrize("width", [4, 12, 40, 118])
def test_phases_are_drawn_as_long_as_they_took_and_never_too_wide(width: int) -> None:
    of = phases(run("a", "f", took=10), steps((1, "script.started"), (8, "script.ended")), NOW)
    drawn = phase_bar(of, width)
    assert len(drawn) <= width
    assert width < 12 or drawn.endswith("✓")
    assert phase_bar([], width) == ""


def test_gb_seconds_are_of_the_billed_time_or_else_of_the_time_so_far() -> None:
    assert gb_seconds(run("a", "f", took=10, billed_ms=11000), NOW) == 22
    assert gb_seconds(run("a", "f", Condition.RUNNING, 5, None), NOW) == 10
    assert gb_seconds(run("a", "f", Condition.QUEUED, 5, None), NOW) is None


def test_the_price_is_shown_where_somebody_knows_it() -> None:
    of = run("a", "f", took=10)
    assert "$" not in told(of)
    assert "20.0 GB-s ≈ 0.0003 $" in told(of, price=lambda run, now: 0.00033)


def test_a_waiting_job_says_for_what_and_a_stuck_one_warns() -> None:
    of = run(
        "a", "f", Condition.QUEUED, 5, None, kind="job", queue="video", message="no room: 2 of 2 vCPUs are taken"
    )
    assert "waits    no room: 2 of 2 vCPUs" in told(of)
    assert "x cancel it" in told(of)
    assert "for its turn in the queue video" in told(changed(of, message=""))
    stuck = changed(of, is_stuck=True, message="no environment has GPUs")
    assert "can never start: no environment has GPUs" in told(stuck)
    assert runlines.state_word(stuck).tone == "warn"


def test_the_legs_of_a_delegated_run_are_linked_by_their_ids() -> None:
    job = run("b'b", "f", Condition.RUNNING, 5, None, kind="job")
    first = run("a", "f", Condition.TIMED_OUT, job=job.id, cause="time")
    lines = [*runlines.facts(Scene(RunDetail(first), NOW, 120, legs=(job,)))]
    assert "handed to job b'b-0000 because time was over ▶ running 5.0s" in text(lines)
    assert f"screen.leg({job.id!r})" in {part.action for line in lines for part in line}
    assert "handed to job b'b-0000" in told(first), "also when the job's row is not known"


def test_a_running_job_with_a_gpu_shows_how_full_that_is() -> None:
    gpu = Gpu(0, "H100", 0.12, 79 << 30, 80 << 30)
    assert "1 GPU 12% mem 79/80 GiB" in told(run("a", "f", Condition.RUNNING, took=None, gpus=1), gpus=(gpu,))
    assert "mem 79" not in told(run("a", "f", gpus=1), gpus=(gpu,))


def test_read_only_offers_nothing_that_changes() -> None:
    assert "run again" not in told(run("a", "f"), can_change=False, can_repeat=False)
    assert "cancel" not in told(run("a", "f", Condition.QUEUED, 5, None, kind="job"), can_change=False)


def test_the_size_of_a_job_that_only_its_detail_tells_is_kept_when_the_row_changes() -> None:
    row = run("a", "f", kind="job")
    known = RunDetail(changed(row, vcpus=2, gpus=1))
    later = runlines.with_row(known, changed(row, exit=1)).run
    assert (later.vcpus, later.gpus, later.exit) == (2, 1, 1)


@pytest.mark.parametrize(
    "event", ["", "{", "[]", "null", '{"Records": []}', '{"Records": [{"s3": 1}]}', "[" * 9000]
)
def test_an_event_of_any_kind_is_shown(event: str) -> None:
    of = run("a", "f", origin="s3://b/k")
    assert "event    s3://b/k" in told(of, detail=RunDetail(of, event))
    assert [*runtabs.event(Scene(RunDetail(of, event), NOW, 80))]


def test_long_text_is_bounded_and_says_so() -> None:
    lines = [*runtabs.output(Scene(RunDetail(run("a", "f"), lines=("x",) * 6000), NOW, 80))]
    assert "1,000 more lines: ^s saves all" in text(lines[-1:])


def test_lines_are_wrapped_or_cut_at_the_width_wide_characters_too() -> None:
    line = (Part("name "), Part("あ" * 30, "key"))
    for row in wrapped(line, 20):
        assert sum(2 if char == "あ" else 1 for part in row for char in part.text) <= 20
    assert "".join(part.text for row in wrapped(line, 20) for part in row).count("あ") == 30
    assert text([cut(line, 10)]) == "name ああ…"
    assert len(wrapped((Part("x" * 100_000),), 80)) > 1000


def test_live_runs_come_first_then_the_newest_and_the_range_leaves_out_older_ones() -> None:
    old, new = run("old", "f", began=3600), run("new", "f", began=30)
    going = run("going", "f", Condition.RUNNING, 7200, None)
    waits = run("waits", "f", Condition.QUEUED, 1, None, kind="job")
    runs = [going, old, new, waits]
    assert [each.id[:3] for each in chosen(runs, "all", NOW - 900).rows] == ["goi", "wai", "new"]
    assert [each.id[:3] for each in chosen(runs, "job", 0).rows] == ["wai"]
    found = chosen([old], "all", NOW - 900)
    assert "the last one ended 59m ago" in "\n".join(
        why_empty("all", "15m", Health(is_up=True), NOW - found.newest)
    )


def test_ids_and_times_are_short() -> None:
    assert abbreviated("a91e07c4-0000-b9") == "a91e…b9"
    assert [taken(run("a", "f", took=took), NOW) for took in (0.64, 31, 1234.5)] == ["0.6", "31.0", "1234"]
    assert taken(run("a", "f", Condition.RUNNING, 41, None), NOW) == "0:41"


def test_an_export_never_overwrites_and_says_when_it_cannot(tmp_path: Path) -> None:
    of = run("a", "f\ud800")
    paths = {runexport.save([runexport.of_run(of)], tmp_path, NOW) for _ in range(3)}
    assert len(paths) == 3
    assert json.loads(min(paths).read_text())[0]["where"] == "lambda"
    with pytest.raises(CliError, match="cannot write"):
        runexport.save([], tmp_path / "missing", NOW)
