"""Resources of REST APIs and routes of HTTP APIs, the best for each path."""

from __future__ import annotations

import pytest

from hfaas_emulator.endpoints.records import Resource, Route
from hfaas_emulator.endpoints.routing import resource_of, route_of, split_stage, substituted

RESOURCES = [
    Resource(path, path, {}) for path in ("/", "/a", "/a/{id}", "/a/{id}/b", "/a/{rest+}", "/a/x", "/{proxy+}")
]
ROUTES = [
    Route(key, "NONE", None)
    for key in ("$default", "ANY /{proxy+}", "GET /a/{id}", "ANY /a/{id}", "POST /a/x", "GET /b", "GET /{one}/c")
]


@pytest.mark.parametrize(
    ("path", "template", "variables"),
    [
        ("/", "/", {}),
        ("/a", "/a", {}),
        ("/a/", "/a", {}),
        ("/a/x", "/a/x", {}),
        ("/a/y", "/a/{id}", {"id": "y"}),
        ("/a/a%2Fb%20c", "/a/{id}", {"id": "a/b c"}),
        ("/a/y/b", "/a/{id}/b", {"id": "y"}),
        ("/a/y/c", "/a/{rest+}", {"rest": "y/c"}),
        ("/z/y", "/{proxy+}", {"proxy": "z/y"}),
    ],
)
def test_a_resource_is_chosen_by_the_path_alone(path: str, template: str, variables: dict[str, str]) -> None:
    found = resource_of(path, RESOURCES)
    assert found is not None
    assert (found[0].path, found[1]) == (template, variables)


def test_a_greedy_resource_does_not_stand_for_its_parent() -> None:
    assert resource_of("/", [RESOURCES[-1]]) is None


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/a/1", "GET /a/{id}"),
        ("PUT", "/a/1", "ANY /a/{id}"),
        ("POST", "/a/x", "POST /a/x"),
        ("GET", "/a/x", "GET /a/{id}"),
        ("POST", "/b", "ANY /{proxy+}"),
        ("GET", "/a/c", "GET /a/{id}"),
        ("GET", "/z/c", "GET /{one}/c"),
        ("GET", "/b/", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
    ],
)
def test_a_route_is_chosen_among_those_of_the_method(method: str, path: str, key: str) -> None:
    found = route_of(method, path, ROUTES)
    assert found is not None
    assert found[0].key == key


def test_without_a_default_there_may_be_no_route() -> None:
    assert route_of("GET", "/x", [Route("GET /y", "NONE", None)]) is None


@pytest.mark.parametrize(
    ("path", "stage", "rest"),
    [
        ("/dev/x", "dev", "/x"),
        ("/dev", "dev", "/"),
        ("/$default/x", "$default", "/x"),
        ("/%24default/x", "$default", "/x"),
        ("/x/dev", "$default", "/x/dev"),
    ],
)
def test_a_path_names_its_stage_or_the_default_one(path: str, stage: str, rest: str) -> None:
    assert split_stage(path, ("dev", "$default")) == (stage, rest)


def test_stage_variables_are_put_into_uris() -> None:
    assert substituted("function:${stageVariables.name}/x", {"name": "f"}) == "function:f/x"
