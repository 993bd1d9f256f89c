from __future__ import annotations

import pytest

from hfaas_tui.clean import clean


@pytest.mark.parametrize(
    "text", ["\x1b]52;c;x\x07", "\x1b[2J", "\x9b31m", "a\x08b", "\u202eabc", "\u2066abc", "over\rwritten", "\x00"]
)
def test_nothing_a_terminal_obeys_is_left(text: str) -> None:
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in clean(text))
    assert "\u202e" not in clean(text)


@pytest.mark.parametrize("text", ["plain", "tab\there", "two\nlines", "Grüße 人 é"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text
