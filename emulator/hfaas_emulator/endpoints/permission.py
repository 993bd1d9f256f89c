"""Who may call an endpoint, and may the endpoint invoke its function.

Signatures are not verified, as nowhere in the emulator, and policies of identities not evaluated: who signs for the
right service is who the access key says. Resource policies of functions are evaluated.
"""

from __future__ import annotations

from hfaas_emulator.endpoints.answers import Refused
from hfaas_emulator.endpoints.call import Call
from hfaas_emulator.endpoints.records import FunctionUrl, Principal, Records
from hfaas_emulator.s3.permission import Source, denial
from hfaas_emulator.wire.caller import caller

GATEWAY = "apigateway.amazonaws.com"
INVOKE = "lambda:InvokeFunction"
INVOKE_URL = "lambda:InvokeFunctionUrl"


async def signer(call: Call, service: str, region: str, records: Records) -> Principal | None:
    """Return who signed a request, None when nobody did; ValueError when it is signed for something else."""
    who = caller(dict(call.headers), call.query)
    if not who.access_key:
        return None
    if who.service != service:
        raise ValueError(f"Credential should be scoped to correct service: '{service}'.")
    if who.region != region:
        raise ValueError(f"Credential should be scoped to a valid region, not '{who.region}'.")
    return await records.principal(who.access_key)


async def check_gateway(records: Records, function: str, source: str) -> str:
    """Say why API Gateway may not invoke a function (ARN) for a method or route (ARN); nothing when it may."""
    account = source.split(":")[4]
    return denial(await records.statements(function), INVOKE, function, Source(source, account, GATEWAY))


async def check_url(records: Records, url: FunctionUrl, principal: Principal | None) -> None:
    """Refuse whom a function URL's policy does not let in; within its own account a signature is enough."""
    if principal is not None and principal.account == url.account:
        return
    statements = await records.statements(url.function)
    known = {"lambda:functionurlauthtype": url.auth, "lambda:invokedviafunctionurl": "true"}
    source = Source("", "", principal.account if principal else "", known)
    for action in (INVOKE_URL, INVOKE):
        if reason := denial(statements, action, url.function, source):
            raise forbidden(reason)


def forbidden(reason: str) -> Refused:
    """Return a function URL's refusal."""
    message = (
        "Forbidden. For troubleshooting Function URL authorization issues, see: "
        "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
    )
    return Refused(403, message, reason, key="Message", kind="AccessDeniedException")
