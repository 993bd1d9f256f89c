"""What functions write becomes text that does nothing to a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfaas_tui.ui.logs.ansi import LONGEST, PLAIN, Look, Piece, pieces, plain

PARTS = st.sampled_from(
    [
        *(b"\x1b", b"\x1b[", b"\x1b]52;c;", b"\x1bP", b"\x07", b"\x1b\\", b"\xc2\x9b", b"\xc2\x9d", b"\xc2\x9c"),
        *(
            b"31",
            b"38;5;",
            b"38;2;1;2;",
            b"48;2;",
            b";",
            b":",
            b"m",
            b"J",
            b"\r",
            b"\t",
            b"\x00",
            b"text",
            b"99999999m",
        ),
        *("\u202e\u2066\u200b\u2028\ufeff\u3164\ufe0f\U000e0041".encode(), "é漢👩".encode(), b"\xff\xfe"),
    ]
)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain text", "plain text"),
        (b"", ""),
        (b"A\x1b]52;c;ZXZpbA==\x07B", "AB"),
        (b"A\x1b]0;title\x1b\\B", "AB"),
        (b"A\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\B", "AlinkB"),
        (b"A\x1b]0;never ended", "A"),
        (b"A\x1b]0;broken off\x1b[31mB", "AB"),
        (b"A\x1bPq#0;2;0\x1b\\B\x1b_x\x1b\\C\x1b^y\x1b\\D\x1bXz\x1b\\E", "ABCDE"),
        (b"A\x1b[2J\x1b[?25l\x1b[1;1H\x1b[>4;1m\x1b[cB", "AB"),
        (b"A\x1bcB\x1b(0C\x1b7D", "ABCD"),
        (b"A\xc2\x9b31mB\xc2\x9d0;t\xc2\x9cC\xc2\x85D", "ABCD"),
        (b"A\x9bB", "A\ufffdB"),
        (b"\x00\x07\x08\x0b\x0c\x7fA", "A"),
        (b"ab\tc\td", "ab  c   d"),
        (b"a\x1b[31mb\tc", "ab  c"),
        (b" 10%\r 50%\r100%", "100%"),
        (b"windows\r", "windows"),
        ("\u202eevil\u2066\u200b\ufeff\u2028".encode(), "evil"),
        ("a\u00a0b\u3000c".encode(), "a b c"),
        ("\u3164\ufe0f\u115f\U000e0041x".encode(), "x"),
        ("\ue000".encode(), "\ufffd"),
        ("e\u0301 👩".encode(), "e\u0301 👩"),
    ],
)
def test_everything_but_text_goes(raw: bytes, text: str) -> None:
    assert plain(raw) == text


@pytest.mark.parametrize(
    ("codes", "look"),
    [
        (b"31", Look(1)),
        (b"1;31", Look(1, bold=True)),
        (b"2", Look(dim=True)),
        (b"4", Look(underline=True)),
        (b"1;2;22", PLAIN),
        (b"4;24", PLAIN),
        (b"31;39", PLAIN),
        (b"31;0", PLAIN),
        (b"31;", PLAIN),
        (b"97", Look(15)),
        (b"38;5;196", Look(196)),
        (b"38:5:196", Look(196)),
        (b"38;2;255;128;0", Look((255, 128, 0))),
        (b"38;5;196;1", Look(196, bold=True)),
        (b"48;5;1;31", Look(1)),
        (b"48;2;1;2;3;4", Look(underline=True)),
        (b"30", PLAIN),
        (b"30;40", PLAIN),
        (b"38;5;16", PLAIN),
        (b"38;5;233", PLAIN),
        (b"38;2;10;10;10", PLAIN),
        (b"38;5;999", PLAIN),
        (b"38;5", PLAIN),
        (b"7", PLAIN),
        (b"5;8;31", Look(1)),
        (b"99999999999", PLAIN),
    ],
)
def test_foreground_bold_dim_and_underline_stay(codes: bytes, look: Look) -> None:
    assert pieces(b"\x1b[" + codes + b"mx") == [Piece("x", look)]


def test_a_line_of_many_bytes_is_cut_before_it_is_parsed() -> None:
    assert len(plain(b"x" * 90_000)) == LONGEST
    assert len(plain(b"\x1b[31m" * 90_000 + b"x")) == 0


@given(st.lists(st.one_of(PARTS, st.binary(max_size=8)), max_size=30).map(b"".join))
def test_no_byte_gets_through_that_a_terminal_could_obey(raw: bytes) -> None:
    for text, look in pieces(raw):
        assert text.isprintable()
        assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)
        assert look.colour is None or isinstance(look.colour, tuple) or 0 < look.colour < 256
