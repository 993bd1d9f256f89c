from __future__ import annotations

import pytest

from hfaas_emulator.errors import AwsError
from hfaas_emulator.s3.signing import check_time, is_signed

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


def new(date: str = "20260101T120000Z", expires: str = "60") -> dict[str, list[str]]:
    return {"X-Amz-Signature": ["0"], "X-Amz-Date": [date], "X-Amz-Expires": [expires]}


def old(expires: str) -> dict[str, list[str]]:
    return {"AWSAccessKeyId": ["test"], "Signature": ["0"], "Expires": [expires]}


@pytest.mark.parametrize("query", [new(), new(expires="604800"), old("1767268860"), {}, {"Expires": ["1"]}])
def test_a_request_in_time_passes(query: dict[str, list[str]]) -> None:
    check_time(query, NOON + 60)


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        (new(), "AccessDenied", 403),
        (old("1767268860"), "AccessDenied", 403),
        (old("tomorrow"), "AccessDenied", 403),
        (new(expires="x"), "AuthorizationQueryParametersError", 400),
        (new(expires="604801"), "AuthorizationQueryParametersError", 400),
        (new(date="yesterday"), "AuthorizationQueryParametersError", 400),
        ({"X-Amz-Signature": ["0"]}, "AuthorizationQueryParametersError", 400),
    ],
)
def test_a_time_that_is_over_or_none_is_refused(query: dict[str, list[str]], code: str, status: int) -> None:
    with pytest.raises(AwsError) as refused:
        check_time(query, NOON + 61)
    assert (refused.value.code, refused.value.status) == (code, status)


def test_a_signature_is_in_the_headers_or_in_the_address() -> None:
    assert is_signed({"authorization": "AWS4-HMAC-SHA256 ..."}, {})
    assert is_signed({}, new())
    assert is_signed({}, old("1"))
    assert not is_signed({}, {"Signature": ["0"]})
