from __future__ import annotations

import pytest

from hfaas_emulator.onedata import ranges


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=2-100", [(2, 10)]),
        ("bytes=4-", [(4, 10)]),
        ("bytes=-3", [(7, 10)]),
        ("bytes=-30", [(0, 10)]),
        ("bytes=0-1, 5-6", [(0, 2), (5, 7)]),
    ],
)
def test_ranges_are_clipped_to_the_file(header: str, found: list[tuple[int, int]]) -> None:
    assert ranges.read(header, 10) == found


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=5-2", "lines=1-2", "bytes=-", "bytes=a-b", "bytes=-0", "x"])
def test_what_is_not_there_cannot_be_had(header: str) -> None:
    with pytest.raises(ranges.Unsatisfiable):
        ranges.read(header, 10)


def test_an_empty_file_has_no_ranges() -> None:
    with pytest.raises(ranges.Unsatisfiable):
        ranges.read("bytes=0-", 0)
