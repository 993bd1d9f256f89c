"""What becomes of a template that was changed: the linter sees it, or our own proof does.

A lint takes seconds, so all pipelines are one template for it, and all mutations that it must see are made at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cfnlint import api as cfnlint

from hfaas_deploy import fdl, proof, template
from hfaas_deploy.errors import TemplateUnsound
from hfaas_deploy.pipeline import Pipeline

ROOT = Path(__file__).parents[2]
PIPELINES = sorted(Path(__file__).parent.glob("golden/*/pipeline.yaml"))
SAMPLES = sorted(ROOT.glob("samples/*/pipeline*.yaml"))
REGIONS = ["us-east-1", "eu-west-1"]
Json = dict[str, Any]


def united() -> Pipeline:
    """The functions of all golden pipelines as one pipeline, each name once."""
    read = [fdl.read(path) for path in PIPELINES]
    functions = {function.name: function for one in read for function in one.functions}
    existing = frozenset().union(*(one.existing for one in read))
    return replace(read[0], stack="united", functions=tuple(functions.values()), existing=existing)


@pytest.fixture(scope="module")
def whole() -> Json:
    document: Json = json.loads(template.render(united()).body)
    return document


@pytest.fixture
def document(whole: Json) -> Json:
    copy: Json = json.loads(json.dumps(whole))
    return copy


def lint(document: Json, regions: list[str]) -> list[str]:
    found = cfnlint.lint(json.dumps(document), regions=regions)
    return [f"{match.rule.id} {match.message}" for match in found]


def of(document: Json, logical: str) -> Json:
    properties: Json = document["Resources"][logical]["Properties"]
    return properties


def test_the_united_template_has_a_resource_of_every_type_that_we_make(whole: Json) -> None:
    assert len({one["Type"] for one in whole["Resources"].values()}) == 20


def test_cfn_lint_finds_nothing_in_two_regions(whole: Json) -> None:
    assert lint(whole, REGIONS) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", [*PIPELINES, *SAMPLES], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_cfn_lint_finds_nothing_in_any_of_them(path: Path) -> None:
    assert lint(json.loads(template.render(fdl.read(path)).body), REGIONS) == []


def _outlives_900(made: Json) -> None:
    of(made, "SplitFunction")["Timeout"] = 2000


def _unknown_property(made: Json) -> None:
    of(made, "FacesFunction")["Memory"] = 512


def _no_such_action(made: Json) -> None:
    of(made, "SplitRole")["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = ["logs:WriteDown"]


def _odd_retention(made: Json) -> None:
    of(made, "SplitLogs")["RetentionInDays"] = 31


def _handler(made: Json) -> None:
    of(made, "HelloFunction")["Handler"] = "x.y"


def _capital_bucket(made: Json) -> None:
    of(made, "FilmsBucket")["BucketName"] = "Films"


def _lost_role(made: Json) -> None:
    del made["Resources"]["FacesRole"]


def _gpus(made: Json) -> None:
    of(made, "DetectJob")["ContainerProperties"]["ResourceRequirements"][2]["Type"] = "GPUS"


def _no_such_authorisation(made: Json) -> None:
    of(made, "HelloUrl")["AuthType"] = "PUBLIC"


def _no_truth(made: Json) -> None:
    of(made, "GreyStage")["AutoDeploy"] = "always"


LINTED: dict[str, Callable[[Json], None]] = {
    "E3717": _outlives_900,
    "E3002": _unknown_property,
    "W3037": _no_such_action,
    "E3030 31": _odd_retention,
    "E3685": _handler,
    "E3031": _capital_bucket,
    "E1010": _lost_role,
    "E3030 'GPUS'": _gpus,
    "E3030 'PUBLIC'": _no_such_authorisation,
    "E3012": _no_truth,
}


@pytest.mark.slow
def test_the_lint_sees_each_of_these_mutations(document: Json) -> None:
    for mutate in LINTED.values():
        mutate(document)

    found = [text.lower() for text in lint(document, REGIONS[:1])]

    assert {rule for rule in LINTED if not any(rule.lower() in text for text in found)} == set(), found


@pytest.mark.slow
def test_the_lint_sees_a_circle(document: Json) -> None:
    """By itself: a template with a circle is not looked at any further."""
    document["Resources"]["SplitRole"]["DependsOn"] = ["FilmsBucket"]

    assert any(text.startswith("E3004") for text in lint(document, REGIONS[:1]))


def _fargate_gpu(made: Json) -> None:
    of(made, "ConvertJob")["ContainerProperties"]["ResourceRequirements"].append({"Type": "GPU", "Value": "1"})


def _rate(made: Json) -> None:
    of(made, "SplitVideoOnetriggerSchedule")["ScheduleExpression"] = "rate(1 minutes)"


def _memory(made: Json) -> None:
    of(made, "SplitFunction")["MemorySize"] = 20_000


def _instance(made: Json) -> None:
    of(made, "DetectCompute")["ComputeResources"]["InstanceTypes"] = ["g4dn.huge"]


def _image_type(made: Json) -> None:
    of(made, "DetectCompute")["ComputeResources"]["Ec2Configuration"] = [{"ImageType": "ECS_AL2_NVIDIA"}]


def _too_early(made: Json) -> None:
    del made["Resources"]["FilmsBucket"]["DependsOn"]


def _second_policy(made: Json) -> None:
    made["Resources"]["Another"] = made["Resources"]["DeadLettersPolicy"]


def _everything(made: Json) -> None:
    of(made, "SplitRole")["Policies"][0]["PolicyDocument"]["Statement"][0]["Resource"] = "*"


def _any_action(made: Json) -> None:
    of(made, "SplitRole")["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = ["s3:*"]


PROVED: dict[str, Callable[[Json], None]] = {
    "ConvertJob: Fargate has no GPUs": _fargate_gpu,
    "SplitVideoOnetriggerSchedule: rate(1 minutes) is no rate": _rate,
    "SplitFunction: MemorySize 20000 is above 10240": _memory,
    "DetectCompute: EC2 has no instance type or family g4dn.huge": _instance,
    "DetectCompute: ImageType ECS_AL2_NVIDIA is none of": _image_type,
    "FilmsBucket: DependsOn has no permission for DetectFacesFunction": _too_early,
    "Another: DeadLettersPolicy is a policy of that queue already": _second_policy,
    "SplitRole: may do logs:CreateLogStream, logs:PutLogEvents with everything": _everything,
    "SplitRole: may do ['s3:*']": _any_action,
}


@pytest.mark.parametrize("fault", PROVED)
def test_what_the_lint_lets_pass_is_found_by_us(document: Json, fault: str) -> None:
    PROVED[fault](document)

    assert any(fault in found for found in proof.faults(document)), proof.faults(document)


@pytest.mark.slow
def test_the_lint_lets_them_pass_indeed(document: Json) -> None:
    """When it no longer does, our own judgement may go."""
    for mutate in (_fargate_gpu, _rate, _memory, _instance, _image_type, _too_early):
        mutate(document)

    assert lint(document, REGIONS[:1]) == []


@pytest.mark.parametrize("path", [*PIPELINES, *SAMPLES], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_rendered_template_is_sound(path: Path) -> None:
    proof.prove(template.document(fdl.read(path)))


def test_an_unsound_template_is_a_defect_of_ours(document: Json) -> None:
    _memory(document)

    with pytest.raises(TemplateUnsound, match="MemorySize 20000") as caught:
        proof.prove(document)
    assert "report it" in caught.value.hint
