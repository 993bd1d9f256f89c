"""Which endpoint a request is for, by path and by host."""

from __future__ import annotations

import pytest

from hfaas_emulator.endpoints.address import Address, Kind, find

API, URL = Kind.API, Kind.URL


@pytest.mark.parametrize(
    ("host", "path", "address"),
    [
        ("localhost:4566", "/restapis/a1/prod/_user_request_/x/y", Address(API, "a1", "/prod/x/y")),
        ("localhost:4566", "/restapis/a1/prod/_user_request_", Address(API, "a1", "/prod")),
        ("localhost:4566", "/_aws/execute-api/a1/prod/x", Address(API, "a1", "/prod/x")),
        ("localhost:4566", "/_aws/execute-api/a1", Address(API, "a1", "/")),
        ("localhost:4566", "/_aws/lambda-url/u1/x%20y/", Address(URL, "u1", "/x%20y/")),
        ("localhost:4566", "/_aws/lambda-url/u1/a%0A%2Fb", Address(URL, "u1", "/a%0A%2Fb")),
        ("a1.execute-api.us-east-1.amazonaws.com", "/prod/x", Address(API, "a1", "/prod/x")),
        ("A1.Execute-Api.localhost:4566", "/prod/x", Address(API, "a1", "/prod/x")),
        ("u1.lambda-url.us-east-1.localhost:4566", "/", Address(URL, "u1", "/")),
        ("u1.lambda-url.us-east-1.on.aws", "/restapis", Address(URL, "u1", "/restapis")),
        ("localhost:4566", "/restapis/a1/stages/prod", None),
        ("localhost:4566", "/bucket/_aws/lambda-url/u1/", None),
        ("execute-api.us-east-1.amazonaws.com", "/", None),
        ("bucket.s3.localhost:4566", "/execute-api", None),
    ],
)
def test_an_endpoint_is_found_by_path_or_host(host: str, path: str, address: Address | None) -> None:
    assert find(host, path, "") == address


@pytest.mark.parametrize(("service", "found"), [("execute-api", True), ("lambda", True), ("s3", False)])
def test_what_is_signed_for_another_service_is_for_that_service(service: str, found: bool) -> None:
    assert (find("a1.execute-api.localhost", "/", service) is not None) is found


def test_a_stage_may_have_any_name_in_the_control_plane() -> None:
    assert find("localhost", "/restapis/a1/stages/_user_request_", "apigateway") is None
