"""What REST APIs make of requests and answers when the function is no proxy: statuses and headers, never templates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hfaas_emulator.endpoints.answers import JSON, Malformed, Refused, Reply, decoded, not_here
from hfaas_emulator.endpoints.call import Call
from hfaas_emulator.endpoints.records import Integration
from hfaas_emulator.lambda_.service import Result

RESPONSE_HEADER = "method.response.header."
STATUS = re.compile(r"""\s*\{\s*["']?statusCode["']?\s*:\s*"?([2-5]\d\d)"?\s*\}\s*""")
"""The template of a mock integration, with quotes or, as API Gateway takes it, without."""


def passed_through(integration: Integration, call: Call) -> bytes:
    """Return what a function gets that is no proxy: the body, unless a template would make something else of it."""
    kind = call.content_type or JSON
    if integration.templates.get(kind):
        raise not_here(f"mapping templates are not emulated ({kind})")
    if integration.passthrough == "NEVER" or (
        integration.passthrough == "WHEN_NO_TEMPLATES" and any(integration.templates.values())
    ):
        raise Refused(
            415, "Unsupported Media Type", f"no template is for {kind}, and bodies are not passed through"
        )
    return call.body or b"{}"


def error_message(result: Result) -> str:
    """Return what `selectionPattern` is compared with: nothing when the function did not fail."""
    if not result.error:
        return ""
    try:
        failure = json.loads(result.payload)
    except ValueError:
        return ""
    return str(failure.get("errorMessage") or "") if isinstance(failure, dict) else ""


def mapped(integration: Integration, reply: Reply, message: str) -> Reply:
    """Give an answer the status and the headers of the integration response that its error message selects."""
    responses = integration.responses
    fallback = next((each for each in responses if not each.get("selectionPattern")), None)
    chosen = next((each for each in responses if message and _selects(each, message)), fallback)
    if chosen is None:
        raise _failed("no integration response fits the function's answer", reply.function)
    return _shaped(chosen, reply)


def _selects(response: Mapping[str, Any], message: str) -> bool:
    pattern = response.get("selectionPattern") or ""
    try:
        return pattern != "" and re.fullmatch(pattern, message, re.DOTALL) is not None
    except re.error as error:
        raise _failed(f"the selection pattern {pattern!r} is no regular expression: {error}") from error


def _shaped(response: Mapping[str, Any], reply: Reply) -> Reply:
    if any((response.get("responseTemplates") or {}).values()):
        raise not_here("mapping templates of responses are not emulated")
    headers = dict(reply.headers)
    for name, value in (response.get("responseParameters") or {}).items():
        if not (value.startswith("'") and value.endswith("'")):
            raise not_here(f"a header mapped from {value} is not emulated; words in quotes are")
        headers[name.removeprefix(RESPONSE_HEADER).lower()] = value[1:-1]
    body = reply.body
    if response.get("contentHandling") == "CONVERT_TO_BINARY":
        try:
            body = decoded(body.decode("utf-8", "replace").strip('"'))
        except Malformed as error:
            raise _failed(str(error), reply.function) from error
    return replace(reply, status=int(response["statusCode"]), headers=tuple(headers.items()), body=body)


def mocked(integration: Integration, call: Call) -> Reply:
    """Answer without anybody behind it."""
    template = integration.templates.get(call.content_type or JSON) or ""
    template = template or integration.templates.get(JSON) or ""
    found = STATUS.fullmatch(template)
    if found is None:
        raise _failed(f"the template of the mock integration is not just a statusCode: {template!r}")
    chosen = next((each for each in integration.responses if str(each["statusCode"]) == found[1]), None)
    if chosen is None:
        raise _failed(f"no integration response is for status {found[1]}")
    templates = chosen.get("responseTemplates") or {}
    body = templates.get(JSON) or ""
    if re.search(r"[$#]", body):
        raise not_here("mapping templates of responses are not emulated")
    reply = Reply(200, (("content-type", JSON),), body.encode())
    return _shaped({**chosen, "responseTemplates": {}}, reply)


def _failed(reason: str, function: str = "") -> Refused:
    return Refused(500, "Internal server error", reason, function=function)
