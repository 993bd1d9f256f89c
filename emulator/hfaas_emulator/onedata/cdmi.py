"""`/cdmi/...`: CDMI 1.1.1. A path that ends in `/` is a container, any other a data object.

With the version header and CDMI's content types the bodies are CDMI's JSON (`cdmi_json.py`); without them a data
object is its bytes. By its status CDMI alone tells when an upload is complete.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hfaas_emulator.onedata import cdmi_json
from hfaas_emulator.onedata.answers import json_response, nothing
from hfaas_emulator.onedata.attributes import public
from hfaas_emulator.onedata.cdmi_json import CONTAINER, OBJECT
from hfaas_emulator.onedata.content import PIECE
from hfaas_emulator.onedata.downloads import BINARY, Download, opened
from hfaas_emulator.onedata.errors import (
    OnedataError,
    Redirect,
    bad,
    malformed,
    missing,
    not_found,
    posix,
)
from hfaas_emulator.onedata.metadata import check_name, edit
from hfaas_emulator.onedata.node import Kind, Node
from hfaas_emulator.onedata.paths import quoted, segments
from hfaas_emulator.onedata.provider import Provider
from hfaas_emulator.onedata.request import METADATA_LIMIT, Asked
from hfaas_emulator.onedata.routes import Route
from hfaas_emulator.onedata.uploads import How, write
from hfaas_emulator.onedata.writes import COMPLETE, ENCODING, MIME

VERSIONS = ("1.1.1", "1.1")
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\*|\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request points: a directory that exists and the names below it, none for the directory itself."""

    top: Node
    names: tuple[str, ...]


def version(asked: Asked) -> str:
    """Return CDMI's version in the request, or nothing; OnedataError badVersion when we know none of those."""
    header = asked.headers.get("x-cdmi-specification-version", "")
    offered = [each.strip() for each in header.split(",") if each.strip()]
    known = [each for each in offered if each in VERSIONS]
    if offered and not known:
        raise OnedataError(400, "badVersion", "CDMI version is not supported.", supportedVersions=["1.1.1"])
    return known[0] if known else ""


def _need_version(asked: Asked) -> None:
    if not version(asked):
        raise missing("version")


async def _place(provider: Provider, asked: Asked) -> Place:
    """Find where the path begins: at a space by its name, or at the node with an objectID."""
    if asked.segments[1:2] == ("cdmi_objectid",):
        if len(asked.segments) < 3:
            raise not_found()
        return Place(await provider.node(asked.grant, asked.segments[2]), asked.segments[3:])
    space = await provider.space(asked.grant, asked.segments[1])
    return Place(await provider.records(provider.records.tree.root, space.id), asked.segments[2:])


async def _find(provider: Provider, place: Place, *, follow: bool = True) -> Node | None:
    tree = provider.records.tree
    try:
        return await provider.records(lambda: tree.resolve(place.top, place.names, follow=follow))
    except OnedataError as error:
        if error.errno == "enoent":
            return None
        raise


async def _there(provider: Provider, asked: Asked, *, follow: bool = True) -> Node:
    """Return the node that a request points to; 404, or a redirect when the slash is wrong."""
    try:
        found = await _find(provider, await _place(provider, asked), follow=follow)
    except OnedataError as error:
        if error.errno in ("enoent", "enotdir"):
            raise not_found() from error
        raise
    if found is None:
        raise not_found()
    _check_slash(provider, asked, found)
    return found


def _check_slash(provider: Provider, asked: Asked, node: Node) -> None:
    if node.is_directory == asked.slash:
        return
    path = quoted("/" + "/".join(asked.segments)) + ("" if asked.slash else "/")
    query = f"?{asked.raw_query}" if asked.raw_query else ""
    raise Redirect(f"https://{provider.address.domain_for(asked.host)}{path}{query}")


async def get(provider: Provider, asked: Asked) -> Response:
    """Answer a container, an object, or an object's bytes."""
    spoken = version(asked)
    if len(asked.segments) == 1:
        return await _top(provider, asked)
    node = await _there(provider, asked)
    if node.is_directory:
        _need_version(asked)
        names = await provider.records(lambda: [_shown(each) for each in provider.records.tree.children(node)])
        return await _described(provider, asked, node, names)
    custom = await provider.records(provider.records.store.custom, node.uuid)
    if not spoken:
        await provider.records(provider.records.tree.read, node)
        return Download(provider, asked, node, str(custom.get(MIME) or BINARY))
    return await _described(provider, asked, node, [])


