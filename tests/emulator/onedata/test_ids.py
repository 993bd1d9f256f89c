from __future__ import annotations

import pytest

from hfaas_emulator.onedata import ids


def test_an_identifier_says_which_node_of_which_space() -> None:
    uuid, space = ids.new_id(), ids.new_id()
    text = ids.file_id(uuid, space)
    assert ids.read(text) == (uuid, space)
    assert text == text.upper()
    assert text.startswith("0000000000")


@pytest.mark.parametrize(("number", "crc"), [(1, "8CA8"), (2, "8DE8"), (3, "4D29")])
def test_the_checksum_is_onedatas(number: int, crc: str) -> None:
    assert ids.capability_id(number) == f"000000000020{crc}" + "30" * 31 + f"3{number}"


@pytest.mark.parametrize(
    "text", ["", "zz", "00", "0" * 40, ids.capability_id(1), ids.file_id("a", "b")[:-2] + "63"]
)
def test_what_is_no_identifier_is_not_taken_for_one(text: str) -> None:
    assert ids.read(text) is None


def test_identifiers_look_like_onedatas() -> None:
    made = ids.new_id()
    assert (len(made), made[32:34]) == (38, "ch")
