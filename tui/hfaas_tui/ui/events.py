"""Events to invoke a function with, as the services of AWS would send them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

from hfaas_tui.ui.model import Function

KINDS = ("s3", "api", "json", "file")
TITLES = {"s3": "S3 put", "api": "API request", "json": "JSON", "file": "file"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where JSON ends to be some: line and column count from 1."""

    message: str
    line: int
    column: int


def kinds(function: Function) -> tuple[str, ...]:
    """Return the kinds of events that make sense for a function, the likeliest first."""
    has_s3 = any(uri.startswith("s3://") for uri in function.inputs)
    usual = (
        ("s3", "file", "json", "api") if has_s3 else ("file", "json", "api") if function.inputs else ("json", "api")
    )
    return ("api", *(kind for kind in usual if kind != "api")) if function.urls and not function.inputs else usual


def template(kind: str, function: Function, name: str = "file.jpg") -> str:
    """Return an event to begin with."""
    match kind:
        case "s3":
            return dumped(s3_put(next(uri for uri in function.inputs if uri.startswith("s3://")), name))
        case "api":
            return dumped(
                {
                    "httpMethod": "POST",
                    "path": f"/{function.name}",
                    "headers": {"Content-Type": "application/json"},
                    "queryStringParameters": {},
                    "body": "{}",
                    "isBase64Encoded": False,
                }
            )
        case _:
            return dumped({})


def s3_put(place: str, name: str) -> dict[str, object]:
    """Return what S3 tells of an object that was put below a place."""
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    key = f"{prefix.rstrip('/')}/{name}".lstrip("/")
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                    "object": {"key": quote_plus(key, safe="/")},
                },
            }
        ]
    }


def dumped(event: object) -> str:
    """Return an event as people read it."""
    return json.dumps(event, indent=2, ensure_ascii=False)


def mistake(text: str) -> Mistake | None:
    """Return what is wrong with JSON; None when nothing is."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return Mistake(error.msg, error.lineno, error.colno)
    except RecursionError:
        return Mistake("nested too deep", 1, 1)
    return None


def target_of(file: Path, function: Function) -> str:
    """Return where a file must be put for the function to get it."""
    return f"{function.inputs[0].rstrip('/')}/{file.name}"
