"""Refusals in the words of each service."""

from __future__ import annotations

from hfaas_emulator.errors import AwsError
from hfaas_emulator.permissions.decision import Decision
from hfaas_emulator.permissions.document import Ask
from hfaas_emulator.wire.errors import Protocol

CODES = {"sns": "AuthorizationError", "ec2": "UnauthorizedOperation", "sqs": "AccessDenied"}


def words(principal: str, ask: Ask, decision: Decision) -> str:
    """Return AWS's sentence; what this emulator does not know of a condition is said behind it."""
    service, action = ask.action.partition(":")[0], ask.action
    resource = f" on resource: {ask.shown or ask.resource}"
    because = f" {decision.because}"
    if service == "s3":
        resource = "" if ask.resource == "*" else f' on resource: "{ask.resource}"'
    elif service == "sqs":
        because, action = because.replace(action, action.lower()), action.lower()
    elif ask.action == "sts:AssumeRole":
        because = ""
    unknown = f" (hfaas: {decision.note})" if decision.unsure else ""
    return f"User: {principal} is not authorized to perform: {action}{resource}{because}{unknown}"


def error(service: str, protocol: Protocol, message: str) -> AwsError:
    """Return the error of a service."""
    if service in CODES:
        return AwsError(CODES[service], message, 403)
    if protocol in (Protocol.S3, Protocol.QUERY):
        return AwsError("AccessDenied", message, 403)
    return AwsError("AccessDeniedException", message, 400 if protocol is Protocol.JSON else 403)