async def _top(provider: Provider, asked: Asked) -> Response:
    """Answer the container of all spaces."""
    _need_version(asked)
    spaces = await provider.records(provider.records.store.spaces)
    names = [f"{each.name}/" for each in spaces if asked.grant.covers(each.id)]
    about = {"objectType": CONTAINER, "objectName": "/", "completionStatus": COMPLETE, "metadata": {}}
    listed = {"childrenrange": cdmi_json.whole_range(names), "children": names}
    return json_response({**about, **listed}, kind=CONTAINER)


def _shown(node: Node) -> str:
    return f"{node.name}/" if node.is_directory else node.name


async def _described(provider: Provider, asked: Asked, node: Node, children: list[str]) -> Response:
    wanted = cdmi_json.wanted(asked.raw_query)

    def describe() -> cdmi_json.Described:
        custom = provider.records.store.custom(node.uuid)
        return cdmi_json.Described(node, provider.records.tree.path(node), custom, provider.user, children)

    described = await provider.records(describe)
    return cdmi_json.response(provider, described, wanted)


async def put(provider: Provider, asked: Asked) -> Response:
    """Make or change a container or an object."""
    spoken = version(asked)
    kind = asked.headers.get("content-type", "").partition(";")[0].strip()
    if len(asked.segments) == 1:
        raise posix("eperm")
    if asked.slash:
        if kind == OBJECT:
            raise bad("Identifier", "path", "is not a valid identifier")
        return await _put_container(provider, asked, described=kind == CONTAINER)
    if kind == CONTAINER:
        raise bad("Identifier", "path", "is not a valid identifier")
    if kind == OBJECT:
        if not spoken:
            raise missing("version")
        return await _put_object(provider, asked)
    return await _put_bytes(provider, asked)


async def _put_container(provider: Provider, asked: Asked, *, described: bool) -> Response:
    asked.grant.check_write()
    if described:
        _need_version(asked)
    body = await asked.options() if described else {}
    place = await _place(provider, asked)
    found = await _find(provider, place)
    if found is not None and not (described and found.is_directory):
        _check_slash(provider, asked, found)
        raise posix("eexist")
    node = found or await _make(provider, place, Kind.DIRECTORY)
    await _set_metadata(provider, node, body)
    if found:
        return nothing()
    if not described:
        return Response(status_code=201)
    response = await _described(provider, asked, node, [])
    response.status_code = 201
    return response


async def _make(provider: Provider, place: Place, kind: Kind) -> Node:
    if not place.names:
        raise posix("eexist")
    tree = provider.records.tree

    def make() -> Node:
        parent = tree.resolve(place.top, place.names[:-1], follow=True)
        return tree.create(parent, place.names[-1], kind)

    return await provider.records(make)


async def _set_metadata(provider: Provider, node: Node, body: dict[str, Any]) -> None:
    wanted = body.get("metadata") or {}
    if not isinstance(wanted, dict):
        raise malformed()
    for name in wanted:
        check_name(name)
    if wanted:
        await edit(provider, node, lambda fields: fields.update(wanted))


async def _file(provider: Provider, asked: Asked) -> tuple[Node, bool]:
    """Return the file to write, and whether it was made for that."""
    place = await _place(provider, asked)
    found = await _find(provider, place)
    if found is None:
        return await _make(provider, place, Kind.FILE), True
    _check_slash(provider, asked, found)
    return found, False


async def _put_bytes(provider: Provider, asked: Asked) -> Response:
    asked.grant.check_write()
    at = _offset(asked.headers.get("content-range", ""))
    node, made = await _file(provider, asked)
    mime = asked.headers.get("content-type") or BINARY
    await provider.records(provider.records.writes.describe, node, mime, "base64")
    partial = asked.headers.get("x-cdmi-partial", "") == "true"
    offset = None if made and not at else at
    await write(provider, node, asked.pieces(), How(offset, announced=True, partial=partial))
    return Response(status_code=201 if made else 204)


def _offset(header: str) -> int | None:
    if not header:
        return None
    found = _RANGE.fullmatch(header)
    if not found or int(found.group(1)) > int(found.group(2)):
        raise bad("Range", "content-range", "is not a range of bytes")
    return int(found.group(1))


