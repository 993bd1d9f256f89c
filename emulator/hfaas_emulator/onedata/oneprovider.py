"""`/api/v3/oneprovider/...`: what it is, which spaces there are, where a file is. The data routes are in `data.py`."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from hfaas_emulator.onedata import ids
from hfaas_emulator.onedata.answers import json_response
from hfaas_emulator.onedata.errors import not_found
from hfaas_emulator.onedata.node import Space
from hfaas_emulator.onedata.provider import NAME, VERSION, Provider
from hfaas_emulator.onedata.request import Asked
from hfaas_emulator.onedata.routes import Route


async def configuration(provider: Provider, asked: Asked) -> Response:
    """Answer what this Oneprovider is."""
    domain = provider.address.domain_for(asked.host)
    return json_response(
        {
            "providerId": provider.id,
            "name": NAME,
            "domain": domain,
            "onezoneDomain": domain,
            "version": VERSION,
            "build": "hfaas",
            "rtransferPort": 0,
            "compatibleOnezoneVersions": [VERSION],
            "compatibleOneproviderVersions": [VERSION],
            "compatibleOneclientVersions": [],
        }
    )


async def health(_provider: Provider, _asked: Asked) -> Response:
    """Answer that all is well."""
    return json_response({"status": "healthy"})


async def spaces(provider: Provider, asked: Asked) -> Response:
    """Answer the spaces that the token covers."""
    found = await provider.records(provider.records.store.spaces)
    return json_response([_space(provider, each) for each in found if asked.grant.covers(each.id)])


async def space(provider: Provider, asked: Asked) -> Response:
    """Answer one space; 404 when there is none, 403 when the token does not cover it."""
    found = await provider.records(provider.records.store.space, asked.parts["sid"])
    if found is None:
        raise not_found()
    asked.grant.check(found.id)
    return json_response(_space(provider, found))


def _space(provider: Provider, space: Space) -> dict[str, Any]:
    root = ids.file_id(ids.root_of(space.id), space.id)
    return {
        "name": space.name,
        "spaceId": space.id,
        "fileId": root,
        "dirId": root,
        "trashDirId": ids.file_id(f"trash_{space.id}", space.id),
        "archivesDirId": ids.file_id(f"archives_root_{space.id}", space.id),
        "providers": [{"providerId": provider.id, "providerName": NAME}],
    }


async def lookup(provider: Provider, asked: Asked) -> Response:
    """Answer the identifier of the node at a path; a link at its end is not followed."""
    node = await provider.resolve(asked.grant, asked.rest)
    return json_response({"fileId": node.id})


ROUTES = (
    Route("GET", "configuration", configuration, public=True),
    Route("GET", "health", health, public=True),
    Route("GET", "spaces", spaces),
    Route("GET", "spaces/{sid}", space),
    Route("POST", "lookup-file-id/*", lookup),
)
