"""A deletion of several objects: those that are not allowed become errors of the answer, the others are deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

_RESULT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}</DeleteResult>'
)


def objects(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield key and version of each object that a request names; S3 itself says what is no request."""
    document = _read(body)
    for each in _objects(document) if document is not None else ():
        yield _named(each)


def without(body: bytes, refused: Mapping[tuple[str, str], str]) -> tuple[bytes, str]:
    """Take out of a request what is refused, by key and version; and return the errors, as XML.

    Nothing is left of the request when no object is.
    """
    document = _read(body) if refused else None
    if document is None:
        return body, ""
    errors = "".join(_error(key, version, message) for (key, version), message in refused.items())
    for each in _objects(document):
        if _named(each) in refused:
            document.remove(each)
    return (_plain(document) if _objects(document) else b""), errors


def _plain(document: ET.Element) -> bytes:
    """Write a request without namespaces, which moto does not understand under other names."""
    for each in document.iter():
        each.tag = _local(each)
    return ET.tostring(document)


def answer(errors: str, rest: bytes = b"") -> bytes:
    """Return the answer about the others with the errors in it."""
    if b"</DeleteResult>" not in rest:
        return _RESULT.format(errors).encode()
    head, end, tail = rest.rpartition(b"</DeleteResult>")
    return head + errors.encode() + end + tail


def _read(body: bytes) -> ET.Element | None:
    try:
        return ET.fromstring(body)  # noqa: S314  moto reads the same text with the same parser
    except ET.ParseError:
        return None


def _objects(document: ET.Element) -> list[ET.Element]:
    return [each for each in document if _local(each) == "Object"]


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _named(element: ET.Element) -> tuple[str, str]:
    found = {_local(each): each.text or "" for each in element}
    return found.get("Key", ""), found.get("VersionId", "")


def _error(key: str, version: str, message: str) -> str:
    which = f"<VersionId>{escape(version)}</VersionId>" if version else ""
    return f"<Error><Key>{escape(key)}</Key>{which}<Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>"
