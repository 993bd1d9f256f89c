"""What an endpoint answers: a function's answer as HTTP, or a refusal in AWS's words."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hfaas_emulator.endpoints.call import Pairs

JSON = "application/json"
TEXT = "text/plain;charset=UTF-8"
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONNECTION = ("connection", "content-length", "keep-alive", "transfer-encoding", "upgrade", "date", "server")
"""Headers that belong to the connection, not to what a function says."""

KNOWN = frozenset({"isBase64Encoded", "statusCode", "headers", "multiValueHeaders", "body"})


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `reason` tells the trace why it is none of the function's, which `function` and `invocation` name."""

    status: int
    headers: Pairs = ()
    body: bytes = b""
    reason: str = ""
    function: str = ""
    invocation: str = ""


class Refused(Exception):
    """The endpoint itself answers; `reason` is for the trace."""

    def __init__(
        self,
        status: int,
        message: str,
        reason: str,
        *,
        key: str = "message",
        kind: str = "",
        function: str = "",
        invocation: str = "",
    ) -> None:
        super().__init__(reason)
        headers = (("content-type", JSON), *((("x-amzn-errortype", kind),) if kind else ()))
        self.reply = Reply(status, headers, json.dumps({key: message}).encode(), reason, function, invocation)


def not_here(reason: str) -> Refused:
    """Refuse what AWS does and this emulator does not."""
    return Refused(501, f"hfaas: {reason}", reason, kind="NotImplemented")


class Malformed(Exception):
    """A function's answer that is no HTTP answer; says what is wrong with it."""


def proxied(payload: bytes, *, default_type: str, strict: bool = False, decode: bool = True) -> Reply:
    """Read an answer in payload format 1.0; `strict` as REST APIs are, which know no other keys.

    Without `decode` a body in base64 stays as it is.
    """
    answer = _parse(payload)
    if not isinstance(answer, dict):
        raise Malformed("it is no JSON object with statusCode")
    if strict and (other := answer.keys() - KNOWN):
        raise Malformed(f"it has keys that API Gateway does not know: {', '.join(sorted(other))}")
    several = _object(answer, "multiValueHeaders")
    names = {name.lower() for name in several}
    single = [(name, value) for name, value in _object(answer, "headers").items() if name.lower() not in names]
    headers = _headers((*single, *_flattened(several)))
    return Reply(_status(answer), _typed(headers, default_type), _body(answer, decode=decode))


def told(payload: bytes, *, default_type: str) -> Reply:
    """Read an answer in payload format 2.0: without statusCode, it is the body as it stands."""
    answer = _parse(payload)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        body = answer.encode() if isinstance(answer, str) else payload
        return Reply(200, (("content-type", JSON),), body)
    cookies = answer.get("cookies") or []
    if not isinstance(cookies, list):
        raise Malformed("cookies is no list")
    headers = _headers((*_object(answer, "headers").items(), *(("set-cookie", cookie) for cookie in cookies)))
    return Reply(_status(answer), _typed(headers, default_type), _body(answer))


def _parse(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError as error:
        raise Malformed(f"it is no JSON: {error}") from error


def _status(answer: Mapping[str, Any]) -> int:
    status = answer.get("statusCode")
    text = str(status) if isinstance(status, int | str) and not isinstance(status, bool) else ""
    if not re.fullmatch("[2-5][0-9][0-9]", text):
        raise Malformed(f"statusCode is {status!r}")
    return int(text)


def _object(answer: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = answer.get(key)
    if value is not None and not isinstance(value, dict):
        raise Malformed(f"{key} is no object")
    return value or {}


def _flattened(several: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, values in several.items():
        if not isinstance(values, list):
            raise Malformed(f"multiValueHeaders.{name} is no list")
        yield from ((name, value) for value in values)


def _headers(pairs: Iterable[tuple[str, Any]]) -> Pairs:
    return tuple(
        (name.lower(), text)
        for name, value in pairs
        if (text := _text(name, value)) is not None and name.lower() not in CONNECTION
    )


def _text(name: str, value: Any) -> str | None:
    """Return a header's value as text; None when there is none."""
    if value is None:
        return None
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if not isinstance(value, str) or not NAME.fullmatch(name):
        raise Malformed(f"the header {name!r} is no header")
    if any(ord(each) < 32 and each != "\t" for each in value):
        raise Malformed(f"the header {name} has control characters")
    return value


def _typed(headers: Pairs, default: str) -> Pairs:
    return headers if any(name == "content-type" for name, _ in headers) else (*headers, ("content-type", default))


def _body(answer: Mapping[str, Any], *, decode: bool = True) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Malformed("body is no string")
    if not decode or answer.get("isBase64Encoded") is not True:
        return body.encode("utf-8", "surrogatepass")
    return decoded(body)


def decoded(body: str) -> bytes:
    """Return the bytes of base64 text; Malformed."""
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"body is no base64: {error}") from error
