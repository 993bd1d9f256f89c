"""The query protocol: form fields in, XML out."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax import saxutils

from hfaas_emulator.errors import AwsError

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What XML cannot carry; a service's message may hold it."""


class Moment(float):
    """A Unix time that is written as a date."""


def read(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Nest `Parameters.member.1.ParameterKey=x` as AWS's structures and lists."""
    tree: dict[str, Any] = {}
    for key, value in pairs:
        *path, last = key.split(".")
        node = tree
        for part in path:
            inner = node.setdefault(part, {})
            if not isinstance(inner, dict):
                raise AwsError("MalformedQueryString", f"the parameter {key} contradicts another one")
            node = inner
        node[last] = value
    return {key: _lists(value) for key, value in tree.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"} and isinstance(value["member"], dict):
        members = value["member"]
        numbered = sorted((int(number), one) for number, one in members.items() if number.isdecimal())
        return [_lists(one) for _, one in numbered]
    return {key: _lists(one) for key, one in value.items()}


def answer(action: str, result: Mapping[str, Any] | None) -> bytes:
    """Write an answer."""
    inner = "" if result is None else f"<{action}Result>{_structure(result)}</{action}Result>"
    return (
        f'<{action}Response xmlns="{NAMESPACE}">{inner}'
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></{action}Response>"
    ).encode()


def refusal(error: AwsError) -> bytes:
    """Write an error."""
    fault = "Sender" if error.status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{fault}</Type><Code>{escape(error.code)}</Code>'
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    ).encode()


def _structure(members: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{_value(one)}</{name}>" for name, one in members.items() if one is not None)


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Moment():
            whole, milliseconds = divmod(round(value * 1000), 1000)
            return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{milliseconds:03d}Z"
        case str():
            return escape(value)
        case Mapping():
            return _structure(value)
        case Sequence():
            return "".join(f"<member>{_value(one)}</member>" for one in value)
    return escape(str(value))


def escape(text: str) -> str:
    """Return text that may stand in an element."""
    return saxutils.escape(CONTROL.sub("\ufffd", text), {"\r": "&#13;"})
