from __future__ import annotations

import pytest

from hfaas_tui.output import console, duration, table


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-0.1, "0.0 s"),
        (1.26, "1.3 s"),
        (9.99, "10.0 s"),
        (59.9, "59 s"),
        (60, "1 min 0 s"),
        (3725, "1 h 2 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_told_in_the_units_that_matter(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_word_between_colons_is_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(table(("arn",), [("arn:aws:secretsmanager:eu-west-1:1:secret:a",)]))

    assert "secretsmanager:eu-west-1:1:secret:a" in capsys.readouterr().out
