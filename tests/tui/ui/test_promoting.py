"""What the terminal UI promotes with: real credentials that are not there, profiles, errors in their places."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hfaas_deploy import errors
from hfaas_deploy.aws.target import forget_credentials
from hfaas_tui.errors import CliError
from hfaas_tui.ui.project.promoting import AwsPromoter, Refused, told
from hfaas_tui.where import Where

HELLO = Path(__file__).parents[3] / "samples" / "hello" / "pipeline.yaml"
REGION = Where("aws", region="eu-west-1")


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the user's AWS set-up is found, and nobody on the network is asked for one."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "HFAAS_AWS"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    forget_credentials()


def test_without_credentials_nothing_is_asked_and_the_refusal_says_what_to_do() -> None:
    with pytest.raises(Refused) as refusal:
        AwsPromoter().plan(HELLO, REGION, lambda _: None)

    assert refusal.value.about == "credentials"
    assert refusal.value.hint


def test_without_a_region_the_refusal_names_the_key_that_takes_one() -> None:
    with pytest.raises(Refused, match="no region is known") as refusal:
        AwsPromoter().plan(HELLO, Where("aws"), lambda _: None)

    assert refusal.value.about == "region"
    assert refusal.value.hint.startswith("w names one")


def test_a_profile_that_is_not_there_is_named() -> None:
    with pytest.raises(Refused, match="research") as refusal:
        AwsPromoter().plan(HELLO, Where("aws", profile="research", region="eu-west-1"), lambda _: None)

    assert refusal.value.about == "credentials"


def test_profiles_are_those_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[default]\nregion = eu-west-1\n[profile research]\nregion = eu-north-1\n")

    assert list(AwsPromoter().profiles()) == ["default", "research"]


def test_a_file_with_an_error_says_where(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("functions:\n  aws:\n  - lambda: {name: f, memory: 1}\n")

    with pytest.raises(Refused, match="line ") as refusal:
        AwsPromoter().plan(file, REGION, lambda _: None)

    assert refusal.value.about == "file"


@pytest.mark.parametrize(
    ("error", "about"),
    [
        (errors.WrongAccount("the pipeline is for another account"), "account"),
        (errors.NotRehearsed("another image"), "rehearsed"),
        (errors.BucketMissing("no such bucket"), "bucket"),
        (errors.StackFailed("the memory is too large"), "stack"),
        (errors.RegistryError("cut off"), "images"),
        (errors.DeployError("whatever"), "promotion"),
    ],
)
def test_an_error_belongs_where_it_is_shown(error: errors.DeployError, about: str) -> None:
    with pytest.raises(Refused, match=error.message) as refusal, told():
        raise error

    assert refusal.value.about == about


def test_what_we_say_ourselves_stays_as_it_is() -> None:
    with pytest.raises(CliError, match="no region"), told():
        raise CliError("no region is known")
