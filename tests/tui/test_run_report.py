"""What `hfaas run` prints at the end of a run with jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from hfaas_tui.cli.run import show
from hfaas_tui.run import Outcome, Stuck
from hfaas_tui.tally import Tally

PLAIN = Tally("split", succeeded=1, durations=[10], peak_mb=30, memory_mb=128)
DELEGATED = Tally(
    "detect",
    succeeded=2,
    durations=[60_000],
    peak_mb=900,
    delegated=2,
    jobs=2,
    causes=Counter(time=2),
    notes=Counter({"on CPU instead of 1 GPU": 2}),
)
OUTCOME = Outcome({"runs_images": True}, (PLAIN,), (), (), (Path("a"),), {}, 1.0)


def printed(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    show(outcome, Path("out"))
    said = capsys.readouterr()
    return said.out, said.err


def test_batch_is_a_column_only_where_there_were_jobs(capsys: pytest.CaptureFixture[str]) -> None:
    assert "in Batch" not in printed(OUTCOME, capsys)[0]
    assert "in Batch" in printed(replace(OUTCOME, tallies=(PLAIN, DELEGATED)), capsys)[0]


def test_jobs_are_told_with_the_causes_and_in_what_they_got_less(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = printed(replace(OUTCOME, tallies=(PLAIN, DELEGATED)), capsys)

    assert "2 jobs: 2 because time was over" in out
    assert "detect: 2 jobs got less than asked for: on CPU instead of 1 GPU" in out
    assert "900 MB" in out


def test_a_job_that_can_never_start_fails_the_run_and_is_told_with_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stuck = replace(OUTCOME, stuck=(Stuck("detect", "j", "needs 1 GPU: no NVIDIA GPU here", "add --gpu fallback"),))

    _, err = printed(stuck, capsys)

    assert not stuck.ok
    assert "job j of detect can never start: needs 1 GPU: no NVIDIA GPU here" in err
    assert "add --gpu fallback" in err


def test_onetrigger_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    looks = Tally("split-onetrigger", succeeded=3, durations=[20], peak_mb=28)

    out, _ = printed(replace(OUTCOME, watchers=(looks,)), capsys)

    assert "OneTrigger looked 3 times for split: 20 ms, 28 MB" in out
    assert "split-onetrigger" not in out
