"""What would be promoted, without a screen: the proposal, its checks, its resources, and a real rehearsal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.tui.ui.world import NOW, function, run

from hfaas_deploy import fdl, template
from hfaas_tui.errors import CliError
from hfaas_tui.rehearsal import Options, rehearsal
from hfaas_tui.ui.model import Condition, Problem, Target
from hfaas_tui.ui.project import costs, promotion
from hfaas_tui.ui.project.costs import Estimate
from hfaas_tui.ui.project.deploying import EmulatorDeployer
from hfaas_tui.ui.project.project import begin
from hfaas_tui.ui.project.promotion import EmulatorWitness, Image, Proposal, Secret, Seen
from hfaas_tui.ui.screens.promote import checks as promote_checks
from hfaas_tui.ui.screens.promote import resources as promote_resources
from hfaas_tui.ui.screens.promote.checks import Evidence, Trial

if TYPE_CHECKING:
    from hfaas_deploy.pipeline import Pipeline

SAMPLES = Path(__file__).parents[3] / "samples"
SHA = "ab" * 32
SAME = Image("f", "hfaas/f:1", "hfaas/f:1", 100)
GOOD = Proposal(Path("p.yaml"), "films", "us-east-1", SHA, "{}", functions=("f",))
DEPLOYED = replace(GOOD, seen=Seen("CREATE_COMPLETE", SHA, (SAME,)))


class Nobody:
    """A witness that cannot be asked."""

    def look(self, pipeline: Pipeline) -> Seen:
        raise CliError("no emulator is attached", "S starts one")


# --- the proposal


def test_a_proposal_is_what_the_renderer_makes_of_the_file() -> None:
    file = SAMPLES / "video" / "pipeline.yaml"
    found = promotion.propose(file, Nobody())

    assert found.body == template.render(fdl.read(file)).body
    assert found.sha256 == hashlib.sha256(found.body.encode()).hexdigest()
    assert found.functions == ("split-video", "detect-people", "annotate-video")
    assert found.trouble == Problem("no emulator is attached", "S starts one")


def test_a_file_with_an_error_says_where(tmp_path: Path) -> None:
    file = begin(tmp_path)
    file.write_text(file.read_text().replace("memory: 512", "memory: 51200"))

    with pytest.raises(CliError, match=r"line 5: memory 51200"):
        promotion.propose(file, Nobody())


def test_a_rehearsal_on_a_real_emulator_is_recognised_until_the_file_changes(tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    folder.mkdir()
    file = begin(folder)
    with rehearsal(Options(tmp_path / "state", engine="process", discard=True)) as emulator:
        target = Target("local", emulator.endpoint.removeprefix("http://"), "us-east-1")
        witness = EmulatorWitness(lambda: target)
        before = promotion.propose(file, witness)
        EmulatorDeployer(lambda: target).deploy(file, lambda _: None)
        after = promotion.propose(file, witness)
        file.write_text(file.read_text().replace("memory: 512", "memory: 256"))
        changed = promotion.propose(file, witness)
        (folder / "script.sh").write_text("#!/bin/sh\necho other\n")
        file.write_text(file.read_text().replace("memory: 256", "memory: 512"))
        other_image = promotion.propose(file, witness)

    assert not before.seen.status
    assert promote_checks.is_rehearsed(after)
    assert "as plain processes" in promote_checks.rehearsed(after).text
    assert changed.seen.sha256 == after.sha256 != changed.sha256
    assert "the image of hello would be another" in promote_checks.rehearsed(other_image).text


def test_the_template_is_saved_byte_for_byte_and_over_no_other_file(tmp_path: Path) -> None:
    proposal = replace(GOOD, body='{"AWSTemplateFormatVersion":"2010-09-09"}')
    path = promotion.save(proposal, tmp_path)

    assert path.name == "films.template.json"
    assert path.read_text() == proposal.body
    assert promotion.save(proposal, tmp_path) == path
    path.write_text("my notes")
    with pytest.raises(CliError, match="is another file"):
        promotion.save(proposal, tmp_path)


def test_the_command_line_has_a_place_for_every_parameter() -> None:
    told = promotion.command(replace(GOOD, parameters=("FImage", "Subnets")))

    assert "--stack-name films --template-file films.template.json" in told
    assert told.endswith("--parameter-overrides FImage=REPOSITORY@sha256:DIGEST Subnets=SUBNET_IDS")


# --- AWS, from afar


def test_credentials_are_told_by_where_they_are_and_never_by_value(tmp_path: Path) -> None:
    aws = tmp_path / ".aws"
    aws.mkdir()
    (aws / "credentials").write_text("[default]\naws_access_key_id = AKIASECRET\naws_secret_access_key = x\n")
    (aws / "config").write_text("[profile research]\nsso_session = uni\n[profile empty]\nregion = eu-west-1\n")
    home = {"HOME": str(tmp_path)}

    assert promotion.credentials("default", home) == "profile default in ~/.aws/credentials"
    assert promotion.credentials("research", home) == "profile research in ~/.aws/config"
    assert promotion.credentials("empty", home) == promotion.credentials("none", home) == ""
    keys = {"AWS_ACCESS_KEY_ID": "AKIASECRET", "AWS_SECRET_ACCESS_KEY": "x"}
    assert promotion.credentials("default", home | keys) == "in the environment"


def test_a_broken_file_has_no_credentials(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_bytes(b"\xff\xfe no section")

    assert promotion.credentials("default", {"HOME": "/", "AWS_SHARED_CREDENTIALS_FILE": str(file)}) == ""


# --- the checks


@pytest.mark.parametrize(
    ("proposal", "state", "said"),
    [
        (DEPLOYED, Condition.OK, "is deployed here, with the image"),
        (GOOD, Condition.WARNING, "films is not deployed here"),
        (replace(GOOD, trouble=Problem("gone", "start it")), Condition.WARNING, "not known: gone"),
        (replace(GOOD, seen=Seen("ROLLBACK_COMPLETE", SHA)), Condition.FAILED, "the Stack is ROLLBACK_COMPLETE"),
        (
            replace(GOOD, seen=Seen("UPDATE_ROLLBACK_COMPLETE", "cd" * 32)),
            Condition.WARNING,
            "template cdcdcdcdcdcd",
        ),
        (
            replace(GOOD, seen=Seen("CREATE_COMPLETE", SHA, (replace(SAME, wanted="hfaas/f:2"),))),
            Condition.WARNING,
            "the image of f would be another",
        ),
        (
            replace(GOOD, seen=Seen("CREATE_COMPLETE", SHA, (replace(SAME, wanted=""),))),
            Condition.WARNING,
            "cannot be told before it is built",
        ),
    ],
)
def test_rehearsed_means_this_template_with_these_images(proposal: Proposal, state: Condition, said: str) -> None:
    found = promote_checks.rehearsed(proposal)

    assert found.state is state
    assert said in found.text


def test_only_what_ran_since_the_deploy_counts() -> None:
    runs = [
        run("a", "f", began=100),
        run("b", "f", Condition.FAILED, began=50),
        run("c", "f", began=5000),
        run("d", "f", Condition.RUNNING, began=5, took=None),
        run("e", "g", began=5),
    ]

    assert promote_checks.trials(runs, [function("f", modified=NOW - 3600)]) == {"f": Trial(2, 1, NOW - 100 + 7.4)}


@pytest.mark.parametrize(
    ("trials", "state", "said"),
    [
        ({"f": Trial(412, 0, NOW - 120)}, Condition.OK, "412 runs since the deploy, 0 failed, last ✓ 2m ago"),
        ({"f": Trial(2, 1, NOW)}, Condition.FAILED, "2 runs since the deploy, 1 failed: f"),
        ({}, Condition.WARNING, "nothing has run since the deploy"),
    ],
)
def test_tested_tells_how_the_runs_went(trials: dict[str, Trial], state: Condition, said: str) -> None:
    found = promote_checks.tested(DEPLOYED, Evidence(trials), NOW)

    assert found.state is state
    assert said in found.text


def test_a_function_that_never_ran_is_named() -> None:
    both = replace(DEPLOYED, functions=("f", "g"))

    assert promote_checks.tested(both, Evidence({"f": Trial(1, 0, NOW)}), NOW).text.endswith("never ran: g")


def test_keys_that_nobody_has_set_are_named() -> None:
    needs = replace(GOOD, secrets=(Secret("onedata.hub", ("ONEDATA_TOKEN",)), Secret("s3.minio")))
    found = list(promote_checks.secrets(needs))

    assert (found[0].state, found[0].text) == (Condition.WARNING, "onedata.hub: ONEDATA_TOKEN not set")
    assert found[1].state is Condition.OK


def test_an_image_that_lambda_does_not_take_is_named() -> None:
    found = list(promote_checks.images([replace(SAME, size=11 << 30)]))

    assert (found[0].state, found[0].text) == (Condition.FAILED, "f: larger than the 10 GiB that Lambda takes")


def test_the_cost_is_that_of_one_run_of_a_thousand_and_of_a_month_without() -> None:
    known = Estimate(runs=4, total=0.4, groups={"Lambda": 0.1}, standing=0.4, written="2026-11-23")
    line, note = promote_checks.cost(known)

    assert line.text == "one run ≈ 0.1000 $ (Lambda 0.1000 $)   1,000 runs ≈ 100.00 $   idle 0.4000 $ a month"
    assert "prices of 2026-11-23, unverified" in note.text
    assert next(promote_checks.cost(replace(known, is_old=True))).state is Condition.WARNING


# --- the resources


def test_every_kind_that_the_renderer_makes_has_words() -> None:
    golden = Path(__file__).parents[2] / "deploy" / "golden"
    documents = [json.loads(file.read_text()) for file in golden.glob("*.json")]
    types = {one["Type"] for each in documents for one in each.get("Resources", {}).values()}

    assert types
    assert types <= set(promote_resources.KINDS)
    for document in documents:
        for resource in promote_resources.resources(document):
            assert all(isinstance(value, str) for pair in promote_resources.details(resource) for value in pair)


def test_a_notification_names_its_function_and_secrets_stay_hidden() -> None:
    bucket = {
        "BucketName": "films",
        "NotificationConfiguration": {
            "LambdaConfigurations": [
                {
                    "Event": "s3:ObjectCreated:*",
                    "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}},
                    "Function": {"Fn::GetAtt": ["SplitFunction", "Arn"]},
                }
            ]
        },
    }
    split = {"FunctionName": "split", "Environment": {"Variables": {"API_TOKEN": "x", "EVERY": "10"}}}
    document = {
        "Resources": {
            "B": {"Type": "AWS::S3::Bucket", "Properties": bucket},
            "SplitFunction": {"Type": "AWS::Lambda::Function", "Properties": split},
        }
    }
    rows = promote_resources.resources(document)

    assert [(row.kind, row.name) for row in rows] == [
        ("Lambda function", "split"),
        ("S3 notification", "films/in/ → split"),
        ("S3 bucket", "films"),
    ]
    assert dict(promote_resources.details(rows[0])) == {"API_TOKEN": "•••", "EVERY": "10", "FunctionName": "split"}


def test_the_figures_belong_to_a_worker_until_they_are_loaded() -> None:
    costs.load()

    assert costs.of_run(run("a", "f", billed_ms=1000)) is not None
