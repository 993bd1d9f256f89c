"""Names: unique logical ids, and bucket names as AWS wants them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfaas_deploy import names

FUNCTION_NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
KINDS = st.sampled_from(["Function", "Role", "Logs", "Retries", "Image", "Bucket", "Permission"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("split", "SplitRole"), ("detect-faces", "DetectFacesRole"), ("v2", "V2Role")],
)
def test_plain_names_read_well(name: str, expected: str) -> None:
    assert names.logical(name, "Role") == expected


@pytest.mark.parametrize("name", ["Split", "a_b", "1st", "a-1", "a--b", "-", "a.b"])
def test_other_names_get_a_hash(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]*X[0-9a-f]{6}Role", names.logical(name, "Role"))


@given(st.tuples(FUNCTION_NAMES, KINDS), st.tuples(FUNCTION_NAMES, KINDS))
def test_different_things_have_different_logical_ids(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (names.logical(*one) == names.logical(*other)) == (one == other)


@given(FUNCTION_NAMES, KINDS)
def test_logical_ids_are_what_cloudformation_takes(name: str, kind: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]{1,255}", names.logical(name, kind))


@given(st.text(max_size=80))
def test_a_suggested_bucket_name_is_a_good_one(text: str) -> None:
    suggestion = names.suggest_bucket(text)

    assert not suggestion or not names.bucket_fault(suggestion)


@pytest.mark.parametrize("name", ["abc", "my-films", "a.b.c", "1films", "x" * 63])
def test_good_bucket_names_have_no_fault(name: str) -> None:
    assert names.bucket_fault(name) == ""
