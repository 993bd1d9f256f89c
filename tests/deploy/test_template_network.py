"""Networks: what the pipeline file names is a parameter of its own, the rest is the account's."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hfaas_deploy import deploy, fdl, template
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.layers import LayerImages
from hfaas_deploy.findings import Finding
from hfaas_deploy.pipeline import Batch, ComputeResources, Function, Mode, Pipeline, Vpc
from hfaas_deploy.template import network

GOLDEN = Path(__file__).parent / "golden"
OWN = Vpc(("subnet-1", "subnet-2"), ("sg-1",))
ACCOUNT = (("subnet-a", "subnet-b"), ("sg-a",))


def with_jobs(subnets: tuple[str, ...] = (), groups: tuple[str, ...] = (), name: str = "f") -> Function:
    compute = ComputeResources(subnets=subnets, security_groups=groups)
    return Function("functions.aws[0]", name, mode=Mode.BATCH, batch=Batch(compute=compute))


def of(*functions: Function) -> Pipeline:
    return Pipeline(Path("p.yaml"), "s", functions)


def made(pipeline: Pipeline) -> dict[str, Any]:
    found: dict[str, Any] = template.document(pipeline)["Resources"]
    return found


def test_jobs_run_where_the_account_says_unless_the_file_does() -> None:
    pipeline = of(with_jobs(), with_jobs(("subnet-1",), ("sg-1",), "g"))

    assert network.values(pipeline, *ACCOUNT) == {
        "Subnets": "subnet-a,subnet-b",
        "SecurityGroups": "sg-a",
        "GJobSubnets": "subnet-1",
        "GJobGroups": "sg-1",
    }
    compute = made(pipeline)["GCompute"]["Properties"]["ComputeResources"]
    assert (compute["Subnets"], compute["SecurityGroupIds"]) == ({"Ref": "GJobSubnets"}, {"Ref": "GJobGroups"})


def test_a_file_may_name_the_subnets_and_leave_the_groups_to_the_account() -> None:
    assert network.values(of(with_jobs(("subnet-1",))), *ACCOUNT) == {
        "SecurityGroups": "sg-a",
        "FJobSubnets": "subnet-1",
    }


def test_a_function_is_in_a_vpc_only_where_the_file_says_so() -> None:
    function = Function("functions.aws[0]", "f", vpc=OWN)
    pipeline = of(function, replace(function, name="g", vpc=None))

    assert network.values(pipeline, *ACCOUNT) == {"FVpcSubnets": "subnet-1,subnet-2", "FVpcGroups": "sg-1"}
    resources = made(pipeline)
    assert resources["FFunction"]["Properties"]["VpcConfig"] == {
        "SubnetIds": {"Ref": "FVpcSubnets"},
        "SecurityGroupIds": {"Ref": "FVpcGroups"},
    }
    assert "ManagedPolicyArns" in resources["FRole"]["Properties"]
    assert "VpcConfig" not in resources["GFunction"]["Properties"]
    assert "ManagedPolicyArns" not in resources["GRole"]["Properties"]


def test_a_template_without_jobs_and_vpc_asks_for_no_network() -> None:
    assert network.values(of(Function("functions.aws[0]", "f")), *ACCOUNT) == {}


def test_a_vpc_needs_both(check: Callable[[str], list[Finding]]) -> None:
    text = "functions: {aws: [{lambda: {name: f, init_script: a.sh, container: {image: x}, vpc: {SubnetIds: [subnet-1]}}}]}"

    assert [finding.code for finding in check(text) if finding.is_error] == ["vpc"]


def test_onetrigger_reserves_no_concurrency_where_that_is_said() -> None:
    spaces = fdl.read(GOLDEN / "onedata" / "pipeline.yaml")

    def reserved(pipeline: Pipeline) -> set[object]:
        functions = [
            one["Properties"] for name, one in made(pipeline).items() if name.endswith("OnetriggerFunction")
        ]
        return {one.get("ReservedConcurrentExecutions") for one in functions}

    assert reserved(spaces) == {1}
    assert reserved(replace(spaces, reserve=False)) == {None}


def test_the_emulator_takes_functions_in_a_vpc_and_keeps_where_they_are(target: Target, tmp_path: Path) -> None:
    name = f"v-{uuid.uuid4().hex[:8]}"
    (tmp_path / "a.sh").write_text("#!/bin/sh\n")
    function = Function("functions.aws[0]", name, image="x", init_script=tmp_path / "a.sh", vpc=OWN)
    pipeline = Pipeline(tmp_path / "p.yaml", name, (function,))

    deploy.deploy(pipeline, target, LayerImages(target.endpoint), lambda _: None)

    found = target.client("lambda").get_function_configuration(FunctionName=name)["VpcConfig"]
    assert found["SubnetIds"] == ["subnet-1", "subnet-2"]
    deploy.remove(Stack(target.client("cloudformation"), name), lambda _: None)
