"""Whose credentials a promotion uses, and where it may go: against an unmodified moto, and silent sockets."""

from __future__ import annotations

import datetime as dt
import os
import socket
import stat
import uuid
from collections.abc import Iterator
from dataclasses import replace
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError
from tests import faults
from tests.deploy.conftest import Check, Parse

from hfaas_deploy.aws import credentials, target
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import (
    CredentialsError,
    DeployError,
    NoNetwork,
    TargetUnreachable,
    WrongAccount,
    WrongTarget,
)
from hfaas_deploy.promote import guard
from hfaas_deploy.promote.promotion import Identity

ARN = "arn:aws:iam::111122223333:user/ann"
IDENTITY = Identity("111122223333", ARN, "eu-west-1", "sts.eu-west-1.amazonaws.com")
JOBS = """\
    functions:
      aws:
      - lambda:
          name: one
          init_script: a.sh
          container: {image: debian}
          execution_mode: lambda-batch
    """


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Surroundings without any AWS set-up but what a test writes; gives the folder for its files."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    target.forget_credentials()
    yield tmp_path
    target.forget_credentials()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A listening socket at which nobody may knock."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def knocked(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def address(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def stand_in(url: str) -> Target:
    return Target.aws("eu-west-1", stand_in=url)


# --- where a call goes ---


def test_sts_tells_whose_credentials_these_are(keys: None, moto_server: str) -> None:
    found = guard.identify(stand_in(moto_server))

    assert (found.account, found.last_digits) == ("123456789012", "9012")
    assert found.arn.startswith("arn:aws:sts::123456789012:")
    assert (found.region, found.host, found.is_stand_in) == ("eu-west-1", "127.0.0.1", True)


def test_the_alias_of_the_account_is_told_where_it_has_one(keys: None, moto_server: str) -> None:
    iam = stand_in(moto_server).client("iam")
    assert guard.identify(stand_in(moto_server)).alias == ""
    iam.create_account_alias(AccountAlias="research")
    try:
        assert guard.identify(stand_in(moto_server)).alias == "research"
    finally:
        iam.delete_account_alias(AccountAlias="research")


def test_who_may_not_see_the_alias_does_without(keys: None, moto_server: str) -> None:
    with faults.before(moto_server) as proxy:
        proxy.refuse("Action=ListAccountAliases", code="AccessDenied", status=403)

        assert guard.identify(stand_in(proxy.url)).alias == ""


