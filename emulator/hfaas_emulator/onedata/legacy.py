"""Routes that Oneproviders had up to 18.02 and upstream's OneTrigger still calls; here a missing path is 404."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from hfaas_emulator.onedata.answers import json_response
from hfaas_emulator.onedata.attributes import OWNER
from hfaas_emulator.onedata.errors import OnedataError, not_found
from hfaas_emulator.onedata.node import Kind, Node
from hfaas_emulator.onedata.provider import Provider
from hfaas_emulator.onedata.request import Asked
from hfaas_emulator.onedata.routes import Route

_TYPES = {Kind.FILE: "reg", Kind.DIRECTORY: "dir", Kind.LINK: "lnk"}


async def _node(provider: Provider, asked: Asked) -> Node:
    try:
        return await provider.resolve(asked.grant, asked.rest, follow=False)
    except OnedataError as error:
        raise not_found("No such file or directory.") from error


async def files(provider: Provider, asked: Asked) -> Response:
    """Answer a directory's children, all of them, or the file itself, with absolute paths."""
    node = await _node(provider, asked)
    tree = provider.records.tree

    def listed() -> list[dict[str, str]]:
        path = tree.path(node)
        if not node.is_directory:
            return [{"id": node.id, "path": path}]
        return [{"id": each.id, "path": f"{path}/{each.name}"} for each in tree.children(node)]

    return json_response(await provider.records(listed))


async def attributes(provider: Provider, asked: Asked) -> Response:
    """Answer a node's attributes."""
    node = await _node(provider, asked)
    said: dict[str, Any] = {
        "type": _TYPES[node.kind],
        "size": node.size,
        "mode": f"{node.mode:04o}",
        "name": node.name,
        "file_id": node.id,
        "owner_id": provider.user,
        "provider_id": provider.id,
        "atime": node.atime,
        "mtime": node.mtime,
        "ctime": node.ctime,
        "storage_user_id": OWNER,
        "storage_group_id": OWNER,
        "shares": [],
    }
    return json_response(said)


ROUTES = (
    Route("GET", "files/*", files),
    Route("GET", "attributes/*", attributes),
    Route("GET", "metadata/attrs/*", attributes),
)
