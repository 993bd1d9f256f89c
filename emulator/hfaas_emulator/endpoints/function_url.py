"""Function URLs: CORS -> who asks -> function, in payload format 2.0."""

from __future__ import annotations

from dataclasses import replace

from hfaas_emulator.endpoints import cors, events, permission
from hfaas_emulator.endpoints.answers import JSON, Malformed, Refused, Reply, told
from hfaas_emulator.endpoints.call import Call
from hfaas_emulator.endpoints.events import Place
from hfaas_emulator.endpoints.invoker import Impatient, Invoker, NotInvoked, beside, dumped
from hfaas_emulator.endpoints.records import FunctionUrl, Principal, Records
from hfaas_emulator.lambda_.service import Result

PATIENCE_S = 905.0
"""A little longer than any function may run."""

DEFAULT = "$default"


class FunctionUrls:
    """Answers requests to function URLs."""

    def __init__(self, records: Records, invoker: Invoker) -> None:
        self._records = records
        self._invoker = invoker

    async def answer(self, url: FunctionUrl, call: Call) -> Reply:
        """Answer a request."""
        if (asked := cors.preflight(url.cors, call, 200)) is not None:
            return asked
        try:
            reply = await self._answer(url, call)
        except Refused as refused:
            reply = refused.reply
        return cors.decorated(url.cors, call, reply)

    async def _answer(self, url: FunctionUrl, call: Call) -> Reply:
        principal = await self._authorised(url, call)
        account = principal.account if principal else "anonymous"
        place = Place(url.id, account, DEFAULT, DEFAULT, {}, {}, principal=principal)
        event = await dumped(events.http_2(call, place), len(call.body))
        result = await self._invoked(url, event, call)
        if result.error:
            return _broken("the function failed", url, result)
        try:
            reply = await beside(len(result.payload), told, result.payload, default_type=JSON)
        except Malformed as error:
            return _broken(f"malformed answer of the function: {error}", url, result)
        return replace(reply, function=url.function, invocation=result.request)

    async def _authorised(self, url: FunctionUrl, call: Call) -> Principal | None:
        principal = None
        if url.auth == "AWS_IAM":
            try:
                principal = await permission.signer(call, "lambda", url.region, self._records)
            except ValueError as error:
                raise Refused(403, str(error), str(error), kind="InvalidSignatureException") from error
            if principal is None:
                raise permission.forbidden("the URL asks for AWS_IAM and the request is not signed")
        await permission.check_url(self._records, url, principal)
        return principal

    async def _invoked(self, url: FunctionUrl, event: bytes, call: Call) -> Result:
        try:
            return await self._invoker.invoke(url.function, event, call, f"url:{url.id}", PATIENCE_S)
        except Impatient as error:
            raise Refused(504, "Gateway Timeout", str(error), key="Message") from error
        except NotInvoked as error:
            message = "Rate Exceeded." if error.status == 429 else "Internal Server Error"
            if error.status == 413:
                message = "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
            status = error.status if error.status in (413, 429) else 502
            raise Refused(status, message, str(error), key="Message") from error


def _broken(reason: str, url: FunctionUrl, result: Result) -> Reply:
    return Reply(502, (("content-type", JSON),), b"Internal Server Error", reason, url.function, result.request)
