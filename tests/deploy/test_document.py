"""YAML as a tree with places, and the YAML that is refused."""

from __future__ import annotations

import pytest

from hfaas_deploy.findings import Spot
from hfaas_deploy.language.document import Map, Scalar, merge, read


def refusal(text: str | bytes) -> tuple[int, int, str, str]:
    data = text if isinstance(text, bytes) else text.encode()
    _, findings = read(data, "p.yaml")
    first = findings[0]
    return first.spot.line, first.spot.column, first.code, first.message


def tree(text: str) -> Map:
    found, findings = read(text.encode(), "p.yaml")
    assert not findings
    return found


def text_of(found: Map, name: str) -> str:
    value = found.get(name)
    assert isinstance(value, Scalar)
    return value.text


def test_each_value_knows_its_line_and_column() -> None:
    value = tree("a:\n  b: 1\n").map("a").get("b")

    assert value and value.spot == Spot("p.yaml", 2, 6)


@pytest.mark.parametrize("written", ["0.10", "yes", "1e3", "012", "200", "2020-01-01", "1:30"])
def test_a_scalar_stays_as_it_was_written(written: str) -> None:
    assert text_of(tree(f"a: {written}"), "a") == written


def test_a_null_value_is_no_key() -> None:
    assert tree("a:\nb: ~\nc: x").entries.keys() == {"c"}


def test_an_empty_text_is_a_value() -> None:
    assert text_of(tree('a: ""'), "a") == ""


def test_merge_keys_work_and_own_keys_win() -> None:
    found = tree("base: &b {x: 1, y: 2}\na: {<<: *b, y: 3}").map("a")

    assert (text_of(found, "x"), text_of(found, "y")) == ("1", "3")


def test_a_list_of_merged_maps_prefers_the_first() -> None:
    found = tree("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}").map("c")

    assert (text_of(found, "x"), text_of(found, "y")) == ("1", "2")


def test_a_byte_order_mark_is_no_error() -> None:
    found, findings = read(b"\xef\xbb\xbfa: 1", "p.yaml")

    assert not findings
    assert text_of(found, "a") == "1"


@pytest.mark.parametrize(
    ("text", "line", "column", "code"),
    [
        ("a: 1\na: 2\n", 2, 1, "duplicate"),
        ("a: ~\na: 2\n", 2, 1, "duplicate"),
        ("a: 1\n---\nb: 2\n", 2, 1, "documents"),
        ("a: !!python/object:os.system x\n", 1, 4, "tag"),
        ("a: !custom x\n", 1, 4, "tag"),
        ("a: &x [*x]\n", 1, 4, "recursive"),
        ("a: [1, 2\nb: 3\n", 2, 2, "yaml"),
        ("a:\n\tb: 1\n", 2, 1, "yaml"),
        ("- a\n", 1, 1, "type"),
        ("just text\n", 1, 1, "type"),
        ("", 1, 1, "empty"),
        ("# only a comment\n", 1, 1, "empty"),
        ("? [a, b]\n: 1\n", 1, 3, "key"),
        ("a: {<<: 3}\n", 1, 9, "merge"),
        ("a: *nowhere\n", 1, 4, "yaml"),
        ("a: " + "[" * 100 + "]" * 100, 1, 63, "depth"),
        ("a: x\n\x07", 2, 1, "yaml"),
    ],
)
def test_what_is_refused_is_named_with_its_place(text: str, line: int, column: int, code: str) -> None:
    assert refusal(text)[:3] == (line, column, code)


def test_bytes_that_are_not_utf8_are_named_with_their_line() -> None:
    assert refusal(b"a: 1\nb: \xff\n")[:3] == (2, 1, "encoding")


def test_more_than_a_mebibyte_is_refused() -> None:
    assert refusal(b"a: " + b"x" * (1 << 20))[2] == "too-large"


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert refusal("\n".join(lines))[2] == "aliases"


def test_merging_goes_deep_but_lists_replace() -> None:
    merged = merge(tree("a: {x: 1, y: 1}\nl: [1, 2]"), tree("a: {y: 2}\nl: [3]"))

    assert text_of(merged.map("a"), "x") == "1"
    assert text_of(merged.map("a"), "y") == "2"
    listed = merged.get("l")
    assert listed and not isinstance(listed, Scalar | Map) and len(listed.items) == 1
