from __future__ import annotations

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    PartialCredentialsError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError

from hfaas_deploy.aws import credentials
from hfaas_tui.aws import START, words


def refused() -> ClientError:
    about = {"Error": {"Code": "NoSuchBucket", "Message": "The specified bucket does not exist."}}
    return ClientError(about, "PutObject")  # type: ignore[arg-type]


def test_a_refusal_is_told_by_its_message_and_code() -> None:
    told = words(refused())

    assert told is not None
    assert told[0] == "The specified bucket does not exist (NoSuchBucket)"
    assert "hfaas deploy" in told[1]


def test_what_the_transfer_wraps_is_told_instead_of_the_wrapping() -> None:
    wrapping = S3UploadFailedError("Failed to upload")
    wrapping.__context__ = refused()

    assert words(wrapping) == words(refused())


def test_an_emulator_that_is_gone_is_told_with_what_to_do() -> None:
    told = words(EndpointConnectionError(endpoint_url="http://127.0.0.1:1"))

    assert told == ("no emulator answers at http://127.0.0.1:1", START)


@pytest.mark.parametrize("code", ["ExpiredToken", "AuthFailure", "SignatureDoesNotMatch", "RequestTimeTooSkewed"])
def test_credentials_that_aws_refuses_are_told_as_a_promotion_tells_them(code: str) -> None:
    fault = ClientError({"Error": {"Code": code, "Message": "no"}}, "ListFunctions")
    refusal = credentials.refusal(fault, "research")

    assert refusal is not None
    assert words(fault, "research") == (refusal.message, refusal.hint)


@pytest.mark.parametrize(
    "fault",
    [NoCredentialsError(), UnauthorizedSSOTokenError(), PartialCredentialsError(provider="env", cred_var="k")],
)
def test_credentials_that_are_not_there_are_told_as_a_promotion_tells_them(fault: BotoCoreError) -> None:
    absence = credentials.absence(fault, "", "")

    assert words(fault) == (absence.message, absence.hint)


def test_errors_of_others_are_left_alone() -> None:
    assert words(KeyError("x")) is None


def test_an_answer_that_is_none_of_aws_is_said_to_be_one() -> None:
    told = words(ResponseParserError("Unable to parse response (no element found), invalid XML received: b''"))

    assert told == (
        "what answers is not AWS: its answer cannot be read",
        "is a proxy, or a sign-in page, in between?",
    )


def test_a_region_that_cannot_be_one_is_told_with_how_one_looks() -> None:
    told = words(InvalidRegionError(region_name="x@evil"))

    assert told == ("'x@evil' is no region of AWS", "name one with --region, as eu-west-1")
