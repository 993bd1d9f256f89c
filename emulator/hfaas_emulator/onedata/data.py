"""`/data/{id}`: attributes, children, content. `{id}` is a file's identifier, or a space's for its root."""

from __future__ import annotations

import mimetypes
from contextlib import suppress
from typing import Any

from starlette.responses import Response

from hfaas_emulator.onedata import attributes, paths
from hfaas_emulator.onedata.answers import json_response, nothing
from hfaas_emulator.onedata.downloads import BINARY, Download
from hfaas_emulator.onedata.errors import OnedataError, Unanswerable, bad, missing, not_found, posix
from hfaas_emulator.onedata.node import Kind, Node
from hfaas_emulator.onedata.provider import Provider
from hfaas_emulator.onedata.request import Asked, integer
from hfaas_emulator.onedata.routes import Route
from hfaas_emulator.onedata.uploads import How, write

PAGE = 1000
LONGEST_PAGE = 10_000
TYPES = ("REG", "DIR", "LNK", "SYMLNK")


async def get(provider: Provider, asked: Asked) -> Response:
    """Answer a node's attributes."""
    keys = attributes.chosen(await asked.options(), asked.query)
    node = await provider.node(asked.grant, asked.parts["id"])
    return json_response(await provider.records(attributes.describe, provider, node, keys))


async def change(provider: Provider, asked: Asked) -> Response:
    """Set a node's permission bits."""
    wanted = await asked.json()
    asked.grant.check_write()
    if not isinstance(wanted, dict):
        raise bad("JSON", "body", "is not a JSON object")
    if "mode" not in wanted:
        raise missing("mode")
    mode = _mode(wanted["mode"])
    node = await provider.node(asked.grant, asked.parts["id"])
    await provider.records(provider.records.tree.chmod, node, mode)
    return nothing()


def _mode(value: Any) -> int:
    """Read octal permission bits; OnedataError badValueInteger or badValueNotInRange."""
    text = str(value)
    if isinstance(value, bool) or not text or set(text) - set("01234567"):
        raise bad("Integer", "mode", "is not an octal integer")
    mode = int(text, 8) if len(text) < 12 else 1 << 30
    if mode > 0o1777:
        raise bad("NotInRange", "mode", "must be between <0, 01777>", low=0, high=0o1777)
    return mode


async def remove(provider: Provider, asked: Asked) -> Response:
    """Remove a node with all below it."""
    asked.grant.check_write()
    node = await provider.node(asked.grant, asked.parts["id"])
    await provider.records(provider.records.tree.remove, node)
    return nothing()


async def children(provider: Provider, asked: Asked) -> Response:
    """Answer a page of a directory; the query goes before the body."""
    body = await asked.options()
    keys = attributes.chosen(body, asked.query)
    limit = _limit(asked, body)
    node = await provider.node(asked.grant, asked.parts["id"])
    token = asked.value("token") or body.get("token") or ""
    after = attributes.read_index("token", str(token)) if token else ""
    start = asked.value("index") or body.get("index") or ""
    since = attributes.read_index("index", str(start)) if start else ""
    offset = 0 if after else max(integer("offset", asked.value("offset") or body.get("offset") or 0, -PAGE), 0)
    tree = provider.records.tree

    def page() -> dict[str, Any]:
        found = tree.children(node, after=after, since=since, offset=offset, limit=limit + 1)
        more, found = len(found) > limit, found[:limit]
        listed = [attributes.listed(provider, each, keys) for each in found]
        going_on = attributes.index(found[-1].name) if more else None
        return {"children": listed, "isLast": not more, "nextPageToken": going_on}

    return json_response(await provider.records(page))


def _limit(asked: Asked, body: dict[str, Any]) -> int:
    return integer("limit", asked.value("limit") or body.get("limit") or PAGE, 1, LONGEST_PAGE)


async def files(provider: Provider, asked: Asked) -> Response:
    """Answer what lies below a directory, a page of it, with paths relative to it."""
    body = await asked.options()
    keys = attributes.chosen(body, asked.query)
    limit = _limit(asked, body)
    node = await provider.node(asked.grant, asked.parts["id"])
    token = asked.value("token") or body.get("token")
    after = attributes.read_index("token", str(token)) if token else ""
    start = asked.value("start_after") or str(body.get("start_after") or "")
    prefix = asked.value("prefix") or str(body.get("prefix") or "")
    directories = asked.flag("include_directories", default=bool(body.get("include_directories")))
    tree = provider.records.tree

    def page() -> dict[str, Any]:
        found = tree.walk(node, prefix=prefix, after=after or start, limit=limit + 1, directories=directories)
        more, found = len(found) > limit, found[:limit]
        listed = [
            {**attributes.describe(provider, each, keys or ("fileId",)), "path": path} for path, each in found
        ]
        going_on = attributes.index(_place(found[-1])) if more else None
        return {"files": listed, "inaccessiblePaths": [], "isLast": not more, "nextPageToken": going_on}

    return json_response(await provider.records(page))


def _place(entry: tuple[str, Node]) -> str:
    path, node = entry
    return f"{path}/" if node.is_directory else path


async def content(provider: Provider, asked: Asked) -> Response:
    """Answer a file's bytes."""
    node = await provider.node(asked.grant, asked.parts["id"])
    return await _download(provider, asked, node)


