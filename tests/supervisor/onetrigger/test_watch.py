"""Which files and folders are watched."""

from __future__ import annotations

import pytest

from hfaas_supervisor.onetrigger.watch import Watch


@pytest.mark.parametrize(
    ("path", "wanted"), [("in/a.avi", True), ("in/deep/b.mp4", True), ("in/a.jpg", False), ("out/a.avi", False)]
)
def test_only_files_with_one_of_the_suffixes_are_wanted(path: str, wanted: bool) -> None:
    assert Watch("films", "in", suffix=(".avi", ".mp4")).wants(path) is wanted


def test_a_folder_needs_no_suffix_to_be_looked_into() -> None:
    assert Watch("films", "in", suffix=(".avi",)).concerns("in/deep")


def test_without_suffixes_every_file_is_wanted() -> None:
    assert Watch("films", "in").wants("in/a")
