"""Where commands go, and which options fit together."""

from __future__ import annotations

import pytest
from tests.standin import StandIn
from tests.tui.conftest import Hfaas

from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import CredentialsError
from hfaas_tui.cli import options
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.where import Where


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A user without any set-up of AWS."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "HFAAS_AWS_STAND_IN"):
        monkeypatch.delenv(name, raising=False)
    nothing = tmp_path_factory.mktemp("home") / "none"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nothing))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nothing))


@pytest.mark.parametrize(
    "given",
    [
        ("--profile", "work"),
        ("--region", "eu-west-1"),
        ("--target", "oscar", "--profile", "work"),
        ("--target", "aws", "--state", "x"),
        ("--target", "aws", "--endpoint", "http://127.0.0.1:1"),
    ],
)
def test_options_of_another_target_are_refused(hfaas: Hfaas, given: tuple[str, ...]) -> None:
    code, _, err = hfaas("ls", *given)

    assert code == 2
    assert "--target" in err


@pytest.mark.usefixtures("nobody")
def test_without_a_region_nothing_is_asked() -> None:
    with pytest.raises(UsageError, match="no region is known"):
        Where("aws").client("lambda")


@pytest.mark.usefixtures("nobody")
def test_the_region_of_the_environment_is_taken_and_an_option_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    assert Where("aws").target.region == "eu-west-1"
    assert Where("aws", region="eu-south-2").target.region == "eu-south-2"


@pytest.mark.usefixtures("nobody")
def test_a_profile_that_does_not_exist_is_told() -> None:
    with pytest.raises(CredentialsError, match="work"):
        Where("aws", profile="work").client("lambda")


@pytest.mark.usefixtures("nobody")
def test_endpoints_of_the_environment_do_not_lead_aws_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    url = Where("aws", region="eu-west-1").client("lambda").meta.endpoint_url
    assert url == "https://lambda.eu-west-1.amazonaws.com"


def test_what_only_an_emulator_has_is_not_asked_of_aws() -> None:
    with pytest.raises(CliError, match="only an emulator can tell that"):
        Where("aws").emulator()


def test_a_cluster_has_no_services_of_aws() -> None:
    with pytest.raises(CliError, match="none of AWS's services"):
        Where("oscar").client("s3")


def test_the_options_that_lead_there_again_are_those_that_were_given() -> None:
    assert Where().again == ""
    assert (
        Where("aws", profile="work", region="eu-west-1").again == " --target aws --profile work --region eu-west-1"
    )


def test_a_stand_in_takes_the_place_of_aws(stand_in: StandIn, aws: Target) -> None:
    found = Where("aws").target

    assert (found.endpoint, found.region, found.is_stand_in) == (stand_in.url, aws.region, True)
    assert not found.is_local


@pytest.mark.parametrize("values", [("novalue",), ("=x",)])
def test_pairs_need_a_name_and_a_value(values: tuple[str, ...]) -> None:
    with pytest.raises(Exception, match="is not NAME=VALUE"):
        options.pairs(values, "--build-arg")