async def _put_object(provider: Provider, asked: Asked) -> Response:
    asked.grant.check_write()
    body = await asked.json(METADATA_LIMIT)
    if not isinstance(body, dict):
        raise malformed()
    given = [key for key in ("value", "move", "copy") if key in body]
    if len(given) > 1:
        raise malformed("Only one of `value`, `move` and `copy` may be given.")
    if given and given[0] != "value":
        node, made = await _brought(provider, asked, str(body[given[0]]), move=given[0] == "move")
        await _set_metadata(provider, node, body)
        return await _answered(provider, asked, node, 201 if made else 200)
    node, made = await _file(provider, asked)
    await _set_value(provider, asked, node, body, made=made)
    await _set_metadata(provider, node, body)
    if not made:
        return nothing()
    now = await provider.records(provider.records.tree.get, node.uuid)
    return await _answered(provider, asked, now, 201)


async def _answered(provider: Provider, asked: Asked, node: Node, status: int) -> Response:
    asked.raw_query = "objectType;objectID;objectName;parentURI;parentID;capabilitiesURI;completionStatus;metadata"
    response = await _described(provider, asked, node, [])
    response.status_code = status
    return response


async def _set_value(provider: Provider, asked: Asked, node: Node, body: dict[str, Any], *, made: bool) -> None:
    custom = await provider.records(provider.records.store.custom, node.uuid)
    encoding = str(body.get("valuetransferencoding") or ("utf-8" if made else custom.get(ENCODING) or "utf-8"))
    mime = str(body.get("mimetype") or ("text/plain" if made else custom.get(MIME) or BINARY))
    await provider.records(provider.records.writes.describe, node, mime, encoding)
    if "value" not in body and not made:
        return
    content = cdmi_json.decoded(body.get("value", ""), encoding)
    partial = asked.headers.get("x-cdmi-partial", "") == "true"
    offset = cdmi_json.value_offset(asked.raw_query)
    await write(provider, node, _pieces(content), How(offset, announced=True, partial=partial))


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]


async def _brought(provider: Provider, asked: Asked, source: str, *, move: bool) -> tuple[Node, bool]:
    """Move or copy something to where the request points; return it, and whether nothing was there before."""
    parts = segments(source)
    if parts[:1] == ("cdmi_objectid",):
        top = await provider.node(asked.grant, parts[1] if len(parts) > 1 else "")
        node = await provider.records(provider.records.tree.resolve, top, parts[2:])
    else:
        node = await provider.resolve(asked.grant, parts)
    place = await _place(provider, asked)
    if not place.names:
        raise posix("eexist")
    tree = provider.records.tree
    if move:
        existed = await provider.records(
            lambda: tree.move(node, tree.resolve(place.top, place.names[:-1], follow=True), place.names[-1])
        )
        return await provider.records(tree.get, node.uuid), not existed
    return await _copied(provider, asked, node)


async def _copied(provider: Provider, asked: Asked, source: Node) -> tuple[Node, bool]:
    if not source.is_file:
        raise posix("eisdir" if source.is_directory else "einval")
    target, made = await _file(provider, asked)
    custom = await provider.records(provider.records.store.custom, source.uuid)
    mime, encoding = str(custom.get(MIME) or BINARY), str(custom.get(ENCODING) or "base64")
    await provider.records(provider.records.writes.describe, target, mime, encoding)
    await edit(provider, target, lambda fields: fields.update(public(custom)))
    async with opened(provider, source) as (node, reader):
        pieces = reader.pieces(0, node.size) if reader else _pieces(b"")
        await write(provider, target, pieces, How(announced=True))
    return await provider.records(provider.records.tree.get, target.uuid), made


async def remove(provider: Provider, asked: Asked) -> Response:
    """Remove an object, or a container with all in it; a link itself, not where it leads."""
    asked.grant.check_write()
    if len(asked.segments) == 1:
        raise posix("eperm")
    node = await _there(provider, asked, follow=False)
    await provider.records(provider.records.tree.remove, node)
    return nothing()


async def capabilities(_provider: Provider, asked: Asked) -> Response:
    """Answer what CDMI can do here."""
    if not version(asked):
        raise OnedataError(400, "badVersion", "CDMI version is missing.", supportedVersions=["1.1.1"])
    return cdmi_json.capabilities(asked.rest)


ROUTES = (
    Route("GET", "cdmi/cdmi_capabilities/*", capabilities, public=True),
    Route("GET", "cdmi/*", get),
    Route("PUT", "cdmi/*", put),
    Route("DELETE", "cdmi/*", remove),
)
