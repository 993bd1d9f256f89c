"""HTTP APIs: CORS -> stage -> route -> who asks -> function, in payload format 1.0 or 2.0."""

from __future__ import annotations

from dataclasses import replace

from hfaas_emulator.endpoints import cors, events, permission
from hfaas_emulator.endpoints.answers import JSON, TEXT, Malformed, Refused, Reply, not_here, proxied, told
from hfaas_emulator.endpoints.call import Call
from hfaas_emulator.endpoints.events import Place
from hfaas_emulator.endpoints.invoker import Impatient, Invoker, NotInvoked, beside, dumped, function_of
from hfaas_emulator.endpoints.records import HttpApi, HttpStage, Integration, Principal, Records, Route
from hfaas_emulator.endpoints.routing import route_of, split_stage, substituted, template_of
from hfaas_emulator.lambda_.service import Result

PATIENCE_MS = 30_000


class HttpApis:
    """Answers requests to HTTP APIs."""

    def __init__(self, records: Records, invoker: Invoker) -> None:
        self._records = records
        self._invoker = invoker

    async def answer(self, api: HttpApi, call: Call) -> Reply:
        """Answer a request, whose path may begin with a stage."""
        if (asked := cors.preflight(api.cors, call, 204)) is not None:
            return asked
        try:
            reply = await self._answer(api, call)
        except Refused as refused:
            reply = refused.reply
        return cors.decorated(api.cors, call, reply)

    async def _answer(self, api: HttpApi, call: Call) -> Reply:
        name, path = split_stage(call.path, api.stages)
        stage = api.stages.get(name)
        if stage is None or api.disabled:
            reason = "its execute-api endpoint is disabled" if api.disabled else "the path begins with no stage"
            raise Refused(404, "Not Found", reason)
        found = route_of(call.method, path, stage.routes)
        if found is None:
            raise Refused(404, "Not Found", f"stage {name} has no route for {call.method} {path}")
        route, variables = found
        principal = await self._authorised(api, route, call)
        place = Place(api.id, api.account, name, route.key, variables, stage.variables, principal=principal)
        return await self._integrated(api, stage, route, replace(call, path=path), place)

    async def _authorised(self, api: HttpApi, route: Route, call: Call) -> Principal | None:
        if route.authorization == "NONE":
            return None
        if route.authorization != "AWS_IAM":
            raise not_here(f"authorisation {route.authorization} is not emulated; NONE and AWS_IAM are")
        try:
            principal = await permission.signer(call, "execute-api", api.region, self._records)
        except ValueError as error:
            raise Refused(403, "Forbidden", str(error)) from error
        if principal is None:
            raise Refused(403, "Forbidden", "the route asks for AWS_IAM and the request is not signed")
        if principal.account != api.account:
            raise Refused(
                403, "Forbidden", f"the caller is of account {principal.account}, the API of {api.account}"
            )
        return principal

    async def _integrated(self, api: HttpApi, stage: HttpStage, route: Route, call: Call, place: Place) -> Reply:
        integration = _checked(route)
        function = function_of(substituted(integration.uri, stage.variables))
        if not function:
            raise not_here(f"the integration is none with a Lambda function: {integration.uri}")
        if not integration.credentials:
            source = _source(api, stage, route, call.method)
            if reason := await permission.check_gateway(self._records, function, source):
                reason = f"invalid permissions on the function: {reason}"
                raise Refused(500, "Internal Server Error", reason, function=function)
        made = events.http_2(call, place) if integration.payload_format == "2.0" else events.http_1(call, place)
        event = await dumped(made, len(call.body))
        result = await self._invoked(api, integration, function, event, call)
        if result.error:
            raise Refused(
                502, "Internal server error", "the function failed", function=function, invocation=result.request
            )
        try:
            reply = await beside(len(result.payload), _read, integration, result.payload)
        except Malformed as error:
            reason = f"malformed answer of the function: {error}"
            raise Refused(
                502, "Internal server error", reason, function=function, invocation=result.request
            ) from error
        return replace(reply, function=function, invocation=result.request)

    async def _invoked(
        self, api: HttpApi, integration: Integration, function: str, event: bytes, call: Call
    ) -> Result:
        patience = min(integration.timeout_ms or PATIENCE_MS, PATIENCE_MS) / 1000
        try:
            return await self._invoker.invoke(function, event, call, f"apigateway:{api.id}", patience)
        except Impatient as error:
            raise Refused(503, "Service Unavailable", str(error), function=function) from error
        except NotInvoked as error:
            if error.status == 413:
                raise Refused(413, "Request Entity Too Large", str(error), function=function) from error
            if error.status == 429:
                raise Refused(503, "Service Unavailable", str(error), function=function) from error
            raise Refused(500, "Internal Server Error", str(error), function=function) from error


def _checked(route: Route) -> Integration:
    integration = route.integration
    if integration is None:
        raise Refused(500, "Internal Server Error", f"the route {route.key} has no integration")
    if integration.type != "AWS_PROXY":
        raise not_here(f"integrations of type {integration.type} are not emulated; AWS_PROXY is")
    if integration.parameters:
        raise not_here("parameter mappings of HTTP APIs are not emulated")
    return integration


def _source(api: HttpApi, stage: HttpStage, route: Route, method: str) -> str:
    """Return what permissions of functions name as the source: `.../STAGE/GET/path`, or `.../STAGE/$default`."""
    at = f"arn:aws:execute-api:{api.region}:{api.account}:{api.id}/{stage.name}"
    template = template_of(route.key)
    return f"{at}/{template}" if template == route.key else f"{at}/{method}{template}"


def _read(integration: Integration, payload: bytes) -> Reply:
    if integration.payload_format == "2.0":
        return told(payload, default_type=TEXT)
    return proxied(payload, default_type=JSON)
