"""CDMI's JSON: objects, containers and capabilities, and the selection of their fields by the query."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hfaas_emulator.edge import Receive, Scope, Send
from hfaas_emulator.onedata import ids
from hfaas_emulator.onedata.answers import dumped, json_response
from hfaas_emulator.onedata.attributes import public
from hfaas_emulator.onedata.downloads import BINARY, opened
from hfaas_emulator.onedata.errors import bad, malformed, not_found
from hfaas_emulator.onedata.node import Node
from hfaas_emulator.onedata.provider import Provider
from hfaas_emulator.onedata.writes import COMPLETE, ENCODING, MIME, STATUS

CONTAINER = "application/cdmi-container"
OBJECT = "application/cdmi-object"
CAPABILITY = "application/cdmi-capability"
ENCODINGS = ("utf-8", "base64")

_SELECTED = re.compile(r"([A-Za-z_]+)(?::(.*))?")
_RANGE = re.compile(r"(\d{1,18})-(\d{1,18})")
_THIRDS = 3 << 17
"""Bytes that are encoded at once: a multiple of three."""


@dataclass(frozen=True, slots=True)
class Described:
    """What is told of a node: its path, its custom metadata, its owner, its children's names."""

    node: Node
    path: str
    custom: Mapping[str, Any]
    owner: str
    children: Sequence[str]

    @property
    def encoding(self) -> str:
        return str(self.custom.get(ENCODING) or "base64")


def wanted(query: str) -> dict[str, str]:
    """Return the fields that a query selects, each with what follows its colon; all when it selects none."""
    found = {}
    for part in filter(None, re.split(r"[;&]", query)):
        if matched := _SELECTED.fullmatch(part):
            found[matched.group(1)] = matched.group(2) or ""
    return found


def value_offset(query: str) -> int | None:
    """Return where a partial value goes; None when it is whole."""
    selected = wanted(query).get("value", "")
    return _range("value", selected)[0] if selected else None


def _range(key: str, text: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(text)
    if not found or int(found.group(1)) > int(found.group(2)):
        raise bad("Range", key, "is not a range")
    return int(found.group(1)), int(found.group(2)) + 1


def whole_range(listed: Sequence[Any]) -> str:
    """Return the range of a list from its begin to its end."""
    return f"0-{len(listed) - 1}" if listed else ""


def decoded(value: Any, encoding: str) -> bytes:
    """Return the bytes of a value; OnedataError when they are not so encoded."""
    if encoding not in ENCODINGS:
        raise bad("NotAllowed", "valuetransferencoding", "must be utf-8 or base64", allowed=list(ENCODINGS))
    if not isinstance(value, str):
        raise malformed()
    try:
        return value.encode() if encoding == "utf-8" else base64.b64decode(value, validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        raise malformed() from error


def response(provider: Provider, about: Described, selected: Mapping[str, str]) -> Response:
    """Answer what is selected of a node."""
    fields = _fields(about)
    if about.node.is_directory:
        fields.update(_children(about, selected))
        return json_response(_select(fields, selected), kind=CONTAINER)
    fields.update(mimetype=about.custom.get(MIME) or BINARY, valuetransferencoding=about.encoding)
    told = _select(fields, selected)
    if selected and "value" not in selected and "valuerange" not in selected:
        return json_response(told, kind=OBJECT)
    size = about.node.size
    start, stop = _range("value", selected["value"]) if selected.get("value") else (0, size)
    stop = min(stop, size)
    told["valuerange"] = f"{start}-{stop - 1}" if start < stop else ""
    if selected and "value" not in selected:
        return json_response(told, kind=OBJECT)
    return _Valued(provider, about, told, (start, stop), partial=bool(selected.get("value")))


def _fields(about: Described) -> dict[str, Any]:
    node, kind = about.node, "container" if about.node.is_directory else "dataobject"
    parent = about.path.rpartition("/")[0] + "/"
    return {
        "objectType": CONTAINER if node.is_directory else OBJECT,
        "objectID": node.id,
        "objectName": f"{node.name}/" if node.is_directory else node.name,
        "parentURI": parent,
        **({"parentID": node.parent_id} if node.parent_id else {}),
        "capabilitiesURI": f"cdmi_capabilities/{kind}/",
        "completionStatus": about.custom.get(STATUS) or COMPLETE,
        "metadata": _metadata(about),
    }


def _metadata(about: Described) -> dict[str, Any]:
    node = about.node
    system = {
        **({} if node.is_directory else {"cdmi_size": str(node.size)}),
        "cdmi_ctime": _moment(node.ctime),
        "cdmi_atime": _moment(node.atime),
        "cdmi_mtime": _moment(node.mtime),
        "cdmi_owner": about.owner,
    }
    return {**system, **public(dict(about.custom))}


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _children(about: Described, selected: Mapping[str, str]) -> dict[str, Any]:
    listed, start = list(about.children), 0
    if selected.get("children"):
        start, stop = _range("children", selected["children"])
        listed = listed[start:stop]
    told = f"{start}-{start + len(listed) - 1}" if listed else ""
    return {"childrenrange": told, "children": listed}


def _select(fields: Mapping[str, Any], selected: Mapping[str, str]) -> dict[str, Any]:
    if not selected:
        return dict(fields)
    told = {key: value for key, value in fields.items() if key in selected}
    if prefix := selected.get("metadata"):
        told["metadata"] = {key: value for key, value in fields["metadata"].items() if key.startswith(prefix)}
    return told


class _Valued(Response):
    """A data object with its value, which is encoded a piece at a time."""

    def __init__(
        self,
        provider: Provider,
        about: Described,
        told: dict[str, Any],
        span: tuple[int, int],
        *,
        partial: bool,
    ) -> None:
        super().__init__()
        self._provider = provider
        self._about = about
        self._told = told
        self._span = span
        self._base64 = partial or about.encoding == "base64"
        if partial:
            self._told["valuetransferencoding"] = "base64"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": [(b"content-type", OBJECT.encode())],
            }
        )
        async for piece in self._body():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _body(self) -> AsyncIterator[bytes]:
        head = dumped(self._told)[:-1]
        yield head + (b"," if self._told else b"") + b'"value":"'
        async with opened(self._provider, self._about.node) as (_, reader):
            text = codecs.getincrementaldecoder("utf-8")("replace")
            async for piece in reader.pieces(*self._span, _THIRDS) if reader else _nothing():
                yield base64.b64encode(piece) if self._base64 else _escaped(text.decode(piece))
            if not self._base64:
                yield _escaped(text.decode(b"", final=True))
        yield b'"}'