def test_endpoints_in_the_environment_get_no_byte_of_a_promotion(
    keys: None, monkeypatch: pytest.MonkeyPatch, silent: socket.socket, moto_server: str
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_EC2"):
        monkeypatch.setenv(name, address(silent))

    guard.identify(stand_in(moto_server))

    assert not knocked(silent)
    for service in ("sts", "iam", "ec2", "ecr", "s3", "cloudformation", "secretsmanager", "lambda", "logs"):
        assert target.is_aws_host(
            Target.aws("eu-west-1").client(service).meta.endpoint_url.removeprefix("https://")
        )


def test_endpoints_in_the_users_configuration_get_no_byte_of_a_promotion(
    keys: None, alone: Path, silent: socket.socket, moto_server: str
) -> None:
    here = address(silent)
    (alone / "config").write_text(
        f"[default]\nendpoint_url = {here}\nservices = mine\n"
        f"[services mine]\nsts =\n  endpoint_url = {here}\niam =\n  endpoint_url = {here}\n"
    )

    guard.identify(stand_in(moto_server))

    assert not knocked(silent)
    assert Target.aws("eu-west-1").client("sts").meta.endpoint_url == "https://sts.eu-west-1.amazonaws.com"


def test_an_emulator_is_asked_nothing(silent: socket.socket) -> None:
    with pytest.raises(WrongTarget, match="this is an emulator"):
        guard.identify(Target.local(address(silent)))

    assert not knocked(silent)


def test_a_place_beyond_this_machine_cannot_stand_in(keys: None) -> None:
    with pytest.raises(WrongTarget, match="must be on this machine"):
        guard.identify(stand_in("https://sts.example.com"))


# --- which account it may be ---


@pytest.mark.parametrize("account", ["000000000000", "123456789012"])
def test_the_account_of_an_emulator_is_none_of_aws(account: str) -> None:
    emulated = replace(IDENTITY, account=account)
    with pytest.raises(WrongAccount, match="that of an emulator") as caught:
        guard.admit(emulated, "")

    assert "--profile" in caught.value.hint
    guard.admit(replace(emulated, is_stand_in=True), "")


def test_another_account_than_the_pinned_one_is_refused() -> None:
    with pytest.raises(WrongAccount, match="is for account 999988887777, these credentials are of 111122223333"):
        guard.admit(IDENTITY, "999988887777")

    guard.admit(IDENTITY, "111122223333")
    guard.admit(IDENTITY, "")


# --- credentials that are of no use ---


def test_without_credentials_one_is_told_how_to_get_some(silent: socket.socket) -> None:
    with pytest.raises(CredentialsError, match="no credentials for AWS were found") as caught:
        guard.identify(stand_in(address(silent)))

    assert "`aws configure`" in caught.value.hint
    assert "`aws configure sso`" in caught.value.hint
    assert not knocked(silent)


def test_half_a_key_is_told(monkeypatch: pytest.MonkeyPatch, silent: socket.socket) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")

    with pytest.raises(CredentialsError, match="are incomplete"):
        guard.identify(stand_in(address(silent)))


def test_a_profile_that_nobody_wrote_is_told(keys: None) -> None:
    with pytest.raises(CredentialsError, match="there is no profile 'research'") as caught:
        guard.identify(Target.aws("eu-west-1", "research"))

    assert "list-profiles" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "words", "hint"),
    [
        ("ExpiredToken", "the credentials of .* have expired", "aws sso login"),
        ("ExpiredTokenException", "the credentials of .* have expired", "aws sso login"),
        ("TokenRefreshRequired", "the credentials of .* have expired", "aws sso login"),
        ("RequestExpired", "refuses the time of the request", "set the clock"),
        ("RequestTimeTooSkewed", "refuses the time of the request", "set the clock"),
        ("InvalidClientTokenId", "does not know the access key", "AWS_SESSION_TOKEN"),
        ("UnrecognizedClientException", "does not know the access key", "AWS_SESSION_TOKEN"),
        ("SignatureDoesNotMatch", "does not belong to its access key", "aws configure"),
        ("ServiceUnavailable", "does not say whose credentials", "aws sso login"),
    ],
)
def test_a_refusal_of_sts_says_what_to_do(keys: None, moto_server: str, code: str, words: str, hint: str) -> None:
    with faults.before(moto_server) as proxy:
        proxy.refuse("Action=GetCallerIdentity", code=code, status=403)
        with pytest.raises(CredentialsError, match=words) as caught:
            guard.identify(stand_in(proxy.url))

    assert hint in caught.value.hint
    assert "hush" not in caught.value.message + caught.value.hint


def test_hints_name_the_profile_that_was_used(alone: Path, moto_server: str) -> None:
    (alone / "credentials").write_text("[research]\naws_access_key_id = AKIA\naws_secret_access_key = hush\n")
    with faults.before(moto_server) as proxy:
        proxy.refuse("Action=GetCallerIdentity", code="ExpiredToken", status=403)
        with pytest.raises(CredentialsError, match="credentials of profile research") as caught:
            guard.identify(Target.aws("eu-west-1", "research", proxy.url))

    assert "`aws sso login --profile research`" in caught.value.hint


def test_new_credentials_count_after_a_refusal(alone: Path, moto_server: str) -> None:
    file = alone / "credentials"
    file.write_text("[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = hush\n")
    with faults.before(moto_server) as proxy:
        proxy.refuse("Action=GetCallerIdentity", "AKIAOLD", code="ExpiredToken", status=403)
        with pytest.raises(CredentialsError):
            guard.identify(stand_in(proxy.url))
        file.write_text("[default]\naws_access_key_id = AKIANEW\naws_secret_access_key = hush\n")

        assert guard.identify(stand_in(proxy.url)).account == "123456789012"


def test_a_sign_in_that_was_never_made_is_told(alone: Path, silent: socket.socket) -> None:
    (alone / "config").write_text(
        "[profile research]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\n"
        "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n"
    )
    with pytest.raises(CredentialsError, match="the sign-in of profile research is over") as caught:
        guard.identify(Target.aws("eu-west-1", "research", address(silent)))

    assert caught.value.hint == "run `aws sso login --profile research`"
    assert not knocked(silent)


@pytest.mark.parametrize(
    "fault",
    [
        exceptions.SSOTokenLoadError(error_msg="x"),
        exceptions.UnauthorizedSSOTokenError(),
        exceptions.TokenRetrievalError(provider="sso", error_msg="Token has expired and refresh failed"),
    ],
)
def test_every_end_of_a_sign_in_is_told_alike(fault: exceptions.BotoCoreError) -> None:
    told = credentials.absence(fault, "", "eu-west-1")

    assert isinstance(told, CredentialsError)
    assert told.hint == "run `aws sso login`"