async def _download(provider: Provider, asked: Asked, node: Node) -> Response:
    tree = provider.records.tree
    if asked.flag("follow_symlinks", default=True):
        node = await provider.records(lambda: tree.resolve(node, (), follow=True))
    if not node.is_file:
        raise OnedataError(400, "posix", "Directories cannot be downloaded here.", errno="eisdir")
    await provider.records(tree.read, node)
    return Download(provider, asked, node, mimetypes.guess_type(node.name)[0] or BINARY)


async def put_content(provider: Provider, asked: Asked) -> Response:
    """Write a file: anew, or with an offset into what it holds."""
    asked.grant.check_write()
    offset = asked.number("offset", 0) if "offset" in asked.query else None
    node = await provider.node(asked.grant, asked.parts["id"])
    tree = provider.records.tree
    node = await provider.records(lambda: tree.resolve(node, (), follow=True))
    await write(provider, node, asked.pieces(), How(offset))
    return nothing()


async def at_path(provider: Provider, asked: Asked) -> Response:
    """Answer a file's bytes by its path below a directory."""
    node = await _below(provider, asked)
    return await _download(provider, asked, node)


async def remove_at_path(provider: Provider, asked: Asked) -> Response:
    """Remove a node by its path below a directory."""
    asked.grant.check_write()
    node = await _below(provider, asked)
    await provider.records(provider.records.tree.remove, node)
    return nothing()


async def _below(provider: Provider, asked: Asked) -> Node:
    top = await provider.node(asked.grant, asked.parts["id"])
    return await provider.records(provider.records.tree.resolve, top, asked.rest)


async def create_at_path(provider: Provider, asked: Asked) -> Response:
    """Make a node at a path below a directory, with the body as its content."""
    if not asked.rest:
        raise posix("eexist")
    top = await provider.node(asked.grant, asked.parts["id"])
    return await _create(provider, asked, top, asked.rest)


async def create_child(provider: Provider, asked: Asked) -> Response:
    """Make a child of a directory."""
    if not (name := asked.value("name")):
        raise missing("name")
    top = await provider.node(asked.grant, asked.parts["id"])
    return await _create(provider, asked, top, (paths.name(name),))


async def _create(provider: Provider, asked: Asked, top: Node, rest: tuple[str, ...]) -> Response:
    asked.grant.check_write()
    kind = asked.value("type") or "REG"
    if kind not in TYPES:
        raise bad("NotAllowed", "type", f"must be one of: {', '.join(TYPES)}", allowed=list(TYPES))
    if kind == "LNK":  # hard links are not emulated, see docs/limits.md
        raise posix("enotsup")
    offset = asked.number("offset", 0) if "offset" in asked.query else None
    mode = _mode(asked.value("mode")) if asked.value("mode") else None
    parents = asked.flag("create_parents")
    update = asked.flag("update_existing")
    tree = provider.records.tree

    def make(target: str = "") -> tuple[Node, bool]:
        parent = tree.make_parents(top, rest[:-1]) if parents else tree.resolve(top, rest[:-1], follow=True)
        try:
            return tree.create(parent, rest[-1], Kind(kind), mode=mode, target=target), True
        except OnedataError as error:
            if not (update and error.errno == "eexist" and kind == "REG"):
                raise
            return tree.resolve(parent, rest[-1:], follow=True), False

    if kind == "SYMLNK":
        node, _ = await provider.records(make, await _target(asked))
    else:
        node, made = await provider.records(make)
        if kind == "REG":
            await _fill(provider, asked, node, How(offset), made=made)
    location = f"https://{provider.address.domain_for(asked.host)}/api/v3/oneprovider/data/{node.id}"
    return json_response({"fileId": node.id}, 201, {"location": location})


async def _target(asked: Asked) -> str:
    if not (target := asked.value("target_file_path")):
        raise missing("target_file_path")
    if "\0" in target or len(target.encode("utf-8", "replace")) > paths.PATH_LIMIT:
        raise bad("FilePath", "target_file_path", "is not a path")
    return target


async def _fill(provider: Provider, asked: Asked, node: Node, how: How, *, made: bool) -> None:
    """Write the body into a file; of one that was just made nothing stays when that fails."""
    body = asked.pieces()
    try:
        first = await anext(body, b"")
        if first or how.offset is not None or not made:
            await write(provider, node, _chained(first, body), how)
    except (OnedataError, Unanswerable, OSError):
        if made:
            with suppress(OnedataError):  # somebody else removed it
                await provider.records(provider.records.tree.remove, node)
        raise


async def _chained(first: bytes, rest: Any) -> Any:
    yield first
    async for piece in rest:
        yield piece


async def link(provider: Provider, asked: Asked) -> Response:
    """Answer what a symbolic link holds."""
    node = await provider.node(asked.grant, asked.parts["id"])
    if node.kind is not Kind.LINK:
        raise not_found() if node.is_directory else posix("einval")
    return Response(node.target.encode(), media_type=BINARY)


ROUTES = (
    Route("GET", "data/{id}", get),
    Route("PUT", "data/{id}", change),
    Route("DELETE", "data/{id}", remove),
    Route("GET", "data/{id}/children", children),
    Route("POST", "data/{id}/children", create_child),
    Route("GET", "data/{id}/files", files),
    Route("GET", "data/{id}/content", content),
    Route("PUT", "data/{id}/content", put_content),
    Route("GET", "data/{id}/symlink_value", link),
    Route("GET", "data/{id}/path/*", at_path),
    Route("PUT", "data/{id}/path/*", create_at_path),
    Route("DELETE", "data/{id}/path/*", remove_at_path),
)
