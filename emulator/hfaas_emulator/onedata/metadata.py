"""`/data/{id}/metadata/...`: extended attributes, JSON and RDF of a node. Here a missing node is 404."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from hfaas_emulator.onedata.answers import dumped, json_response, nothing
from hfaas_emulator.onedata.attributes import INTERNAL, public
from hfaas_emulator.onedata.errors import OnedataError, bad, malformed, missing, not_found, posix
from hfaas_emulator.onedata.node import Node
from hfaas_emulator.onedata.provider import Provider
from hfaas_emulator.onedata.request import METADATA_LIMIT, Asked
from hfaas_emulator.onedata.routes import Route

JSON, RDF = "onedata_json", "onedata_rdf"
NAME_LIMIT = 255
RDF_TYPE = "application/rdf+xml"


async def _node(provider: Provider, asked: Asked) -> Node:
    try:
        return await provider.node(asked.grant, asked.parts["id"])
    except OnedataError as error:
        if error.errno == "enoent":
            raise not_found() from error
        raise


async def _fields(provider: Provider, asked: Asked) -> dict[str, Any]:
    node = await _node(provider, asked)
    return await provider.records(provider.records.store.custom, node.uuid)


async def edit(provider: Provider, node: Node, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a node's custom metadata; what changes nothing is no change."""
    store = provider.records.store

    def apply() -> None:
        before = store.custom(node.uuid)
        after = dict(before)
        change(after)
        if after != before:
            with store.change():
                store.set_custom(node, after)

    await provider.records(apply)


async def xattrs(provider: Provider, asked: Asked) -> Response:
    """Answer the user's extended attributes, or one of them."""
    found = public(await _fields(provider, asked))
    name = asked.value("attribute")
    if not name:
        return json_response(found)
    if name not in found:
        raise posix("enodata")
    return json_response({name: found[name]})


async def set_xattrs(provider: Provider, asked: Asked) -> Response:
    """Set extended attributes."""
    wanted = await asked.json(METADATA_LIMIT)
    asked.grant.check_write()
    if not isinstance(wanted, dict):
        raise bad("JSON", "metadata", "is not a JSON object")
    for name in wanted:
        check_name(name)
    await edit(provider, await _node(provider, asked), lambda fields: fields.update(wanted))
    return nothing()


def check_name(name: str) -> None:
    """Refuse names of extended attributes that are Onedata's own, or none; posix/eperm or badValueXattr."""
    if name.startswith(INTERNAL):
        raise posix("eperm")
    if not name or len(name) > NAME_LIMIT:
        raise bad("Xattr", "metadata", "is not a name of an extended attribute")


async def remove_xattrs(provider: Provider, asked: Asked) -> Response:
    """Remove extended attributes by name."""
    body = await asked.options()
    asked.grant.check_write()
    if "keys" not in body:
        raise missing("keys")
    if not isinstance(body["keys"], list) or not all(isinstance(key, str) for key in body["keys"]):
        raise bad("ListOfStrings", "keys", "is not a list of strings")
    await _drop(provider, asked, [key for key in body["keys"] if not key.startswith(INTERNAL)])
    return nothing()


async def _drop(provider: Provider, asked: Asked, names: list[str]) -> None:
    def drop(fields: dict[str, Any]) -> None:
        for name in names:
            fields.pop(name, None)

    await edit(provider, await _node(provider, asked), drop)


async def get_json(provider: Provider, asked: Asked) -> Response:
    """Answer a node's JSON, or what a path of keys leads to in it."""
    found = await _fields(provider, asked)
    if JSON not in found:
        raise posix("enodata")
    kind = asked.value("filter_type")
    if kind not in ("", "keypath"):
        raise bad("NotAllowed", "filter_type", "must be: keypath", allowed=["keypath"])
    if kind and not asked.value("filter"):
        raise missing("filter")
    value = found[JSON]
    for key in asked.value("filter").split(".") if kind else ():
        value = _inside(value, key)
    return Response(dumped(value), media_type="application/json")


def _inside(value: Any, key: str) -> Any:
    if isinstance(value, list) and key.startswith("[") and key[1:-1].isdecimal() and int(key[1:-1]) < len(value):
        return value[int(key[1:-1])]
    if not isinstance(value, dict) or key not in value:
        raise posix("enodata")
    return value[key]


async def set_json(provider: Provider, asked: Asked) -> Response:
    """Replace a node's JSON, or set what a path of keys leads to."""
    wanted = await asked.json(METADATA_LIMIT)
    asked.grant.check_write()
    keys = asked.value("filter").split(".") if asked.value("filter_type") == "keypath" else []

    def put(fields: dict[str, Any]) -> None:
        fields[JSON] = _with(fields.get(JSON), keys, wanted)

    await edit(provider, await _node(provider, asked), put)
    return nothing()


def _with(value: Any, keys: list[str], wanted: Any) -> Any:
    if not keys:
        return wanted
    inside = dict(value) if isinstance(value, dict) else {}
    inside[keys[0]] = _with(inside.get(keys[0]), keys[1:], wanted)
    return inside


async def remove_json(provider: Provider, asked: Asked) -> Response:
    """Remove a node's JSON."""
    asked.grant.check_write()
    await _drop(provider, asked, [JSON])
    return nothing()


async def get_rdf(provider: Provider, asked: Asked) -> Response:
    """Answer a node's RDF."""
    found = await _fields(provider, asked)
    if RDF not in found:
        raise posix("enodata")
    return Response(str(found[RDF]).encode(), media_type=RDF_TYPE)


async def set_rdf(provider: Provider, asked: Asked) -> Response:
    """Replace a node's RDF."""
    body = await asked.body(METADATA_LIMIT)
    asked.grant.check_write()
    try:
        text = body.decode()
    except ValueError as error:
        raise malformed() from error
    await edit(provider, await _node(provider, asked), lambda fields: fields.update({RDF: text}))
    return nothing()


async def remove_rdf(provider: Provider, asked: Asked) -> Response:
    """Remove a node's RDF."""
    asked.grant.check_write()
    await _drop(provider, asked, [RDF])
    return nothing()


ROUTES = (
    Route("GET", "data/{id}/metadata/xattrs", xattrs),
    Route("PUT", "data/{id}/metadata/xattrs", set_xattrs),
    Route("DELETE", "data/{id}/metadata/xattrs", remove_xattrs),
    Route("GET", "data/{id}/metadata/json", get_json),
    Route("PUT", "data/{id}/metadata/json", set_json),
    Route("DELETE", "data/{id}/metadata/json", remove_json),
    Route("GET", "data/{id}/metadata/rdf", get_rdf),
    Route("PUT", "data/{id}/metadata/rdf", set_rdf),
    Route("DELETE", "data/{id}/metadata/rdf", remove_rdf),
)
