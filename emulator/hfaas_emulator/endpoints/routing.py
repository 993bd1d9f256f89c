"""Which resource of a REST API, or route of an HTTP API, a path is for.

REST    a resource is chosen by the path alone: literal segments, then {id}, then {proxy+}; it has the method or not
HTTP    among the routes with the request's method the fullest match, then {proxy+}, then $default
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

from hfaas_emulator.endpoints.records import Resource, Route

DEFAULT = "$default"
LITERAL, VARIABLE, GREEDY = range(3)

Variables = dict[str, str]


def split_stage(path: str, stages: Iterable[str]) -> tuple[str, str]:
    """Return the stage that a path begins with and what is behind it; the $default stage where it names none."""
    first, _, rest = path.removeprefix("/").partition("/")
    name = unquote(first)
    if name in stages:
        return name, f"/{rest}"
    return DEFAULT, path


def resource_of(path: str, resources: Sequence[Resource]) -> tuple[Resource, Variables] | None:
    """Return the best resource for a path; a slash at its end says nothing."""
    wanted = _segments(path.rstrip("/"))
    ranked = [
        (_rank(template), resource, found)
        for resource in resources
        if (found := _match(template := _segments(resource.path), wanted)) is not None
    ]
    if not ranked:
        return None
    _, resource, variables = min(ranked, key=lambda each: each[0])
    return resource, variables


def route_of(method: str, path: str, routes: Sequence[Route]) -> tuple[Route, Variables] | None:
    """Return the best route for a request."""
    wanted = _segments(path)
    ranked: list[tuple[tuple[bool, list[int], bool], Route, Variables]] = []
    for route in routes:
        verb, _, template = route.key.partition(" ")
        if route.key == DEFAULT:
            ranked.append(((True, [], False), route, {}))
        elif verb in (method, "ANY") and (found := _match(_segments(template), wanted)) is not None:
            ranked.append(((False, _rank(_segments(template)), verb == "ANY"), route, found))
    if not ranked:
        return None
    _, route, variables = min(ranked, key=lambda each: each[0])
    return route, variables


def template_of(key: str) -> str:
    """Return the path of a route key; `$default` has only itself."""
    return key if key == DEFAULT else key.partition(" ")[2]


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """Put stage variables in place of `${stageVariables.NAME}`."""
    for name, value in variables.items():
        text = text.replace(f"${{stageVariables.{name}}}", value)
    return text


def _segments(path: str) -> list[str]:
    return path.removeprefix("/").split("/")


def _kind(segment: str) -> int:
    if not (segment.startswith("{") and segment.endswith("}")):
        return LITERAL
    return GREEDY if segment.endswith("+}") else VARIABLE


def _rank(template: Sequence[str]) -> list[int]:
    return [_kind(segment) for segment in template]


def _match(template: Sequence[str], wanted: Sequence[str]) -> Variables | None:
    """Return the path parameters when a path fits a template."""
    variables: Variables = {}
    for place, segment in enumerate(template):
        kind = _kind(segment)
        if kind == GREEDY:
            rest = "/".join(wanted[place:])
            return {**variables, segment[1:-2]: unquote(rest)} if rest else None
        if place >= len(wanted) or (kind == LITERAL and segment != unquote(wanted[place])):
            return None
        if kind == VARIABLE:
            if not wanted[place]:
                return None
            variables[segment[1:-1]] = unquote(wanted[place])
    return variables if len(template) == len(wanted) else None
