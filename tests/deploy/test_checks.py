"""Judgements that need more than one key."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hfaas_deploy.findings import Finding
from hfaas_deploy.pipeline import Pipeline

Check = Callable[[str], list[Finding]]
Parse = Callable[[str], Pipeline]


def function(name: str, source: str = "", result: str = "", more: str = "", after: str = "") -> str:
    """One entry of functions.aws; the paths may carry filters: `b/in .jpg`."""
    lines = [f"  - lambda: {{name: {name}, init_script: a.sh, container: {{image: x}}, {more}"]
    for key, text in (("input", source), ("output", result)):
        if text:
            path, *suffix = text.split()
            lines.append(f"      {key}: [{{storage_provider: s3, path: {path}, suffix: [{', '.join(suffix)}]}}],")
    return "\n".join(lines) + "}\n" + (f"    {after}\n" if after else "")


def pipeline(*functions: str, more: str = "") -> str:
    return "functions:\n  aws:\n" + "".join(functions) + more


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def messages(findings: list[Finding], code: str) -> list[str]:
    return [finding.message for finding in findings if finding.code == code]


def test_a_sound_pipeline_has_no_findings(check: Check) -> None:
    assert check(pipeline(function("a", "films/in", "films/mid"), function("b", "films/mid", "films/out"))) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("b/in", "b/in"),
        ("b/in", "b/in/deeper"),
        ("b", "b/in"),
        ("b/in .jpg", "b/in"),
        ("b/in .jpg", "b/in .tar.jpg"),
        ("b/in .a .jpg", "b/in .png .jpg"),
    ],
)
def test_two_inputs_that_could_match_one_object_are_refused(check: Check, one: str, other: str) -> None:
    text = pipeline(function("f", one.replace("b", "bucket", 1)), function("g", other.replace("b", "bucket", 1)))

    (finding,) = check(text)

    assert finding.code == "overlap"
    assert finding.spot.line == 6
    assert "of f (line 4)" in finding.message


@pytest.mark.parametrize(
    ("one", "other"), [("bb1/in", "bb2/in"), ("bbb/in", "bbb/in2"), ("bbb/in .jpg", "bbb/in .png")]
)
def test_inputs_that_cannot_meet_are_fine(check: Check, one: str, other: str) -> None:
    assert check(pipeline(function("f", one), function("g", other))) == []


def test_suffixes_of_one_input_that_meet_are_refused(check: Check) -> None:
    assert codes(check(pipeline(function("f", "bbb/in .jpg x.jpg")))) == ["overlap"]


@pytest.mark.parametrize("result", ["bbb/in", "bbb/in/out"])
def test_a_function_that_writes_into_its_own_input_is_refused(check: Check, result: str) -> None:
    (message,) = messages(check(pipeline(function("f", "bbb/in", result))), "loop")

    assert message == f"f writes to {result!r}, inside its own input: it would call itself for ever"


def test_a_loop_over_several_functions_is_named_once(check: Check) -> None:
    text = pipeline(
        function("a", "bbb/1", "bbb/2"), function("b", "bbb/2", "bbb/3"), function("c", "bbb/3", "bbb/1")
    )

    (message,) = messages(check(text), "loop")

    assert message.startswith("a -> b -> c -> a is a loop")


def test_a_loop_that_a_suffix_breaks_is_fine(check: Check) -> None:
    assert codes(check(pipeline(function("a", "bbb/1 .avi", "bbb/1 .jpg")))) == []


@pytest.mark.parametrize(
    ("bucket", "why", "suggestion"),
    [
        ("Films", "has capital letters", "films"),
        ("my_films", "may have only lower-case letters", "my-films"),
        ("ab", "has 2 characters", ""),
        ("192.168.1.1", "looks like an IP address", ""),
        ("a..b", "two dots", ""),
        ("xn--films", "that AWS keeps for itself", ""),
        ("films-", "begins and ends with", "films"),
        ("x" * 64, "has 64 characters", "x" * 63),
    ],
)
def test_bucket_names_that_aws_refuses_are_told_with_a_better_one(
    check: Check, bucket: str, why: str, suggestion: str
) -> None:
    (finding,) = check(pipeline(function("f", f"{bucket}/in")))

    assert why in finding.message
    assert finding.fix == (f"{suggestion}/in" if suggestion else "")


def test_a_missing_script_is_told_at_its_value(check: Check) -> None:
    (finding,) = check(pipeline(function("f", "bbb/in")).replace("a.sh", "gone.sh"))

    assert (finding.spot.line, finding.spot.column) == (3, 36)
    assert finding.message == "init_script gone.sh does not exist"


def test_a_folder_is_no_script(check: Check) -> None:
    Path("scripts").mkdir(exist_ok=True)

    assert messages(check(pipeline(function("f", "bbb/in")).replace("a.sh", "scripts")), "file") == [
        "init_script scripts is a folder, not a file"
    ]


def test_a_function_without_any_image_is_refused(check: Check) -> None:
    text = pipeline(function("f", "bbb/in")).replace("container: {image: x}, ", "")

    assert codes(check(text)) == ["no-image"]


def test_an_image_and_a_build_folder_are_one_too_many(check: Check) -> None:
    Path("img").mkdir(exist_ok=True)
    Path("img/Dockerfile").touch()

    assert codes(check(pipeline(function("f", "bbb/in", after="hfaas: {build: img}")))) == ["two-images"]


def test_a_build_folder_without_dockerfile_is_refused(check: Check) -> None:
    Path("empty").mkdir(exist_ok=True)
    text = pipeline(function("f", "bbb/in", after="hfaas: {build: empty}")).replace("container: {image: x}, ", "")

    assert messages(check(text), "file") == ["empty has no Dockerfile"]


def test_names_that_differ_in_capitals_only_are_refused(check: Check) -> None:
    assert codes(check(pipeline(function("Hello", "bbb/1"), function("hello", "bbb/2")))) == ["same-name"]


def test_an_environment_above_4096_bytes_is_refused(check: Check) -> None:
    text = pipeline(function("f", "bbb/in", more=f"environment: {{Variables: {{BIG: {'x' * 4000}}}}},"))

    (finding,) = check(text)

    assert finding.code == "environment-size"
    assert "Lambda allows 4096" in finding.message


def test_an_environment_is_measured_as_lambda_does_with_every_quote_escaped(check: Check) -> None:
    text = pipeline(function("f", "bbb/in", more=f"environment: {{Variables: {{BIG: '{chr(34) * 2500}'}}}},"))

    assert codes(check(text)) == ["environment-size"]


def test_reserved_variables_are_refused_and_udocker_ones_ignored(check: Check) -> None:
    variables = "environment: {Variables: {AWS_REGION: x, FUNCTION_CONFIG: y, UDOCKER_DIR: z}},"

    assert codes(check(pipeline(function("f", "bbb/in", more=variables)))) == ["reserved", "reserved", "ignored"]


def test_a_threshold_above_a_fifth_of_the_timeout_is_a_warning(check: Check) -> None:
    text = pipeline(function("f", "bbb/in", more="timeout: 20,"))
    (finding,) = check(text.replace("{image: x}", "{image: x, timeout_threshold: 10}"))

    assert finding.code == "threshold"
    assert not finding.is_error
    assert finding.message.endswith("4 is used")


def test_the_threshold_nobody_set_is_no_finding(check: Check) -> None:
    assert check(pipeline(function("f", "bbb/in", more="timeout: 20,"))) == []


def test_a_function_without_input_is_a_warning(check: Check) -> None:
    assert messages(check(pipeline(function("f"))), "no-trigger") == [
        "nothing triggers f; it runs when it is invoked"
    ]


def test_keep_needs_a_folder_beside_which_it_can_keep(check: Check) -> None:
    assert codes(check(pipeline(function("f", "bbb/in", "other", after="hfaas: {on_failure: keep}")))) == ["keep"]


def test_two_regions_in_one_file_are_refused(check: Check) -> None:
    text = pipeline(function("f", "bbb/1"), function("g", "bbb/2", more="region: eu-west-1,"))

    assert messages(check(text), "one-stack") == [
        "region is eu-west-1 and us-east-1 in one file; a pipeline is one Stack in one place"
    ]


def test_a_reference_to_an_unset_variable_is_a_warning(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    text = pipeline(function("f", "bbb/in", more="environment: {Variables: {LINK: 'x${NOT_THERE}'}},"))

    assert codes(check(text)) == ["not-set"]


@pytest.mark.parametrize(
    ("image", "found"),
    [("${THERE}", []), ("registry/${THERE}:1", []), ("${NOT_THERE}", ["not-set"]), ("${", ["image"])],
)
def test_an_image_may_be_named_by_a_variable(
    check: Check, monkeypatch: pytest.MonkeyPatch, image: str, found: list[str]
) -> None:
    monkeypatch.setenv("THERE", "app")
    monkeypatch.delenv("NOT_THERE", raising=False)
    text = pipeline(function("f", "bbb/in")).replace("{image: x}", f"{{image: '{image}'}}")

    assert codes(check(text)) == found


def test_an_existing_bucket_may_be_written_and_listened_to(check: Check) -> None:
    owned = "hfaas: {buckets: {archive: {existing: true}}}\n"

    assert check(pipeline(function("f", "bbb/in", "archive/out"), more=owned)) == []
    assert check(pipeline(function("f", "archive/in"), more=owned)) == []


def test_an_oscar_service_is_for_oscar_and_no_error_elsewhere(check: Check) -> None:
    text = "functions: {oscar: [{my_oscar: {name: s, image: i, script: a.sh, memory: 2Gi, vo: x}}]}\n"

    findings = [finding for finding in check(text) if finding.code == "oscar"]

    assert [finding.message for finding in findings] == [
        "functions.oscar is for --target oscar; a deploy and AWS pass over it"
    ]


def test_entries_are_what_nobody_writes_and_results_are_what_nobody_reads(parse: Parse) -> None:
    found = parse(
        pipeline(
            function("split", "films/in", "films/frames .jpg"),
            function("faces", "films/frames", "films/faces"),
            function("other", "more/in", "more/out"),
        )
    )

    assert [(entry.function.name, entry.input.path) for entry in found.entry()] == [
        ("split", "films/in"),
        ("other", "more/in"),
    ]
    assert [(result.function.name, result.output.path) for result in found.final_outputs()] == [
        ("faces", "films/faces"),
        ("other", "more/out"),
    ]


def test_an_output_whose_suffix_no_input_takes_is_a_result(parse: Parse) -> None:
    found = parse(pipeline(function("a", "bbb/in", "bbb/mid .json"), function("b", "bbb/mid .jpg", "bbb/out")))

    assert [result.output.path for result in found.final_outputs()] == ["bbb/mid", "bbb/out"]
    assert [entry.input.path for entry in found.entry()] == ["bbb/in", "bbb/mid"]


def test_an_unreadable_script_is_told(check: Check) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    Path("a.sh").chmod(0)
    text = pipeline(function("f", "bbb/in"))

    assert messages(check(text), "file") == ["init_script a.sh cannot be read"]


@pytest.mark.parametrize("image", ["debian", "debian:12", "reg.io:5000/a/b:c", "a__b/c", "x@sha256:" + "a" * 64])
def test_image_references_are_taken(check: Check, image: str) -> None:
    text = pipeline(function("f", "bbb/in")).replace("{image: x}", f"{{image: '{image}'}}")

    assert check(text) == []


@pytest.mark.parametrize("image", ["No Such", "debian:", "a/B", "x@sha256:1"])
def test_what_is_no_image_reference_is_refused(check: Check, image: str) -> None:
    text = pipeline(function("f", "bbb/in")).replace("{image: x}", f"{{image: '{image}'}}")

    assert codes(check(text)) == ["image"]


def test_an_empty_script_is_a_warning(check: Check) -> None:
    Path("a.sh").write_text("")

    (finding,) = check(pipeline(function("f", "bbb/in")))

    assert finding.message == "init_script a.sh is empty"
    assert not finding.is_error


SECRET = "environment: {Variables: {API_TOKEN: '${HFAAS_TEST_UNSET}'}},"


def test_a_secret_variable_stays_as_it_was_where_its_value_is_not_set(check: Check) -> None:
    (finding,) = check(pipeline(function("f", "bbb/in", more=SECRET)))

    assert finding.code == "not-set"
    assert finding.message.endswith("API_TOKEN stays as it was put away")


def test_a_secret_variable_that_stands_in_the_file_is_a_warning(check: Check) -> None:
    text = pipeline(function("f", "bbb/in", more=SECRET.replace("${HFAAS_TEST_UNSET}", "geheim")))

    (finding,) = check(text)

    assert (finding.code, finding.is_error) == ("secret", False)
    assert "geheim" not in finding.message
    assert check(text + "    hfaas: {plain: [API_TOKEN]}\n") == []


def test_an_image_without_our_supervisor_takes_no_secret_variables(check: Check) -> None:
    text = pipeline(function("f", "bbb/in", more=SECRET.replace("${HFAAS_TEST_UNSET}", "geheim")))
    ready = text.replace("{image: x}", "{image: x, create_image: false}").replace("init_script: a.sh, ", "")

    (finding,) = check(ready)

    assert (finding.code, finding.is_error) == ("secret", True)
    assert check(ready + "    hfaas: {plain: [API_TOKEN]}\n") == []


def test_plain_variables_exist(check: Check) -> None:
    assert codes(check(pipeline(function("f", "bbb/in", after="hfaas: {plain: [API_TOKEN]}")))) == ["unused"]


def test_a_secret_build_argument_is_a_warning(check: Check) -> None:
    found = check(pipeline(function("f", "bbb/in", after="hfaas: {build_args: {PYPI_TOKEN: x}}")))

    assert "stays in the image" in messages(found, "secret")[0]


def test_variables_by_which_lambda_finds_its_jobs_are_reserved(check: Check) -> None:
    variables = "environment: {Variables: {HFAAS_JOB_QUEUE: x, HFAAS_ONETRIGGER: y, LAMBDA_TASK_ROOT: z}},"

    assert codes(check(pipeline(function("f", "bbb/in", more=variables)))) == ["reserved"] * 3
