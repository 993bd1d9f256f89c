"""Pipeline files of 2017-2019 mean today what they meant then."""

from __future__ import annotations

from collections.abc import Callable

from hfaas_deploy.findings import Finding
from hfaas_deploy.pipeline import ComputeResources, Function, InputPath, Machines, OutputPath, Pipeline

Check = Callable[[str], list[Finding]]
Parse = Callable[[str], Pipeline]


def only(pipeline: Pipeline) -> Function:
    (function,) = pipeline.functions
    return function


def ways_in(function: Function) -> list[tuple[str, str]]:
    return [(path.provider, path.path) for path in function.inputs]


def ways_out(function: Function) -> list[tuple[str, str, str]]:
    return [(path.provider, path.path, path.layout) for path in function.outputs]


GEN1 = """
functions:
  scar-ffmpeg:
    image: grycap/ffmpeg
    init_script: a.sh
    memory: 1024
    time: 120
    timeout_threshold: 15
    log_level: debug
    environment: [MODE=fast, 'PAIR=a=b']
    s3:
      input_bucket: films
"""


def test_a_file_of_scar_3_is_converted_with_one_warning(check: Check) -> None:
    assert [(finding.code, finding.spot.line) for finding in check(GEN1)] == [("old-form", 2)]


def test_every_key_of_scar_3_finds_its_place(parse: Parse) -> None:
    function = only(parse(GEN1))

    assert (function.name, function.image, function.memory, function.timeout) == (
        "scar-ffmpeg",
        "grycap/ffmpeg",
        1024,
        120,
    )
    assert (function.timeout_threshold, function.log_level) == (15, "DEBUG")
    assert function.variables == {"MODE": "fast", "PAIR": "a=b"}


def test_a_bucket_alone_means_folders_named_after_the_function(parse: Parse) -> None:
    function = only(parse(GEN1))

    assert ways_in(function) == [("s3", "films/scar-ffmpeg/input")]
    assert ways_out(function) == [("s3", "films/scar-ffmpeg/output", "request")]


def test_named_folders_are_kept(parse: Parse) -> None:
    text = GEN1.replace("input_bucket: films", "input_bucket: films/in\n      output_bucket: films/out")
    function = only(parse(text))

    assert ways_in(function) == [("s3", "films/in")]
    assert ways_out(function) == [("s3", "films/out", "flat")]


def test_folders_of_scar_1_and_2_are_joined(parse: Parse) -> None:
    text = GEN1.replace(
        "input_bucket: films", "input_bucket: films\n      input_folder: in\n      output_folder: out"
    )
    function = only(parse(text))

    assert ways_in(function) == [("s3", "films/in")]
    assert ways_out(function) == [("s3", "films/out", "request")]


def test_an_input_folder_without_output_no_longer_loops(parse: Parse, check: Check) -> None:
    text = GEN1.replace("input_bucket: films", "input_bucket: films/in")

    assert ways_out(only(parse(text))) == [("s3", "films/scar-ffmpeg/output", "request")]
    assert [finding.message for finding in check(text) if "SCAR 3.0 wrote" in finding.message] == [
        "results go to films/scar-ffmpeg/output; SCAR 3.0 wrote them into the input"
    ]


def test_all_functions_of_a_file_of_scar_3_are_used(parse: Parse) -> None:
    text = "functions:\n  one: {image: x, memory: 512}\n  two: {image: y}\n"

    assert [function.name for function in parse(text).functions] == ["one", "two"]


def test_a_fault_in_an_old_file_is_named_at_its_old_place(check: Check) -> None:
    findings = [finding for finding in check(GEN1.replace("1024", "64")) if finding.is_error]

    assert [(finding.spot.line, finding.spot.column) for finding in findings] == [(5, 13)]


def test_batch_of_scar_3_is_read(check: Check) -> None:
    text = GEN1 + "    batch: {comp_type: EC2, max_v_cpus: 2, state: ENABLED, instance_types: [m3.medium]}\n"

    assert [finding.code for finding in check(text)] == ["old-form", "ignored"]


def test_batch_settings_of_scar_3_count_where_it_runs_in_batch(parse: Parse, check: Check) -> None:
    text = GEN1.replace("memory: 1024", "memory: 1024\n    execution_mode: lambda-batch") + (
        "    batch: {comp_type: SPOT, min_v_cpus: 1, max_v_cpus: 8, desired_v_cpus: 1, vcpus: 4, memory: 2048,"
        " instance_types: [m3.medium], subnets: [subnet-1], supervisor_image: x}\n"
    )
    batch = only(parse(text)).batch

    assert (batch.vcpus, batch.memory) == (4, 2048)
    assert batch.compute == ComputeResources(Machines.SPOT, 8, 1, ("m3.medium",), ("subnet-1",))
    assert [finding.code for finding in check(text)] == ["old-form", *["ignored"] * 2]


DRAFT = """
storages:
- name: my_s3
  type: s3
  auth: {user: "${A}", pass: "${B}"}
functions:
- name: split
  image: ffmpeg
  init_script: a.sh
  input: [{name: s3, path: films/in}]
  output: [{name: s3, path: films/out, files: {prefix: [p], sufix: [.jpg]}}]
"""


def test_a_draft_of_2019_is_converted_with_one_warning(parse: Parse) -> None:
    pipeline = parse(DRAFT)
    function = only(pipeline)

    assert [finding.code for finding in pipeline.findings] == ["old-form"]
    assert (function.name, function.image) == ("split", "ffmpeg")
    assert function.inputs == (InputPath("s3", "films/in", (), "functions.aws[0].lambda.input[0]"),)
    assert function.outputs == (
        OutputPath("s3", "films/out", ("p",), (".jpg",), "flat", "functions.aws[0].lambda.output[0]"),
    )
    assert pipeline.providers == {"s3": {"my_s3": {"access_key": "${A}", "secret_key": "${B}"}}}


def test_todays_form_is_left_alone(check: Check) -> None:
    text = "functions: {aws: [{lambda: {name: f, init_script: a.sh, container: {image: x}}}]}"

    assert [finding.code for finding in check(text)] == ["no-trigger"]
