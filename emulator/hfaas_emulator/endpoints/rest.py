"""REST APIs: stage -> resource -> method -> who asks -> integration.

AWS_PROXY   the function gets the whole request as an event, format 1.0, and answers with status, headers, body
AWS         the function gets the body and its answer is the body; mapping templates are refused
MOCK        an answer from the API's own records, as pages get it that ask what they may do (CORS)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hfaas_emulator.endpoints import events, mapping, permission
from hfaas_emulator.endpoints.answers import JSON, Malformed, Refused, Reply, not_here, proxied
from hfaas_emulator.endpoints.call import Call, is_binary
from hfaas_emulator.endpoints.events import Place
from hfaas_emulator.endpoints.invoker import Impatient, Invoker, NotInvoked, beside, dumped, function_of
from hfaas_emulator.endpoints.records import Integration, Method, Principal, Records, Resource, RestApi, RestStage
from hfaas_emulator.endpoints.routing import resource_of, split_stage, substituted
from hfaas_emulator.lambda_.service import Result

PATIENCE_MS = 29_000
ASYNC_HEADER = "integration.request.header.X-Amz-Invocation-Type"


@dataclass(frozen=True, slots=True)
class RestCall:
    """A request that has found its method."""

    api: RestApi
    stage: RestStage
    resource: Resource
    integration: Integration
    call: Call
    place: Place

    @property
    def origin(self) -> str:
        return f"apigateway:{self.api.id}"

    @property
    def arn(self) -> str:
        """Return what permissions of functions name as the source."""
        at = f"arn:aws:execute-api:{self.api.region}:{self.api.account}:{self.api.id}"
        return f"{at}/{self.stage.name}/{self.call.method}{self.resource.path}"


class RestApis:
    """Answers requests to REST APIs."""

    def __init__(self, records: Records, invoker: Invoker) -> None:
        self._records = records
        self._invoker = invoker

    async def answer(self, api: RestApi, call: Call) -> Reply:
        """Answer a request whose path begins with the stage; Refused."""
        asked = await self._find(api, call)
        match asked.integration.type:
            case "MOCK":
                return mapping.mocked(asked.integration, asked.call)
            case "AWS_PROXY":
                return await self._proxy(asked)
            case "AWS":
                return await self._plain(asked)
            case kind:
                raise not_here(f"integrations of type {kind} are not emulated; AWS_PROXY, AWS and MOCK are")

    async def _find(self, api: RestApi, call: Call) -> RestCall:
        name, path = split_stage(call.path, api.stages)
        stage = api.stages.get(name)
        if api.disabled or stage is None:
            reason = "its execute-api endpoint is disabled" if api.disabled else "the path begins with no stage"
            raise Refused(403, "Forbidden", reason, kind="ForbiddenException")
        if api.policy:
            raise not_here("resource policies of REST APIs are not emulated")
        found = resource_of(path, stage.resources)
        method = _method(found[0].methods, call.method) if found else None
        if found is None or method is None:
            reason = f"stage {name} was deployed without {call.method} {path}"
            raise _missing_token(reason)
        resource, variables = found
        principal = await self._authorised(api, method, call)
        if method.integration is None:
            raise _failed(f"{call.method} {resource.path} has no integration")
        place = Place(api.id, api.account, name, resource.path, variables, stage.variables,
                      resource.id, stage.deployment, principal)  # fmt: skip
        return RestCall(api, stage, resource, method.integration, replace(call, path=path), place)

    async def _authorised(self, api: RestApi, method: Method, call: Call) -> Principal | None:
        if method.unknown:
            raise not_here(f"{method.unknown} is not emulated")
        if method.authorization == "NONE":
            return None
        if method.authorization != "AWS_IAM":
            raise not_here(f"authorisation {method.authorization} is not emulated; NONE and AWS_IAM are")
        try:
            principal = await permission.signer(call, "execute-api", api.region, self._records)
        except ValueError as error:
            raise Refused(403, str(error), str(error), kind="InvalidSignatureException") from error
        if principal is None:
            raise _missing_token("the method asks for AWS_IAM and the request is not signed")
        if principal.account != api.account:
            message = f"User: {principal.arn} is not authorized to perform: execute-api:Invoke"
            raise Refused(403, message, f"{message}: another account", key="Message", kind="AccessDeniedException")
        return principal

    async def _proxy(self, asked: RestCall) -> Reply:
        binary = tuple(asked.api.binary_types)
        event = await dumped(events.rest(asked.call, asked.place, binary), len(asked.call.body))
        function = await self._function(asked)
        if _is_async(asked):
            return await self._submitted(asked, function, event)
        result = await self._invoked(asked, function, event)
        if result.error:
            raise _bad(function, result, "the function failed")
        decode = is_binary(_accepted(asked.call), binary)
        try:
            size = len(result.payload)
            reply = await beside(size, proxied, result.payload, default_type=JSON, strict=True, decode=decode)
        except Malformed as error:
            raise _bad(function, result, f"malformed Lambda proxy response: {error}") from error
        return replace(reply, function=function, invocation=result.request)

    async def _plain(self, asked: RestCall) -> Reply:
        event = mapping.passed_through(asked.integration, asked.call)
        function = await self._function(asked)
        if _is_async(asked):
            return mapping.mapped(asked.integration, await self._submitted(asked, function, event), "")
        result = await self._invoked(asked, function, event)
        reply = Reply(200, (("content-type", JSON),), result.payload, "", function, result.request)
        return mapping.mapped(asked.integration, reply, mapping.error_message(result))

    async def _function(self, asked: RestCall) -> str:
        uri = substituted(asked.integration.uri, asked.stage.variables)
        function = function_of(uri)
        if not function:
            raise not_here(f"the integration is none with a Lambda function: {uri}")
        if asked.integration.credentials:  # a role of the API's own, instead of the function's policy
            return function
        if reason := await permission.check_gateway(self._records, function, asked.arn):
            raise _failed(f"invalid permissions on the function: {reason}", function)
        return function

    async def _submitted(self, asked: RestCall, function: str, event: bytes) -> Reply:
        try:
            invocation = await self._invoker.submit(function, event, asked.call, asked.origin)
        except NotInvoked as error:
            raise _rejected(error, function) from error
        return Reply(200, (("content-type", JSON),), b"", "", function, invocation)

    async def _invoked(self, asked: RestCall, function: str, event: bytes) -> Result:
        patience = min(asked.integration.timeout_ms or PATIENCE_MS, PATIENCE_MS) / 1000
        try:
            return await self._invoker.invoke(function, event, asked.call, asked.origin, patience)
        except NotInvoked as error:
            raise _rejected(error, function) from error
        except Impatient as error:
            raise Refused(504, "Endpoint request timed out", str(error), function=function) from error


def _method(methods: Mapping[str, Method], verb: str) -> Method | None:
    return methods.get(verb) or methods.get("ANY")


def _accepted(call: Call) -> str:
    """Return the first media type that a client accepts, which decides over binary answers."""
    return call.header("accept").partition(",")[0].partition(";")[0].strip().lower()


def _is_async(asked: RestCall) -> bool:
    """Tell whether nobody waits: the integration sets Lambda's invocation type, to a word or from a header."""
    mapped = {name.lower(): value for name, value in asked.integration.parameters.items()}
    source = mapped.get(ASYNC_HEADER.lower(), "")
    if source.startswith("'"):
        return source == "'Event'"
    prefix = "method.request.header."
    return source.startswith(prefix) and asked.call.header(source.removeprefix(prefix).lower()) == "Event"


def _failed(reason: str, function: str = "") -> Refused:
    return Refused(500, "Internal server error", reason, function=function)


def _bad(function: str, result: Result, reason: str) -> Refused:
    return Refused(502, "Internal server error", reason, function=function, invocation=result.request)


def _rejected(error: NotInvoked, function: str) -> Refused:
    if error.status == 413:
        return Refused(413, "Request Too Long", str(error), function=function)
    return _failed(str(error), function)


def _missing_token(reason: str) -> Refused:
    return Refused(403, "Missing Authentication Token", reason, kind="MissingAuthenticationTokenException")
