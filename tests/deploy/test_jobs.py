"""What Batch would refuse, or let wait for ever, is found in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hfaas_deploy import checks, fdl
from hfaas_deploy.findings import Finding
from hfaas_deploy.pipeline import ComputeResources, Function, Machines, Mode, MultiNode, Pipeline

Check = Callable[[str], list[Finding]]
Parse = Callable[[str], Pipeline]
Write = Callable[[str], Path]


def jobs(batch: str = "", more: str = "", ours: str = "", mode: str = "lambda-batch") -> str:
    """One function with a trigger; its `batch` block is in line 4 when there is one."""
    own = f"execution_mode: {mode}, {more} input: [{{storage_provider: s3, path: bbb/in}}]"
    lines = [
        "functions:",
        "  aws:",
        f"  - lambda: {{name: f, init_script: a.sh, container: {{image: x}}, {own}}}",
        *([f"    batch: {{{batch}}}"] if batch else []),
        *([f"    hfaas: {{{ours}}}"] if ours else []),
    ]
    return "\n".join(lines) + "\n"


def only(pipeline: Pipeline) -> Function:
    (function,) = pipeline.functions
    return function


def said(findings: list[Finding]) -> list[tuple[str, str]]:
    return [("error" if finding.is_error else "warning", finding.message) for finding in findings]


@pytest.mark.parametrize("mode", ["lambda-batch", "batch"])
def test_jobs_without_any_wish_are_fine(check: Check, mode: str) -> None:
    assert check(jobs(mode=mode)) == []


def test_without_wishes_a_job_runs_on_fargate(parse: Parse) -> None:
    function = only(parse(jobs()))

    assert function.mode is Mode.LAMBDA_BATCH
    assert (function.batch.vcpus, function.batch.memory, function.batch.gpu) == (1, 1024, False)
    assert function.batch.compute == ComputeResources(Machines.FARGATE, max_vcpus=2)
    assert function.delegate == ("time", "memory", "space", "exit", "gpu")
    assert function.job_timeout == 86_400


@pytest.mark.parametrize(
    "batch",
    [
        "enable_gpu: true",
        "multi_node_parallel: {enabled: true}",
        "compute_resources: {instance_types: [m5]}",
    ],
)
def test_what_fargate_cannot_do_goes_to_instances(parse: Parse, batch: str) -> None:
    assert only(parse(jobs(batch))).batch.compute.kind is Machines.EC2


def test_every_wish_is_read(parse: Parse) -> None:
    batch = only(
        parse(
            jobs(
                "vcpus: 2, memory: 4096, environment: {Variables: {MODE: 012}}, state: DISABLED, "
                "multi_node_parallel: {enabled: true, number_nodes: 3, main_node_index: 2}, "
                "compute_resources: {type: EC2, max_v_cpus: 12, min_v_cpus: 2, instance_types: c5.large, "
                "subnets: [subnet-1], security_group_ids: [sg-1]}"
            )
        )
    ).batch

    assert (batch.vcpus, batch.memory, batch.enabled) == (2, 4096, False)
    assert batch.variables == {"MODE": "012"}
    assert batch.multi_node == MultiNode(nodes=3, main=2)
    assert batch.compute == ComputeResources(Machines.EC2, 12, 2, ("c5.large",), ("subnet-1",), ("sg-1",))


def test_room_for_one_job_is_the_least_that_there_is(parse: Parse) -> None:
    batch = only(parse(jobs("vcpus: 4, multi_node_parallel: {enabled: true, number_nodes: 3}"))).batch

    assert batch.compute.max_vcpus == 12


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (
            "enable_gpu: true, compute_resources: {type: FARGATE}",
            "FARGATE has no GPUs; enable_gpu needs type EC2 or",
        ),
        (
            "multi_node_parallel: {enabled: true}, compute_resources: {type: FARGATE}",
            "jobs of several nodes do not run on FARGATE; they need type EC2",
        ),
        (
            "multi_node_parallel: {enabled: true}, compute_resources: {type: SPOT}",
            "jobs of several nodes do not run on SPOT; they need type EC2",
        ),
        ("vcpus: 3", "vcpus 3 is none of 0.25 0.5 1 2 4 8 16 32, which Fargate has"),
        ("vcpus: 0", "vcpus 0 is none of 0.25"),
        ("vcpus: 1.5, compute_resources: {type: EC2}", "vcpus 1.5 must be a whole number, at least 1, on EC2"),
        ("vcpus: 0, compute_resources: {type: SPOT}", "vcpus 0 must be a whole number"),
        ("memory: 9000", "Fargate has at most 8192 MiB for 1 vCPU, not 9000; set vcpus: 2"),
        ("memory: 300000", "set compute_resources.type: EC2"),
        (
            "vcpus: 4, compute_resources: {max_v_cpus: 2}",
            "max_v_cpus 2 is too few for a job of 4 vCPUs; it would never start",
        ),
        (
            "multi_node_parallel: {enabled: true, number_nodes: 3}, compute_resources: {max_v_cpus: 2}",
            "max_v_cpus 2 is too few for 3 nodes of 1 vCPU",
        ),
        ("compute_resources: {type: EC2, min_v_cpus: 4}", "min_v_cpus 4 is above max_v_cpus 2"),
        (
            "multi_node_parallel: {enabled: true, number_nodes: 3, main_node_index: 3}",
            "main_node_index 3 is none of 3 nodes, which count from 0",
        ),
        (
            "compute_resources: {instance_types: [m5.largr]}",
            "EC2 has no instance type or family 'm5.largr'; did you mean 'm5.large'?",
        ),
        ("memory: 3", "memory 3 is below 4 (MiB)"),
        ("type: UNMANAGED", "type 'UNMANAGED' is none of MANAGED; did you mean 'MANAGED'?"),
        ("environment: {Variables: {AWS_BATCH_JOB_ID: x}}", "the variable AWS_BATCH_JOB_ID is reserved in jobs"),
        ("environment: {Variables: {FUNCTION_CONFIG: x}}", "the variable FUNCTION_CONFIG is reserved in jobs"),
        (f"environment: {{Variables: {{BIG: {'x' * 25_000}}}}}", "Batch allows 24576"),
    ],
)
def test_what_batch_would_refuse_is_an_error(check: Check, batch: str, message: str) -> None:
    ((severity, told),) = said(check(jobs(batch)))

    assert severity == "error"
    assert message in told


def test_the_job_definition_is_named_that_is_too_large(check: Check) -> None:
    (finding,) = check(jobs(f"environment: {{Variables: {{BIG: {'x' * 25_000}}}}}"))

    assert finding.message.startswith("the job definition of f takes 26")
    assert finding.spot.line == 4


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ("memory: 1024", "Fargate has no 1024 MiB for 1 vCPU; 2048 is used"),
        (
            "memory: 256, compute_resources: {type: EC2}",
            "a job gets 256 MiB, less than the 512 MB of Lambda that it goes on for",
        ),
        (
            "enable_gpu: true, compute_resources: {instance_types: [m5.large, optimal]}",
            "enable_gpu finds no GPU of NVIDIA that Batch supports in m5.large, optimal; take g4dn or g5",
        ),
        (
            "enable_gpu: true, compute_resources: {instance_types: [g3s.xlarge]}",
            "that Batch supports in g3s.xlarge",
        ),
        (
            "enable_gpu: true, compute_resources: {instance_types: [g4ad.xlarge]}",
            "that Batch supports in g4ad.xlarge",
        ),
        (
            "compute_resources: {type: FARGATE, instance_types: [m5]}",
            "instance_types is ignored because FARGATE has no instances",
        ),
        ("compute_resources: {min_v_cpus: 1}", "min_v_cpus is ignored because FARGATE keeps nothing ready"),
        ("state: DISABLED", "the jobs of this Function wait until somebody enables it"),
    ],
)
def test_what_surprises_is_a_warning(check: Check, batch: str, message: str) -> None:
    ((severity, told),) = said(check(jobs(batch)))

    assert severity == "warning"
    assert message in told


@pytest.mark.parametrize("names", ["optimal", "default_arm64", "c5", "m3.medium", "p4d.24xlarge"])
def test_instance_types_families_and_bundles_are_known(check: Check, names: str) -> None:
    assert check(jobs(f"compute_resources: {{instance_types: [{names}]}}")) == []


@pytest.mark.parametrize("names", ["g4dn", "g5.xlarge", "p4d.24xlarge", "g6e.xlarge", "'m5.large', g4dn"])
def test_one_family_with_gpus_is_enough(check: Check, names: str) -> None:
    assert check(jobs(f"enable_gpu: true, compute_resources: {{instance_types: [{names}]}}")) == []


def test_a_gpu_on_arm64_is_refused(check: Check) -> None:
    ((severity, told),) = said(check(jobs("enable_gpu: true", more="architectures: [arm64],")))

    assert severity == "error"
    assert told.startswith("enable_gpu works for architecture x86_64 only")


def test_a_default_that_fargate_raises_is_no_finding(check: Check) -> None:
    assert check(jobs("vcpus: 4")) == []


def test_a_job_of_mode_batch_may_be_smaller_than_its_lambda(check: Check) -> None:
    assert check(jobs("memory: 256, compute_resources: {type: EC2}", mode="batch")) == []


@pytest.mark.parametrize(
    ("ours", "mode", "message"),
    [
        (
            "delegate: [time]",
            "batch",
            "delegate is ignored because execution_mode batch leaves everything to Batch",
        ),
        ("delegate: []", "lambda-batch", "delegate is empty: nothing ever goes on in Batch"),
        ("delegate: [gpu]", "lambda-batch", "delegate: gpu has no effect without batch.enable_gpu"),
        ("delegate: [time]", "lambda", "delegate is ignored because it is only for execution_mode lambda-batch"),
        ("job_timeout: 60", "lambda", "job_timeout is ignored because it is only for execution_mode lambda-batch"),
        ("job_timeout: 60", "lambda-batch", "job_timeout 60 is less than the timeout 300 of Lambda"),
    ],
)
def test_causes_and_times_without_effect_are_warnings(check: Check, ours: str, mode: str, message: str) -> None:
    ((severity, told),) = said(check(jobs(ours=ours, mode=mode)))

    assert severity == "warning"
    assert told.startswith(message)


def test_a_cause_that_does_not_exist_is_said_once(check: Check) -> None:
    ((severity, told),) = said(check(jobs(ours="delegate: [tiem]")))

    assert severity == "error"
    assert told.endswith("did you mean 'time'?")


def test_fargate_ends_every_job_after_two_weeks(check: Check) -> None:
    assert [severity for severity, _ in said(check(jobs(ours="job_timeout: 1209601")))] == ["error"]
    assert check(jobs("compute_resources: {type: EC2}", ours="job_timeout: 1209601")) == []


def test_a_job_has_a_minute_at_least(check: Check) -> None:
    assert said(check(jobs(ours="job_timeout: 59"))) == [("error", "job_timeout 59 is below 60 (seconds)")]


def test_causes_may_be_chosen(parse: Parse, check: Check) -> None:
    text = jobs("enable_gpu: true", ours="delegate: [time, gpu], job_timeout: 7200")

    assert check(text) == []
    assert (only(parse(text)).delegate, only(parse(text)).job_timeout) == (("time", "gpu"), 7200)


def test_a_batch_block_without_batch_mode_is_a_warning_and_not_judged(check: Check) -> None:
    text = jobs("vcpus: 3, enable_gpu: true, compute_resources: {type: FARGATE}", mode="lambda")

    assert said(check(text)) == [
        ("warning", "batch is ignored because it is only for execution_mode lambda-batch and batch")
    ]


def test_a_batch_block_in_scars_own_defaults_is_no_finding(write: Write) -> None:
    path = write(jobs(mode="lambda"))
    Path("scar.cfg").write_text('{"aws": {"batch": {"vcpus": 1, "service_role": "x"}}}')

    assert checks.check(fdl.read(path, Path("scar.cfg"))) == []


def test_an_image_that_is_used_as_it_is_must_understand_its_argument(check: Check) -> None:
    text = jobs().replace("{image: x}", "{image: x, create_image: false}")

    assert "jobs start the image's ENTRYPOINT with `batch`" in said(check(text))[-1][1]


def test_variables_of_a_job_may_refer_to_the_environment(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    text = jobs("environment: {Variables: {A: '${NOT_THERE}', MY_TOKEN: x}}")

    assert [finding.code for finding in check(text)] == ["not-set", "secret"]


def test_a_loop_through_batch_is_a_loop(check: Check) -> None:
    text = jobs(mode="batch", more="output: [{storage_provider: s3, path: bbb/in/out}],")

    assert [finding.code for finding in check(text) if finding.is_error] == ["loop"]


def test_a_loop_over_a_batch_function_and_another_is_a_loop(check: Check) -> None:
    text = jobs(mode="batch", more="output: [{storage_provider: s3, path: bbb/mid}],") + (
        "  - lambda: {name: g, init_script: a.sh, container: {image: x}, "
        "input: [{storage_provider: s3, path: bbb/mid}], output: [{storage_provider: s3, path: bbb/in}]}\n"
    )

    assert [finding.message for finding in check(text) if finding.is_error] == [
        "f -> g -> f is a loop; a suffix on an input or an output breaks it"
    ]
