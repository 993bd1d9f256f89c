"""HTTP endpoints in the pipeline file: what is read, what is remarked, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hfaas_deploy import fdl
from hfaas_deploy.findings import Finding
from hfaas_deploy.pipeline import HttpApi, Pipeline, UrlAccess

Check = Callable[[str], list[Finding]]
Parse = Callable[[str], Pipeline]
Write = Callable[[str], Path]


def pipeline(after: str, more: str = "") -> str:
    own = f"{{name: f, init_script: a.sh, container: {{image: x}}, {more}}}"
    return f"functions:\n  aws:\n  - lambda: {own}\n    {after}\n"


def test_an_api_is_scars_stage_with_signed_requests(parse: Parse) -> None:
    (function,) = parse(pipeline("api_gateway: {name: x}")).functions

    assert function.api == HttpApi("x", "scar", "{proxy+}", "ANY", public=False)
    assert function.url is UrlAccess.NONE


def test_an_api_may_have_another_route(parse: Parse) -> None:
    text = "api_gateway: {name: x, stage_name: v1, path_part: '/a/{id}', http_method: get}"

    (function,) = parse(pipeline(text)).functions

    assert function.api == HttpApi("x", "v1", "a/{id}", "GET", public=False)


@pytest.mark.parametrize("after", ["api_gateway: {name: x}", "hfaas: {url: iam}"])
def test_a_function_with_an_endpoint_needs_no_other_trigger(check: Check, after: str) -> None:
    assert check(pipeline(after)) == []


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (
            "api_gateway: {name: x, method: {authorizationType: NONE}}",
            "authorizationType NONE: everybody may call f, unsigned",
        ),
        ("hfaas: {url: public}", "url public: everybody may call f, unsigned"),
    ],
)
def test_what_everybody_may_call_is_a_warning(check: Check, after: str, message: str) -> None:
    (finding,) = check(pipeline(after))

    assert (finding.code, finding.is_error, finding.message) == ("public", False, message)


def test_a_block_without_a_name_makes_no_api_and_says_so(check: Check) -> None:
    found = check(pipeline("api_gateway: {stage_name: v1}"))

    assert [finding.code for finding in found] == ["no-trigger", "ignored"]


def test_defaults_of_scar_make_no_api(write: Write) -> None:
    Path("scar.cfg").write_text('{"aws": {"api_gateway": {"region": "us-east-1", "stage_name": "scar"}}}')

    (function,) = fdl.parse(write(pipeline("hfaas: {url: none}")), Path("scar.cfg")).functions

    assert function.api is None


def test_a_timeout_that_no_api_waits_for_is_a_warning(check: Check) -> None:
    (finding,) = check(pipeline("api_gateway: {name: x}", "timeout: 31"))

    assert finding.message == "timeout 31: an HTTP API answers 503 after 30 s; a function URL waits"
    assert check(pipeline("api_gateway: {name: x}", "timeout: 30")) == []
    assert check(pipeline("hfaas: {url: iam}", "timeout: 900")) == []


@pytest.mark.parametrize(
    "key",
    [
        "stage_name: a/b",
        "stage_name: ${NAME}",
        "path_part: a b",
        "path_part: '{a+}/b'",
        "path_part: '/'",
        "http_method: BREW",
        "method: {authorizationType: CUSTOM}",
    ],
)
def test_what_no_api_can_have_is_refused(check: Check, key: str) -> None:
    assert any(finding.is_error for finding in check(pipeline(f"api_gateway: {{name: x, {key}}}")))
