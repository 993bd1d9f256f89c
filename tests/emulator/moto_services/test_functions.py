"""What moto keeps of functions, and what is refused before it gets there."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfaas_emulator.containers.engine import ContainerSpec, Exit, Image, Output
from hfaas_emulator.containers.fake import FakeEngine
from hfaas_emulator.moto_services.admission import check_image


@pytest.fixture
def name() -> str:
    return f"f-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def functions(emulator: Any) -> Any:
    return emulator.client("lambda")


def refusal(emulator: Any, **settings: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        emulator.function("refused", **settings)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_what_moto_drops_is_kept_on_creation(emulator: Any, functions: Any, name: str) -> None:
    dead = {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"}
    emulator.function(name, DeadLetterConfig=dead, LoggingConfig={"LogGroup": "/mine"})
    shown = functions.get_function_configuration(FunctionName=name)
    assert (shown["DeadLetterConfig"], shown["LoggingConfig"]["LogGroup"]) == (dead, "/mine")


def test_an_update_changes_all_it_names_and_the_revision(emulator: Any, functions: Any, name: str) -> None:
    before = emulator.function(name)["RevisionId"]
    functions.update_function_configuration(
        FunctionName=name, EphemeralStorage={"Size": 2048}, ImageConfig={"Command": ["z"]}, MemorySize=512
    )
    shown = functions.get_function_configuration(FunctionName=name)
    assert shown["EphemeralStorage"]["Size"] == 2048
    assert shown["ImageConfigResponse"]["ImageConfig"]["Command"] == ["z"]
    assert shown["RevisionId"] != before


def test_the_last_event_invoke_config_counts_and_updates_merge(emulator: Any, functions: Any, name: str) -> None:
    emulator.function(name)
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=2)
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    functions.update_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=60)
    shown = functions.get_function_event_invoke_config(FunctionName=name)
    assert (shown["MaximumRetryAttempts"], shown["MaximumEventAgeInSeconds"]) == (1, 60)


def test_all_reservations_together_leave_a_hundred_of_the_thousand_that_an_account_has(
    emulator: Any, functions: Any, name: str
) -> None:
    for each in (name, f"{name}-b"):
        emulator.function(each)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=600)
    functions.put_function_concurrency(FunctionName=f"{name}-b", ReservedConcurrentExecutions=300)
    functions.publish_version(FunctionName=name)

    with pytest.raises(ClientError) as refused:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=601)

    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidParameterValueException"
    assert error["Message"] == (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        "below its minimum value of [100]."
    )
    assert functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 600
    functions.delete_function_concurrency(FunctionName=f"{name}-b")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=900)
    functions.delete_function_concurrency(FunctionName=name)


def test_an_image_reference_with_a_port_keeps_its_name(emulator: Any, functions: Any, name: str) -> None:
    emulator.function(name)
    code = functions.get_function(FunctionName=name)["Code"]
    assert code["ResolvedImageUri"].startswith("works@sha256:")


def test_versions_can_be_listed(emulator: Any, functions: Any, name: str) -> None:
    emulator.function(name)
    functions.publish_version(FunctionName=name)
    versions = functions.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]


def test_an_image_that_is_not_there_is_refused(emulator: Any) -> None:
    assert refusal(emulator, Code={"ImageUri": "nope:1"}) == (
        "InvalidParameterValueException",
        "Source image nope:1 does not exist. Provide a valid source image.",
    )


def test_an_image_for_another_architecture_is_refused(emulator: Any, functions: Any, name: str) -> None:
    code, message = refusal(emulator, Architectures=["arm64"])
    assert code == "InvalidParameterValueException"
    assert "works:1 is for the architecture x86_64, the function is for arm64" in message
    emulator.function(name, Architectures=["x86_64"])
    with pytest.raises(ClientError, match="is for the architecture x86_64"):
        functions.update_function_code(FunctionName=name, ImageUri="works:1", Architectures=["arm64"])
    functions.update_function_code(FunctionName=name, ImageUri="works:1")


class Imageless(FakeEngine):
    """An engine whose functions run with the programs of this machine."""

    runs_images = False


async def never(_spec: ContainerSpec, _output: Output) -> Exit:
    raise AssertionError("nothing is run")


async def test_an_engine_that_runs_no_images_compares_no_architectures() -> None:
    image = Image("layer:1", "sha256:1", "x86_64", supervised=True)
    await check_image("layer:1", ["arm64"], Imageless(never, {"layer:1": image}))


@pytest.mark.parametrize(
    ("settings", "member", "most"),
    [({"Timeout": 901}, "timeout", 900), ({"MemorySize": 10241}, "memorySize", 10240)],
)
def test_numbers_over_awss_limits_are_refused(
    emulator: Any, settings: dict[str, int], member: str, most: int
) -> None:
    code, message = refusal(emulator, **settings)
    assert code == "ValidationException"
    assert (
        f"at '{member}' failed to satisfy constraint: Member must have value less than or equal to {most}"
        in message
    )


def test_an_environment_over_4_kb_is_refused(emulator: Any) -> None:
    code, message = refusal(emulator, Environment={"Variables": {"A": "x" * 4096}})
    assert code == "InvalidParameterValueException"
    assert "exceeded the 4KB limit" in message


def test_a_reserved_variable_is_refused(emulator: Any) -> None:
    code, message = refusal(emulator, Environment={"Variables": {"AWS_REGION": "x"}})
    assert code == "InvalidParameterValueException"
    assert "AWS_REGION" in message


def test_a_role_that_does_not_exist_is_refused(emulator: Any) -> None:
    _, message = refusal(emulator, Role="arn:aws:iam::000000000000:role/nobody")
    assert message == "The role defined for the function cannot be assumed by Lambda."


def test_zip_packages_are_refused_instead_of_never_running(emulator: Any) -> None:
    _, message = refusal(emulator, PackageType="Zip")
    assert "package type Image" in message


def test_event_source_mappings_are_refused_instead_of_never_firing(
    emulator: Any, functions: Any, name: str
) -> None:
    emulator.function(name)
    with pytest.raises(ClientError, match="not emulated yet"):
        functions.create_event_source_mapping(
            FunctionName=name, EventSourceArn="arn:aws:sqs:us-east-1:000000000000:q"
        )


def test_invoking_a_function_that_is_not_there_is_awss_404(functions: Any) -> None:
    with pytest.raises(ClientError) as refused:
        functions.invoke(FunctionName="nobody", Payload=json.dumps({}))
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


GPU = {
    "AcceleratorConfig": {"AcceleratorMemorySize": 24},
    "CapacityProviderConfig": {
        "LambdaManagedInstancesCapacityProviderConfig": {
            "CapacityProviderArn": "arn:aws:lambda:us-east-1:000000000000:capacity-provider:gpus"
        }
    },
}


def test_an_accelerator_is_kept_and_shown(emulator: Any, functions: Any, name: str) -> None:
    emulator.function(name, **GPU)
    shown = functions.get_function_configuration(FunctionName=name)
    assert {key: shown[key] for key in GPU} == GPU


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"AcceleratorConfig": {"AcceleratorMemorySize": 5}}, "must be one of (3, 6, 12, 16, 24, 48) (GiB), not 5"),
        ({"Architectures": ["arm64"]}, "only for functions with the x86_64 architecture"),
        ({"CapacityProviderConfig": None}, "only for functions with CapacityProviderConfig"),
    ],
)
def test_an_accelerator_that_aws_does_not_give_is_refused(emulator: Any, change: Any, said: str) -> None:
    settings = {key: value for key, value in {**GPU, **change}.items() if value is not None}
    code, message = refusal(emulator, **settings)
    assert code == "InvalidParameterValueException"
    assert said in message


def test_a_function_with_an_accelerator_does_not_start_without_a_gpu(
    emulator: Any, functions: Any, name: str
) -> None:
    emulator.function(name, **GPU)
    answer = json.loads(functions.invoke(FunctionName=name)["Payload"].read())
    assert answer["errorType"] == "Sandbox.GpuNotAvailable"


def test_an_update_cannot_smuggle_an_accelerator_in(emulator: Any, functions: Any, name: str) -> None:
    emulator.function(name)
    with pytest.raises(ClientError, match="CapacityProviderConfig"):
        functions.update_function_configuration(FunctionName=name, AcceleratorConfig=GPU["AcceleratorConfig"])
    assert "AcceleratorConfig" not in functions.get_function_configuration(FunctionName=name)
