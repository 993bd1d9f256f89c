from __future__ import annotations

from hfaas_emulator.logs.lines import LINE_LIMIT, Lines


def cut(*chunks: bytes) -> list[str]:
    taken: list[str] = []
    lines = Lines(taken.extend)
    for chunk in chunks:
        lines.feed(chunk)
    lines.finish()
    lines.finish()
    return taken


def test_a_line_that_comes_in_pieces_is_one_line() -> None:
    assert cut(b"he", b"llo\nwor", b"ld\n") == ["hello\n", "world\n"]


def test_what_is_left_without_a_newline_is_a_line_once() -> None:
    assert cut(b"a\nb") == ["a\n", "b\n"]


def test_a_line_longer_than_a_log_event_is_cut() -> None:
    assert [len(line) for line in cut(b"x" * (LINE_LIMIT + 3) + b"\n")] == [LINE_LIMIT + 1, 4]


def test_an_endless_line_does_not_wait_for_its_newline() -> None:
    taken: list[str] = []
    Lines(taken.extend).feed(b"x" * (LINE_LIMIT + 1))
    assert len(taken) == 1


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert cut(b"\xff\n") == ["�\n"]
