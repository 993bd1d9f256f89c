"""A deletion of several objects as a document: what is refused leaves the request and comes into the answer."""

from __future__ import annotations

import pytest

from hfaas_emulator.permissions import s3_deletions

PLAIN = b"<Delete><Object><Key>a</Key></Object><Object><Key>b&amp;c</Key><VersionId>v</VersionId></Object></Delete>"


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        PLAIN.replace(b"<Delete>", b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'),
        PLAIN.replace(b"<Key>a</Key>", b"<Key ><![CDATA[a]]></Key >"),
        PLAIN.replace(b"<Object>", b'<Object x="1">'),
    ],
)
def test_an_object_is_found_however_it_is_written(body: bytes) -> None:
    assert list(s3_deletions.objects(body)) == [("a", ""), ("b&c", "v")]


def test_what_is_refused_is_no_longer_asked_for_and_the_rest_is() -> None:
    kept, errors = s3_deletions.without(PLAIN, {("b&c", "v"): "no"})
    assert list(s3_deletions.objects(kept)) == [("a", "")]
    assert errors == (
        "<Error><Key>b&amp;c</Key><VersionId>v</VersionId><Code>AccessDenied</Code><Message>no</Message></Error>"
    )


def test_nothing_is_left_when_everything_is_refused() -> None:
    assert s3_deletions.without(PLAIN, {("a", ""): "no", ("b&c", "v"): "no"})[0] == b""


def test_what_is_no_document_is_left_to_s3() -> None:
    assert list(s3_deletions.objects(b"nonsense")) == []
    assert s3_deletions.without(b"nonsense", {}) == (b"nonsense", "")
