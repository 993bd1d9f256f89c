"""Reading: positions, types, did-you-mean, defaults."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hfaas_deploy import fdl
from hfaas_deploy.errors import DeployError, FdlError
from hfaas_deploy.findings import Finding
from hfaas_deploy.pipeline import Function, Pipeline

Write = Callable[[str], Path]
Parse = Callable[[str], Pipeline]
Check = Callable[[str], list[Finding]]

MINIMAL = """
functions:
  aws:
  - lambda:
      name: hello
      init_script: a.sh
      container: {image: "debian:bookworm"}
"""


def with_lambda(lines: str) -> str:
    """The minimal file with more lines in `lambda`; they begin at line 7."""
    return MINIMAL + "".join(f"      {line}\n" for line in lines.splitlines())


def only(pipeline: Pipeline) -> Function:
    (function,) = pipeline.functions
    return function


def said(pipeline: Pipeline) -> list[str]:
    return [str(finding) for finding in pipeline.findings]


def test_the_minimal_file_has_every_default(parse: Parse) -> None:
    function = only(parse(MINIMAL))

    assert (function.name, function.image, function.memory, function.timeout) == (
        "hello",
        "debian:bookworm",
        512,
        300,
    )
    assert (function.tmp, function.retries, function.max_age, function.retention) == (2048, 2, 3600, 30)
    assert function.timeout_threshold == 10
    assert function.architecture == "x86_64"
    assert not function.invoke_script


def test_paths_are_relative_to_the_folder_of_the_file(write: Write, tmp_path: Path) -> None:
    write(MINIMAL)
    os.chdir("/")

    assert only(fdl.read(tmp_path / "pipeline.yaml")).init_script == tmp_path / "a.sh"


def test_an_unknown_key_is_an_error_at_the_key_with_the_nearest_one(parse: Parse) -> None:
    pipeline = parse(with_lambda("init_skript: b.sh"))

    assert said(pipeline) == [
        "pipeline.yaml:7:7: error: unknown key 'init_skript' in functions.aws[].lambda; did you mean 'init_script'?"
    ]
    assert pipeline.findings[0].fix == "init_script"


def test_a_wrong_choice_is_an_error_at_the_value_with_the_nearest_one(parse: Parse) -> None:
    pipeline = parse(with_lambda("execution_mode: lambda_batch"))

    (message,) = said(pipeline)
    assert message.startswith("pipeline.yaml:7:23: error: execution_mode 'lambda_batch' is none of ")
    assert message.endswith("lambda, lambda-batch, batch; did you mean 'lambda-batch'?")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("contaner: {}", "did you mean 'container'?"),
        ("image: x", "`image` belongs into `lambda.container`"),
        ("time: 3", "did you mean 'timeout'?"),
        ("vcpus: 3", "`vcpus` belongs into `batch`"),
        ("build: img", "`build` belongs into `hfaas`"),
        ("nonsense_at_all: 1", "unknown key 'nonsense_at_all' in functions.aws[].lambda"),
    ],
)
def test_did_you_mean_knows_neighbours_homes_and_old_slips(parse: Parse, line: str, hint: str) -> None:
    assert hint in said(parse(with_lambda(line)))[0]


def test_a_slip_of_upstreams_own_example_is_known(parse: Parse) -> None:
    text = MINIMAL.replace("{image:", "{'timeout_threshold\"': 3, image:")

    assert "did you mean 'timeout_threshold'?" in said(parse(text))[0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("memory: 64", "memory 64 is below 128 (MB)"),
        ("memory: 20000", "memory 20000 is above 10240 (MB)"),
        ("timeout: 0", "timeout 0 is below 1 (seconds)"),
        ("timeout: 901", "timeout 901 is above 900 (seconds)"),
        ("memory: much", "memory must be a whole number, not 'much'"),
        ("memory: 012", "memory must be a whole number, not '012'"),
        ("memory: 1_024", "memory must be a whole number, not '1_024'"),
        ("memory: 1:30", "memory must be a whole number, not '1:30'"),
        ("memory: [1]", "memory must be whole number, not a list"),
        ("memory: 99999999999999999999999999999", "above 10240"),
        ("file_stage_in: maybe", "file_stage_in must be true or false, not 'maybe'"),
        ("input: s3", "input must be a list"),
        ("input: [s3]", "each entry of input must be a map"),
        ("environment: [A=B]", "environment must be a map"),
        ("environment: {Variables: {AA: [1]}}", "AA must be text; put lists and maps into quotes"),
        ("environment: {Variables: {1A: x}}", "'1A' cannot be the name of a variable"),
        ("description: " + "x" * 257, "description has 257 characters; at most 256 are allowed"),
        ("architectures: [arm]", "architectures 'arm' is none of x86_64, arm64; did you mean 'arm64'?"),
        ("log_level: loud", "log_level 'loud' is none of"),
        ("region: Mars", "region 'Mars' must match"),
        ("run_script: ''", "run_script is empty"),
    ],
)
def test_a_value_out_of_bounds_is_named_with_its_bound(parse: Parse, line: str, message: str) -> None:
    assert any(message in text for text in said(parse(with_lambda(line))))


@pytest.mark.parametrize("written", ["1024", '"1024"', "'1024'"])
def test_a_whole_number_may_stand_in_quotes(parse: Parse, written: str) -> None:
    assert only(parse(with_lambda(f"memory: {written}"))).memory == 1024


def test_yes_is_true_with_a_warning(parse: Parse) -> None:
    pipeline = parse(with_lambda("file_stage_in: yes"))

    assert only(pipeline).file_stage_in
    assert said(pipeline) == ["pipeline.yaml:7:22: warning: file_stage_in: yes is read as true; write true"]


def test_variables_are_taken_as_written(parse: Parse) -> None:
    text = with_lambda("environment: {Variables: {AA: 0.10, BB: yes, CC: 1e3, DD: 012, EE: 200, FF: ''}}")

    expected = {"AA": "0.10", "BB": "yes", "CC": "1e3", "DD": "012", "EE": "200", "FF": ""}
    assert only(parse(text)).environment == expected


def test_a_text_is_as_good_as_a_list_of_one(parse: Parse) -> None:
    text = with_lambda("output: [{storage_provider: s3, path: b/out, suffix: .jpg}]")

    assert only(parse(text)).outputs[0].suffix == (".jpg",)


def test_all_findings_come_at_once_in_the_order_of_the_file(write: Write) -> None:
    path = write(
        with_lambda("memory: 1\nnonsense: 1\ninput: [{storage_provider: s3, path: Bad/in}]\nextra_payload: no")
    )

    with pytest.raises(FdlError) as caught:
        fdl.read(path)

    assert [finding.spot.line for finding in caught.value.findings] == [7, 8, 9, 10]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hfaas: {}\n", "'functions' is missing at the top"),
        ("functions: {aws: [{}]}\n", "'lambda' is missing in functions.aws[]"),
        ("functions: {aws: [{lambda: {}}]}\n", "'name' is missing in functions.aws[].lambda"),
        ("functions: {aws: []}\n", "no Function is defined"),
        ("functions: {aws: [{lambda: {name: a b}}]}\n", "name 'a b' must match"),
    ],
)
def test_what_is_missing_is_said(check: Check, text: str, message: str) -> None:
    assert any(message in str(finding) for finding in check(text))


@pytest.mark.parametrize(
    ("path", "message"),
    [("nowhere.yaml", "no such file or directory"), (".", "is a directory")],
)
def test_a_file_that_cannot_be_read_is_a_plain_error(write: Write, path: str, message: str) -> None:
    write("")

    with pytest.raises(DeployError, match=message):
        fdl.parse(Path(path))


def test_a_key_without_effect_is_a_warning_with_the_reason(parse: Parse) -> None:
    text = with_lambda("runtime: python3.7\nlayers: [x]\nasynchronous: true")

    assert said(parse(text)) == [
        "pipeline.yaml:7:7: warning: runtime is ignored because every Function runs from an image",
        "pipeline.yaml:8:7: warning: layers is ignored because it is computed, or only for zip functions",
        "pipeline.yaml:9:7: warning: asynchronous is ignored because it is an option of `hfaas run` and `hfaas invoke`",
    ]


def test_an_ignored_block_is_said_once_but_still_read_strictly(check: Check) -> None:
    text = MINIMAL + "    batch: {vcpus: 4, enable_gpu: true, memry: 3}\n"

    assert [finding.code for finding in check(text)] == ["no-trigger", "ignored", "unknown-key"]


def test_the_defaults_of_scar_lie_under_every_function(write: Write) -> None:
    path = write(MINIMAL)
    Path("scar.cfg").write_text(
        '{"scar": {"config_version": "1.0.9"}, "aws": {"lambda": {"memory": 1024, "runtime": "python3.7", "odd": 1,'
        ' "container": {"timeout_threshold": 20}}, "batch": {"vcpus": 1}, "api_gateway": {"region": "eu-west-1"}}}'
    )

    pipeline = fdl.read(path, Path("scar.cfg"))

    assert only(pipeline).memory == 1024
    assert only(pipeline).timeout_threshold == 20
    assert only(pipeline).image == "debian:bookworm"
    assert ["odd" in text and "warning" in text for text in said(pipeline)] == [True]


def test_the_folder_names_the_stack_unless_the_file_does(write: Write, tmp_path: Path) -> None:
    assert fdl.parse(write(MINIMAL)).stack == tmp_path.name.replace("_", "-")
    assert fdl.parse(write(MINIMAL + "hfaas: {stack: films}\n")).stack == "films"


def test_a_build_folder_stands_for_an_image(write: Write) -> None:
    Path("img").mkdir()
    Path("img/Dockerfile").touch()
    text = MINIMAL.replace('container: {image: "debian:bookworm"}', "memory: 128")

    function = only(fdl.read(write(text + "    hfaas: {build: img, build_args: {BASE: 'debian:12'}}\n")))

    assert function.build == Path("img").absolute()
    assert function.build_args == {"BASE": "debian:12"}


def test_a_finding_as_data_has_the_documented_keys(parse: Parse) -> None:
    (finding,) = parse(with_lambda("init_skript: x")).findings

    assert finding.as_dict() == {
        "file": "pipeline.yaml",
        "line": 7,
        "column": 7,
        "severity": "error",
        "code": "unknown-key",
        "message": "unknown key 'init_skript' in functions.aws[].lambda; did you mean 'init_script'?",
        "fix": "init_script",
    }
