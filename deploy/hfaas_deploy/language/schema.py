"""The JSON Schema of the pipeline file, for editors: made from the table of keys.

`python -m hfaas_deploy.language.schema` prints it; docs/fdl.schema.json is that text.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from hfaas_deploy.language import keys
from hfaas_deploy.language.keys import Key, Kind, Status

Json = dict[str, Any]

SCALAR = {"type": ["string", "number", "boolean"]}
DIGITS = r"^-?(0|[1-9][0-9]*)$"


def schema() -> Json:
    """The schema of today's form; older forms are read too, but not described."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hfaas pipeline (SCAR's Functions Definition Language with extensions)",
        **_block(""),
    }


def text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _block(place: str) -> Json:
    allowed = keys.at(place)
    if not allowed:
        return {"type": "object", "additionalProperties": _block(f"{place}.<id>")}
    required = [key.name for key in allowed.values() if key.required]
    return {
        "type": "object",
        "properties": {name: _orphan(key) for name, key in allowed.items()},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _orphan(key: Key) -> Json:
    """A key's schema, with what a person reads beside it; null is as good as absent."""
    described = {"description": described} if (described := _description(key)) else {}
    default = {} if key.default is None else {"default": key.default}
    marks = {"deprecated": True} if key.status is Status.IGNORED else {}
    value = _value(key)
    shape = value if not value or key.required else {"anyOf": [value, {"type": "null"}]}
    return {**described, **default, **marks, **shape}


def _description(key: Key) -> str:
    note = f"Ignored because {key.because}." if key.status is Status.IGNORED else ""
    extension = "Extension of hfaas." if key.extension or key.place.endswith("hfaas") else ""
    effect = f"{key.effect[:1].upper()}{key.effect[1:]}." if key.effect else ""
    return " ".join(part for part in (effect, extension, note) if part)


def _value(key: Key) -> Json:
    match key.kind:
        case Kind.ANY:
            return {}
        case Kind.BLOCK:
            return _block(key.inside)
        case Kind.BLOCKS:
            return {"type": "array", "items": _block(key.inside)}
        case Kind.NAMED:
            return {"type": "object", "additionalProperties": _block(key.inside), **_names(key)}
        case Kind.TEXT_MAP:
            return {
                "type": "object",
                "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
                **_names(key),
            }
        case Kind.TEXTS:
            return {"anyOf": [_text(key), {"type": "array", "items": _text(key)}]}
        case _:
            return _scalar(key)


def _names(key: Key) -> Json:
    return {"propertyNames": {"pattern": f"^{key.names}$"}} if key.names else {}


def _scalar(key: Key) -> Json:
    match key.kind:
        case Kind.WHOLE:
            return {"anyOf": [_whole(key), {"type": "string", "pattern": DIGITS}]}
        case Kind.NUMBER:
            return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}]}
        case Kind.TRUTH:
            return {"type": "boolean"}
        case _:
            return _text(key)


def _whole(key: Key) -> Json:
    limits = {"minimum": key.low, "maximum": key.high}
    numbers = {"enum": list(key.numbers)} if key.numbers else {}
    return {"type": "integer", **numbers, **{name: limit for name, limit in limits.items() if limit is not None}}


def _text(key: Key) -> Json:
    if key.choices and key.any_case:
        return {"enum": [*key.choices, *(choice.lower() for choice in key.choices)]}
    if key.choices:
        return {"enum": list(key.choices)}
    if key.pattern:
        return {"type": "string", "pattern": f"^({key.pattern})$"}
    return {**SCALAR, **({"maxLength": key.longest} if key.longest else {})}


if __name__ == "__main__":
    sys.stdout.write(text())