def test_a_program_that_gives_no_credentials_is_told(alone: Path, silent: socket.socket) -> None:
    program = alone / "give"
    program.write_text("#!/bin/sh\necho 'locked out' >&2\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (alone / "config").write_text(f"[default]\ncredential_process = {program}\n")

    with pytest.raises(CredentialsError, match=r"cannot be had: .*locked out"):
        guard.identify(stand_in(address(silent)))


def test_a_clock_that_is_wrong_is_told_with_how_much() -> None:
    at_aws = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=42)
    headers = {"date": format_datetime(at_aws, usegmt=True)}
    message = "Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z"
    answer: Any = {
        "Error": {"Code": "SignatureDoesNotMatch", "Message": message},
        "ResponseMetadata": {"HTTPHeaders": headers},
    }

    told = credentials.refusal(ClientError(answer, "GetCallerIdentity"))

    assert told is not None
    assert told.message == "AWS refuses the time of the request: the clock here is 42 min fast"


def test_other_refusals_are_not_about_credentials() -> None:
    answer: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}}

    assert credentials.refusal(ClientError(answer, "CreateStack")) is None


def test_where_nothing_answers_the_region_is_named(keys: None) -> None:
    with pytest.raises(TargetUnreachable, match="does not answer in eu-west-1") as caught:
        guard.identify(stand_in("http://127.0.0.1:1"))

    assert "online" in caught.value.hint


def test_what_is_no_region_is_told(keys: None) -> None:
    with pytest.raises(DeployError, match="is no region of AWS"):
        guard.identify(Target.aws("eu west/1"))


# --- where jobs run ---


def test_jobs_run_in_the_default_vpc(keys: None, moto_server: str, parse: Parse) -> None:
    place = stand_in(moto_server)
    ec2 = place.client("ec2")

    found = guard.settled(place, replace(IDENTITY, is_stand_in=True), parse(JOBS))

    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(SubnetIds=list(found.subnets))["Subnets"]
    assert {one["VpcId"] for one in subnets} == {vpc["VpcId"]}
    assert len(found.subnets) == 3
    assert list(found.subnets) == sorted(found.subnets)
    assert len(found.security_groups) == 1
    assert found.account == "111122223333"


def test_nobody_is_asked_for_a_network_that_nothing_needs(keys: None, silent: socket.socket, parse: Parse) -> None:
    place = stand_in(address(silent))

    found = guard.settled(place, IDENTITY, parse(JOBS.replace("execution_mode: lambda-batch", "timeout: 10")))

    assert (found.account, found.subnets) == ("111122223333", ())
    assert not knocked(silent)


def test_an_account_without_a_default_vpc_is_told_what_to_do(keys: None, moto_server: str, parse: Parse) -> None:
    place = Target.aws("eu-north-1", stand_in=moto_server)
    ec2 = place.client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])

    with pytest.raises(NoNetwork, match="eu-north-1 of account 111122223333 has no default VPC") as caught:
        guard.settled(place, replace(IDENTITY, region="eu-north-1"), parse(JOBS))

    assert "compute_resources" in caught.value.hint


def test_who_may_not_look_at_the_network_is_told(keys: None, moto_server: str, parse: Parse) -> None:
    with faults.before(moto_server) as proxy:
        proxy.refuse("Action=DescribeVpcs", code="UnauthorizedOperation", message="You are not authorized")
        with pytest.raises(NoNetwork, match="not authorized") as caught:
            guard.settled(stand_in(proxy.url), IDENTITY, parse(JOBS))

    assert "ec2:DescribeVpcs" in caught.value.hint


# --- what the pipeline file says about it ---


def test_the_profile_and_the_region_of_the_file_count_only_where_they_are_written(parse: Parse) -> None:
    plain = parse(JOBS)
    written = parse(
        JOBS.replace("name: one", "name: one\n          region: eu-west-1\n          boto_profile: research")
    )
    usual = parse(
        JOBS.replace("name: one", "name: one\n          region: us-east-1\n          boto_profile: default")
    )

    assert (guard.profile_of(plain), plain.written_region, plain.region) == ("", "", "us-east-1")
    assert (guard.profile_of(written), written.written_region) == ("research", "eu-west-1")
    assert (guard.profile_of(usual), usual.written_region) == ("", "us-east-1")


def test_two_profiles_in_one_file_are_an_error(check: Check) -> None:
    one = JOBS.replace("name: one", f"name: n{uuid.uuid4().hex[:6]}\n          boto_profile: research")
    two = one.rstrip(" ") + JOBS.partition("aws:\n")[2].replace(
        "name: one", "name: two\n          boto_profile: teaching"
    )

    assert any(
        finding.is_error and "boto_profile is research and teaching in one file" in finding.message
        for finding in check(two)
    )
