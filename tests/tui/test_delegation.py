from __future__ import annotations

import pytest

from hfaas_tui.delegation import because


@pytest.mark.parametrize(
    ("cause", "seconds", "words"),
    [
        ("time after 285.0 s", None, "time was over after 285.0 s"),
        ("time", 285.0, "time was over after 285.0 s"),
        ("memory after 3.2 s", None, "memory was used up after 3.2 s"),
        ("gpu after 0.0 s", None, "it asks for a GPU"),
        ("mode", 0.1, "its mode is batch"),
        ("something new after 1.0 s", None, "something new after 1.0 s"),
    ],
)
def test_a_cause_is_told_in_words_and_with_its_time_where_that_matters(
    cause: str, seconds: float | None, words: str
) -> None:
    assert because(cause, seconds) == words
