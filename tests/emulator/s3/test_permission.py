from __future__ import annotations

from typing import Any

import pytest

from hfaas_emulator.s3.permission import Source, denial

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:grey"
SOURCE = Source("arn:aws:s3:::photos", "000000000000")


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
    } | changes


def reason(*statements: dict[str, Any]) -> str:
    return denial(statements, "lambda:InvokeFunction", FUNCTION, SOURCE)


def test_no_policy_allows_nothing() -> None:
    assert reason().startswith("no statement of the resource policy allows s3.amazonaws.com")


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::pho*"}},
        {"ArnEquals": {"aws:SourceArn": ["arn:aws:s3:::other", "arn:aws:s3:::photos"]}},
        {
            "StringEquals": {"AWS:SourceAccount": "000000000000"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photo?"},
        },
        {"StringLike": {"aws:SourceArn": "arn:aws:s3*"}},
    ],
)
def test_a_statement_whose_conditions_hold_allows(condition: dict[str, Any]) -> None:
    assert reason(statement(Condition=condition)) == ""


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::videos"}},
        {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos/*"}},
        {"ArnLike": {"AWS:SourceArn": "arn:aws:*"}},
        {"StringEquals": {"AWS:SourceAccount": "111111111111"}},
        {"StringEquals": {"AWS:SourceOwner": "000000000000"}},
        {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}},
    ],
)
def test_a_statement_whose_conditions_fail_does_not(condition: dict[str, Any]) -> None:
    assert "asks for" in reason(statement(Condition=condition))


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"Service": "sns.amazonaws.com"}},
        {"Action": "lambda:GetFunction"},
        {"Resource": FUNCTION + ":live"},
    ],
)
def test_a_statement_about_something_else_does_not(changes: dict[str, Any]) -> None:
    assert "s3 is for another" in reason(statement(**changes))


def test_wildcards_of_actions_and_principals_count() -> None:
    assert reason(statement(Principal="*", Action=["lambda:*"], Resource="*")) == ""


def test_a_denial_wins() -> None:
    assert "denies" in reason(statement(), statement(Sid="no", Effect="Deny"))
