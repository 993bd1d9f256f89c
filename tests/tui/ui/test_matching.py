"""Filters: words, columns, comparisons, and regexes that a child process tries."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from tests.tui.ui.slow import late_python

from hfaas_tui.errors import CliError
from hfaas_tui.ui.matching.matching import Sieve, parse, quantity, tried

ROW = {"state": "✓ ready", "name": "mask-detector-image", "memory": "2048", "gpus": "1", "p95": "1m03s"}


def matches(text: str) -> bool:
    return parse(text).matches(ROW.__getitem__, list(ROW))


@pytest.mark.parametrize(
    ("text", "is_match"),
    [
        ("", True),
        ("MASK", True),
        ("mask ready", True),
        ("mask failed", False),
        ("!failed", True),
        ("!mask", False),
        ("!", True),
        ("name:mask", True),
        ("state:mask", False),
        ("na:mask", True),
        ("name:", True),
        ("gpu:>0", True),
        ("gpu:>1", False),
        ("!gpu:>1", True),
        ("mem:>=2,000", True),
        ("mem:<3000", True),
        ("p95:>60s", True),
        ("p95:>2m", False),
        ("gpus:=1", True),
        ("s3://bucket", False),
        ('"tector-im"', True),
        ("a.b", False),
    ],
)
def test_a_row_passes_when_every_word_holds(text: str, is_match: bool) -> None:
    assert matches(text) is is_match


def test_a_word_that_names_no_column_is_text() -> None:
    assert parse("s3://films/in").matches(lambda _: "s3://films/in/a.avi", ["uri"])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("-", None),
        ("640ms", 0.64),
        ("1m52s", 112),
        ("3h04m", 11040),
        ("412 KB", 412e3),
        ("0.2%", 0.2),
        ("2,048", 2048),
    ],
)
def test_figures_with_units_compare_as_numbers(text: str, number: float | None) -> None:
    assert quantity(text) == number


def test_a_regex_is_tried_by_a_child_and_remembered() -> None:
    sieve = Sieve("^mask.*image$ !state:fail|tmo")
    assert not sieve.keeps(ROW.__getitem__, list(ROW))
    assert sieve.is_pending
    sieve.settle()
    assert sieve.keeps(ROW.__getitem__, list(ROW))
    assert not sieve.is_pending


def test_a_pattern_that_is_no_regex_is_told_and_hides_nothing() -> None:
    sieve = Sieve("mask(")
    sieve.keeps(ROW.__getitem__, list(ROW))
    sieve.settle()
    assert "unterminated subpattern" in sieve.problem
    assert sieve.keeps(ROW.__getitem__, list(ROW))


def test_a_catastrophic_pattern_is_killed() -> None:
    began = time.monotonic()
    with pytest.raises(CliError, match="takes too long"):
        tried("(a+)+$", ["a" * 40 + "!"], patience=0.3)
    assert time.monotonic() - began < 60


def test_what_a_busy_machine_keeps_a_pattern_waiting_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", late_python(tmp_path, 0.7))
    assert tried("^a+$", ["aaa", "b"], patience=0.3) == [True, False]


def test_ten_thousand_texts_are_answered_in_order() -> None:
    found = tried("7$", [str(number) for number in range(10_000)])
    assert [number for number, is_match in enumerate(found) if is_match][:2] == [7, 17]
    assert len(found) == 10_000
