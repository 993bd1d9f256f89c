"""`/api/v3/onezone/...`: as much of a Onezone as clients need to find their Oneprovider."""

from __future__ import annotations

from starlette.responses import Response

from hfaas_emulator.onedata.answers import json_response
from hfaas_emulator.onedata.errors import OnedataError, forbidden, missing, not_found
from hfaas_emulator.onedata.provider import NAME, VERSION, Provider
from hfaas_emulator.onedata.request import Asked
from hfaas_emulator.onedata.routes import Route


async def configuration(provider: Provider, asked: Asked) -> Response:
    """Answer what this Onezone is."""
    domain = provider.address.domain_for(asked.host)
    said = {"name": NAME, "version": VERSION, "build": "hfaas", "domain": domain}
    return json_response({**said, "compatibleOneproviderVersions": [VERSION]})


async def infer_scope(provider: Provider, asked: Asked) -> Response:
    """Answer what the token in the body allows, and where its data is."""
    body = await asked.options()
    if "token" not in body:
        raise missing("token")
    grant = provider.tokens.read(str(body["token"]))
    if grant is None:
        raise OnedataError(400, "badValueToken", 'Bad value: provided "token" is not a valid token.', key="token")
    spaces = await provider.records(provider.records.store.spaces)
    support = {provider.id: {"readonly": grant.readonly}}
    about = {
        "name": NAME,
        "domain": provider.address.domain_for(asked.host),
        "version": VERSION,
        "online": True,
    }
    scope = {
        "readonly": grant.readonly,
        "spaces": {each.id: {"name": each.name, "supports": support} for each in spaces if grant.covers(each.id)},
        "providers": {provider.id: about},
    }
    return json_response({"validUntil": None, "dataAccessScope": scope})


async def spaces(provider: Provider, asked: Asked) -> Response:
    """Answer the ids of the spaces that the token covers."""
    found = await provider.records(provider.records.store.spaces)
    return json_response({"spaces": [each.id for each in found if asked.grant.covers(each.id)]})


async def tokens(provider: Provider, asked: Asked) -> Response:
    """Answer the ids of the tokens that were issued."""
    _check_owner(asked)
    return json_response({"tokens": [each.name for each in provider.tokens.issued()]})


async def delete_token(provider: Provider, asked: Asked) -> Response:
    """Revoke a token that was issued, for good."""
    _check_owner(asked)
    if not await provider.records(provider.tokens.revoke, asked.parts["id"]):
        raise not_found()
    return Response(status_code=204)


def _check_owner(asked: Asked) -> None:
    if not asked.grant.is_owners:
        raise forbidden()


ROUTES = (
    Route("GET", "configuration", configuration, public=True),
    Route("POST", "tokens/infer_access_token_scope", infer_scope, public=True),
    Route("GET", "user/spaces", spaces),
    Route("GET", "user/effective_spaces", spaces),
    Route("GET", "user/tokens/named", tokens),
    Route("DELETE", "tokens/named/{id}", delete_token),
)