def _escaped(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def capabilities(path: Sequence[str]) -> Response:
    """Answer what the system, containers or data objects can do; 404 for others."""
    pages = {(): 1, ("container",): 2, ("dataobject",): 3}
    number = pages.get(tuple(path))
    if number is None:
        raise not_found()
    name, parent = ("/".join(("cdmi_capabilities", *path)) + "/").rsplit("/", 2)[-2] + "/", "cdmi_capabilities/"
    about: dict[str, Any] = {
        "objectType": CAPABILITY,
        "objectID": ids.capability_id(number),
        "objectName": name,
        "parentURI": "/" if number == 1 else parent,
        **({} if number == 1 else {"parentID": ids.capability_id(1)}),
        "capabilities": _CAPABILITIES[number],
        "childrenrange": "0-1" if number == 1 else "",
        "children": ["container/", "dataobject/"] if number == 1 else [],
    }
    return json_response(about, kind=CAPABILITY)


_METADATA = dict.fromkeys(("cdmi_size", "cdmi_ctime", "cdmi_atime", "cdmi_mtime"), "true")
_CAPABILITIES: Mapping[int, Mapping[str, str]] = {
    1: dict.fromkeys(
        (
            "cdmi_dataobjects",
            "cdmi_object_access_by_ID",
            "cdmi_object_move_from_local",
            "cdmi_object_copy_from_local",
        ),
        "true",
    ),
    2: {
        **_METADATA,
        **dict.fromkeys(
            (
                "cdmi_list_children",
                "cdmi_list_children_range",
                "cdmi_read_metadata",
                "cdmi_modify_metadata",
                "cdmi_create_dataobject",
                "cdmi_create_container",
                "cdmi_delete_container",
            ),
            "true",
        ),
    },
    3: {
        **_METADATA,
        **dict.fromkeys(
            (
                "cdmi_read_value",
                "cdmi_read_value_range",
                "cdmi_read_metadata",
                "cdmi_modify_value",
                "cdmi_modify_value_range",
                "cdmi_modify_metadata",
                "cdmi_delete_dataobject",
            ),
            "true",
        ),
    },
}
