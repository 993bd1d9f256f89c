"""IAM's decision over policies: documents and an ask go in, a decision and AWS's words come out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfaas_emulator.permissions.decision import NOTHING, Decision, Granted, Resource, decide
from hfaas_emulator.permissions.document import Ask, Policy, Who, compile_policy

ROLE = "arn:aws:iam::111111111111:role/works"
WHO = Who("arn:aws:sts::111111111111:assumed-role/works/s", ROLE, "111111111111")
OBJECT = "arn:aws:s3:::films/in/a.mp4"
CONTEXT = {
    "aws:principalaccount": ("111111111111",),
    "aws:principaltag/team": ("red",),
    "aws:sourceip": ("10.1.2.3",),
    "aws:securetransport": ("true",),
    "aws:currenttime": ("2026-05-01T12:00:00+00:00",),
    "aws:epochtime": ("1777636800",),
    "aws:principalarn": (ROLE,),
    "s3:prefix": ("in/",),
    "s3:max-keys": ("10",),
    "aws:calledvia": ("a.amazonaws.com", "b.amazonaws.com"),
}


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> Policy:
    """A compiled document of statements that are complete but for what a test says."""
    given = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **each} for each in statements]
    return compile_policy("p", json.dumps({"Version": version, "Statement": given}))


def own(*statements: dict[str, Any]) -> Granted:
    return Granted((policy(*statements),))


def asked(
    granted: Granted, resource: Resource = NOTHING, action: str = "s3:GetObject", on: str = OBJECT
) -> Decision:
    return decide(granted, WHO, Ask(action, on, CONTEXT), resource)


def holds(operator: str, key: str, values: Any) -> bool:
    return asked(own({"Condition": {operator: {key: values}}})).allowed


def test_nothing_is_allowed_without_a_statement() -> None:
    decided = asked(Granted())
    assert not decided.allowed
    assert decided.because == "because no identity-based policy allows the s3:GetObject action"


def test_a_deny_beats_every_allow() -> None:
    decided = asked(own({}, {"Effect": "Deny", "Sid": "Never"}))
    assert decided.because == "with an explicit deny in an identity-based policy"
    assert decided.note == "statement Never of p denies it"


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("s3:GetObject", True),
        ("S3:getobject", True),
        ("s3:Get*", True),
        ("s3:GetObjec?", True),
        ("*", True),
        ("s3:GetObjectVersion", False),
        ("lambda:*", False),
        (["s3:PutObject", "s3:GetObject"], True),
    ],
)
def test_actions_fit_with_wildcards_and_without_case(pattern: Any, fits: bool) -> None:
    assert asked(own({"Action": pattern})).allowed is fits


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (OBJECT, True),
        ("arn:aws:s3:::films/*", True),
        ("arn:aws:s3:::*", True),
        ("arn:aws:s3:::films/in/?.mp4", True),
        ("arn:aws:s3:::films", False),
        ("arn:aws:s3:::Films/*", False),
        ("arn:aws:*", False),
        ("arn:aws:s3:*:*:films/in/a.mp4", True),
        ("arn:aws:s3:::${aws:PrincipalTag/team}/*", False),
        ("arn:aws:s3:::films/${*}", False),
    ],
)
def test_resources_fit_part_by_part(pattern: str, fits: bool) -> None:
    assert asked(own({"Resource": pattern})).allowed is fits


def test_a_wildcard_does_not_cross_the_parts_of_an_arn() -> None:
    assert not asked(own({"Action": "*", "Resource": "arn:aws:sqs:*:mine"}), action="sqs:SendMessage",
                     on="arn:aws:sqs:r:a:mine").allowed  # fmt: skip


def test_not_action_is_everything_else() -> None:
    granted = compile_policy(
        "p", '{"Statement": {"Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*"}}'
    )
    assert asked(Granted((granted,))).allowed
    assert not asked(Granted((granted,)), action="s3:PutObject").allowed


def test_not_resource_is_everything_else() -> None:
    document = {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::films/*"}
    granted = Granted((compile_policy("p", json.dumps({"Statement": [document]})),))
    assert not asked(granted).allowed
    assert asked(granted, on="arn:aws:s3:::books/x").allowed


def test_a_variable_stands_for_what_the_context_says() -> None:
    granted = own({"Resource": "arn:aws:s3:::team-${aws:PrincipalTag/team}/*"})
    assert asked(granted, on="arn:aws:s3:::team-red/x").allowed
    assert not asked(granted, on="arn:aws:s3:::team-blue/x").allowed


def test_a_variable_without_a_value_fits_nothing_unless_it_has_a_default() -> None:
    assert not asked(own({"Resource": "arn:aws:s3:::${aws:username}*"})).allowed
    assert asked(own({"Resource": "arn:aws:s3:::${aws:username, 'films'}/*"})).allowed


def test_a_wildcard_in_a_variable_is_no_wildcard() -> None:
    granted = own({"Resource": "arn:aws:s3:::${aws:PrincipalTag/team}/*"})
    ask = Ask("s3:GetObject", OBJECT, {"aws:principaltag/team": ("*",)})
    assert not decide(granted, WHO, ask).allowed


def test_an_old_document_has_no_variables() -> None:
    granted = Granted((policy({"Resource": "arn:aws:s3:::${aws:PrincipalTag/team}"}, version="2008-10-17"),))
    assert not asked(granted, on="arn:aws:s3:::red").allowed


@pytest.mark.parametrize(
    ("operator", "key", "values", "fits"),
    [
        ("StringEquals", "aws:PrincipalAccount", "111111111111", True),
        ("StringEquals", "aws:PrincipalAccount", ["2", "111111111111"], True),
        ("StringEquals", "aws:PrincipalAccount", "1", False),
        ("StringEquals", "s3:delimiter", "/", False),
        ("StringEqualsIfExists", "s3:delimiter", "/", True),
        ("StringNotEquals", "aws:PrincipalAccount", "111111111111", False),
        ("StringNotEquals", "aws:PrincipalAccount", ["2", "3"], True),
        ("StringNotEquals", "s3:delimiter", "/", True),
        ("StringEqualsIgnoreCase", "aws:PrincipalTag/team", "RED", True),
        ("StringNotEqualsIgnoreCase", "aws:PrincipalTag/team", "RED", False),
        ("StringLike", "s3:prefix", "i*", True),
        ("StringLike", "s3:prefix", ["out/*", "i?/"], True),
        ("StringNotLike", "s3:prefix", "i*", False),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/w*", True),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:role/x", False),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/x", True),
        ("Bool", "aws:SecureTransport", "true", True),
        ("Bool", "aws:SecureTransport", False, False),
        ("Null", "s3:delimiter", "true", True),
        ("Null", "s3:prefix", True, False),
        ("Null", "s3:prefix", "false", True),
        ("IpAddress", "aws:SourceIp", "10.1.0.0/16", True),
        ("IpAddress", "aws:SourceIp", ["192.168.0.0/16", "10.1.2.3"], True),
        ("IpAddress", "aws:SourceIp", "nonsense", False),
        ("NotIpAddress", "aws:SourceIp", "10.1.0.0/16", False),
        ("NumericLessThanEquals", "s3:max-keys", "10", True),
        ("NumericLessThan", "s3:max-keys", 10, False),
        ("NumericGreaterThan", "s3:max-keys", "9.5", True),
        ("NumericNotEquals", "s3:max-keys", "9", True),
        ("NumericEquals", "s3:prefix", "1", False),
        ("DateLessThan", "aws:CurrentTime", "2026-05-01T12:00:01Z", True),
        ("DateGreaterThan", "aws:CurrentTime", "2027-01-01T00:00:00Z", False),
        ("DateGreaterThanEquals", "aws:EpochTime", "1777636800", True),
        ("ForAnyValue:StringEquals", "aws:CalledVia", ["b.amazonaws.com"], True),
        ("ForAllValues:StringEquals", "aws:CalledVia", ["b.amazonaws.com"], False),
        ("ForAllValues:StringLike", "aws:CalledVia", "*.amazonaws.com", True),
        ("ForAllValues:StringEquals", "s3:delimiter", "x", True),
        ("ForAnyValue:StringEquals", "s3:delimiter", "x", False),
        ("StringEquals", "aws:PrincipalAccount", "${aws:PrincipalAccount}", True),
    ],
)
def test_conditions_hold_as_in_iam(operator: str, key: str, values: Any, fits: bool) -> None:
    assert holds(operator, key, values) is fits


def test_all_conditions_of_a_statement_must_hold() -> None:
    both = {"StringLike": {"s3:prefix": "i*"}, "Bool": {"aws:SecureTransport": "false"}}
    assert not asked(own({"Condition": both})).allowed


def test_an_unknown_condition_key_does_not_allow_and_says_so() -> None:
    decided = asked(own({"Sid": "Ours", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}))
    assert not decided.allowed
    assert decided.unsure
    assert decided.note == (
        "statement Ours of p would allow it, but this emulator does not know the condition key aws:principalorgid"
    )


def test_an_unknown_operator_does_not_allow_and_says_so() -> None:
    decided = asked(own({"Condition": {"StringSounds": {"s3:prefix": "in/"}}}))
    assert decided.unsure
    assert "the operator StringSounds" in decided.note


def test_an_unknown_condition_of_a_deny_denies() -> None:
    decided = asked(own({}, {"Effect": "Deny", "Condition": {"StringEquals": {"aws:SourceVpce": "v"}}}))
    assert decided.because == "with an explicit deny in an identity-based policy"
    assert decided.unsure


def test_an_unknown_condition_is_of_no_account_where_another_one_fails() -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-1", "s3:prefix": "out/"}}
    assert asked(own({}, {"Effect": "Deny", "Condition": condition})).allowed


def test_a_condition_that_fails_is_told() -> None:
    decided = asked(own({"Condition": {"StringEquals": {"s3:prefix": "out/"}}}))
    assert decided.note == "p would allow it, but its conditions do not hold"
    assert not decided.unsure


def test_a_boundary_must_allow_as_well() -> None:
    narrow = policy({"Action": "s3:PutObject"})
    decided = asked(Granted((policy({}),), boundary=narrow))
    assert decided.because == "because no permissions boundary allows the s3:GetObject action"
    assert asked(Granted((policy({}),), boundary=policy({}))).allowed


def test_a_boundary_grants_nothing() -> None:
    assert not asked(Granted(boundary=policy({}))).allowed


def test_a_session_policy_must_allow_as_well() -> None:
    decided = asked(Granted((policy({}),), session=policy({"Resource": "arn:aws:s3:::films/out/*"})))
    assert decided.because == "because no session policy allows the s3:GetObject action"


@pytest.mark.parametrize(
    ("principal", "fits"),
    [
        ({"AWS": ROLE}, True),
        ({"AWS": WHO.session}, True),
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ["arn:aws:iam::111111111111:role/other", ROLE]}, True),
        ({"AWS": "111111111111"}, False),
        ({"AWS": "arn:aws:iam::111111111111:root"}, False),
        ({"Service": "s3.amazonaws.com"}, False),
    ],
)
def test_a_resource_of_the_same_account_allows_whom_it_names_itself(principal: Any, fits: bool) -> None:
    assert asked(Granted(), Resource(policy({"Principal": principal}), "111111111111")).allowed is fits


def test_a_resource_denies_whom_it_names_by_account() -> None:
    denies = policy({"Effect": "Deny", "Principal": {"AWS": "111111111111"}})
    decided = asked(own({}), Resource(denies, "111111111111"))
    assert decided.because == "with an explicit deny in a resource-based policy"


def test_a_resource_denies_only_whom_it_names() -> None:
    denies = policy({"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::111111111111:role/other"}})
    assert asked(own({}), Resource(denies, "111111111111")).allowed


def test_a_deny_for_everybody_but_the_role_spares_the_role() -> None:
    document = {"Effect": "Deny", "NotPrincipal": {"AWS": [ROLE, "111111111111"]}, "Action": "*", "Resource": "*"}
    denies = compile_policy("p", json.dumps({"Statement": document}))
    assert asked(own({}), Resource(denies)).allowed


def test_a_resource_of_another_account_and_the_role_must_both_allow() -> None:
    named = policy({"Principal": {"AWS": "arn:aws:iam::111111111111:root"}})
    assert asked(own({}), Resource(named, "222222222222")).allowed
    assert asked(Granted(), Resource(named, "222222222222")).because.startswith("because no identity-based policy")
    assert asked(own({}), Resource(None, "222222222222")).because == (
        "because no resource-based policy allows the s3:GetObject action"
    )


def test_a_boundary_bounds_what_a_resource_grants_the_role_but_not_what_it_grants_the_session() -> None:
    bounded = Granted(boundary=policy({"Action": "s3:PutObject"}))
    assert not asked(bounded, Resource(policy({"Principal": {"AWS": ROLE}}))).allowed
    assert asked(bounded, Resource(policy({"Principal": {"AWS": WHO.session}}))).allowed


def test_a_trust_policy_that_names_the_account_leaves_it_to_the_roles_own_policies() -> None:
    trust = Resource(
        policy({"Action": "sts:AssumeRole", "Principal": {"AWS": "111111111111"}}), "111111111111", must_allow=True
    )
    other = "arn:aws:iam::111111111111:role/other"
    assert not asked(Granted(), trust, "sts:AssumeRole", other).allowed
    assert asked(own({"Action": "sts:AssumeRole"}), trust, "sts:AssumeRole", other).allowed


def test_a_role_that_trusts_nobody_cannot_be_assumed_by_whoever_may_do_everything() -> None:
    trust = Resource(policy(), "111111111111", must_allow=True)
    assert not asked(own({"Action": "*"}), trust, "sts:AssumeRole", ROLE).allowed


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"Statement": "x"}', '{"Statement": [3, {}]}'])
def test_what_is_no_policy_allows_and_denies_nothing(text: str) -> None:
    assert compile_policy("p", text) == Policy("p")
