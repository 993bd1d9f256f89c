"""The bodies of answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response


def dumped(content: Any) -> bytes:
    """Return JSON in ASCII: a name may hold what is no text."""
    return json.dumps(content, separators=(",", ":")).encode()


def json_response(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None, kind: str = "application/json"
) -> Response:
    """Return an answer of JSON."""
    return Response(dumped(content), status, headers, kind)


def nothing() -> Response:
    """Return an answer without a body."""
    return Response(status_code=204)
