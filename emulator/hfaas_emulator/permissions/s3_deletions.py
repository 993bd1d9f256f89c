"""A deletion of several objects: those that are not allowed become errors of the answer, the others are deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from xml.sax.saxutils import escape

OBJECT = re.compile(r"<Object>.*?</Object>", re.DOTALL)
_KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)
_VERSION = re.compile(r"<VersionId>(.*?)</VersionId>", re.DOTALL)
_RESULT = '<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}</DeleteResult>'


def objects(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield key and version of each object that a request names."""
    for found in OBJECT.finditer(body.decode("utf-8", "replace")):
        yield _text(_KEY, found[0]), _text(_VERSION, found[0])


def without(body: bytes, refused: Mapping[tuple[str, str], str]) -> tuple[bytes, str]:
    """Take out of a request what is refused, by key and version; and return the errors, as XML.

    Nothing is left of the request when no object is.
    """
    if not refused:
        return body, ""
    errors = "".join(_error(key, version, message) for (key, version), message in refused.items())
    if not set(objects(body)) - refused.keys():
        return b"", errors
    text = body.decode("utf-8", "replace")
    kept = OBJECT.sub(lambda it: "" if (_text(_KEY, it[0]), _text(_VERSION, it[0])) in refused else it[0], text)
    return kept.encode(), errors


def answer(errors: str, rest: bytes = b"") -> bytes:
    """Return the answer about the others with the errors in it."""
    if b"</DeleteResult>" not in rest:
        return _RESULT.format(errors).encode()
    head, end, tail = rest.rpartition(b"</DeleteResult>")
    return head + errors.encode() + end + tail


def _text(pattern: re.Pattern[str], within: str) -> str:
    found = pattern.search(within)
    return unescape(found[1]) if found else ""


def _error(key: str, version: str, message: str) -> str:
    which = f"<VersionId>{escape(version)}</VersionId>" if version else ""
    return f"<Error><Key>{escape(key)}</Key>{which}<Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>"
