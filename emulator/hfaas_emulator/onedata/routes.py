"""Finds the route of a request. Paths are matched part by part, decoded: `%2F` separates, `//` is `/`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from hfaas_emulator.onedata.errors import OnedataError, not_found
from hfaas_emulator.onedata.provider import Provider
from hfaas_emulator.onedata.request import Asked

Answer = Callable[[Provider, Asked], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a pattern (`{x}` is one part, a `*` at the end any number), what answers, whether without a token."""

    method: str
    pattern: str
    answer: Answer
    public: bool = False

    def match(self, segments: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]] | None:
        """Return what the pattern's names and its star stand for; None when it does not fit."""
        parts = self.pattern.split("/")
        star = parts[-1] == "*"
        parts = parts[:-1] if star else parts
        if len(segments) < len(parts) or (len(segments) > len(parts) and not star):
            return None
        named = {}
        for part, segment in zip(parts, segments, strict=False):
            if part.startswith("{"):
                named[part[1:-1]] = segment
            elif part != segment:
                return None
        return named, tuple(segments[len(parts) :])


def find(routes: Sequence[Route], asked: Asked) -> Route:
    """Return the first route that fits, with its names filled in; OnedataError 404 or 405."""
    fits = False
    for route in routes:
        if (found := route.match(asked.segments)) is None:
            continue
        fits = True
        if route.method == asked.method:
            asked.parts, asked.rest = found
            return route
    if fits:
        raise OnedataError(405, "methodNotAllowed", f"{asked.method} is not allowed here.")
    raise not_found()
