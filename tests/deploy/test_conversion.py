"""An old pipeline file, written in today's form, means what it meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.deploy.test_examples import DOCUMENTED
from tests.deploy.test_generations import DRAFT, GEN1

from hfaas_deploy import conversion, fdl
from hfaas_deploy.errors import FdlError
from hfaas_deploy.findings import Spot, errors
from hfaas_deploy.language import document, generations, writer
from hfaas_deploy.language.document import Items, Map, Scalar, Tree
from hfaas_deploy.pipeline import Pipeline

Write = Callable[[str], Path]
FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BATCH = GEN1.replace("memory: 1024", "memory: 1024\n    execution_mode: lambda-batch") + (
    "    batch: {comp_type: SPOT, min_v_cpus: 1, max_v_cpus: 8, vcpus: 4, memory: 2048, instance_types: [m3.medium]}\n"
)
OLD = {
    "SCAR 3": GEN1,
    "SCAR 3 with folders": GEN1.replace("films", "films/in\n      output_bucket: films/out"),
    "SCAR 1": GEN1.replace("films", "films\n      input_folder: in\n      output_folder: out"),
    "SCAR 3 with Batch": BATCH,
    "several functions": "functions:\n  one: {image: x, memory: 512, environment: {A: 012, B: ''}}\n  two: {image: y}\n",
    "a draft": DRAFT,
}


def meaning(pipeline: Pipeline) -> Pipeline:
    """What a file says, wherever it says it."""
    return replace(pipeline, spots={}, findings=())


def converted(path: Path, defaults: Path | None = None) -> Pipeline:
    text = conversion.convert(path, defaults).text
    return fdl.parse(path, content=text.encode())


@pytest.mark.parametrize("which", OLD)
def test_the_new_file_reads_to_the_same_pipeline(write: Write, which: str) -> None:
    path = write(OLD[which])

    assert meaning(converted(path)) == meaning(fdl.parse(path))
    assert "old-form" not in [finding.code for finding in converted(path).findings]


def test_what_is_converted_needs_no_conversion(write: Write) -> None:
    first = conversion.convert(write(BATCH))
    second = conversion.convert(write(first.text))

    assert second == conversion.Conversion(first.text)


@pytest.mark.parametrize("which", DOCUMENTED)
def test_todays_form_stays_as_it_is_to_the_byte(write: Write, which: str) -> None:
    path = write(DOCUMENTED[which])

    assert conversion.convert(path) == conversion.Conversion(path.read_text())


@pytest.mark.parametrize("which", DOCUMENTED)
def test_whatever_is_written_reads_the_same(write: Write, which: str) -> None:
    path = write(DOCUMENTED[which])
    tree, _ = document.read(path.read_bytes(), str(path))
    written = writer.write(tree, str(path)).encode()

    assert meaning(fdl.parse(path, content=written)) == meaning(fdl.parse(path))


def test_comments_stay_beside_what_they_are_about(write: Write) -> None:
    text = """\
        # Films to frames.

        functions:
          # the splitter
          split:   # one of many
            image: grycap/ffmpeg   # with "#" in it
            # how much
            memory: 1024
            environment:
            - 'A=#1'  # a
        # the end
        """

    assert (
        conversion.convert(write(text)).text
        == """\
# Films to frames.
functions:
  aws:
  - lambda:
      # the splitter
      name: split  # one of many
      # how much
      memory: 1024
      container:
        image: grycap/ffmpeg  # with "#" in it
        environment:
          Variables:
            A: "#1"  # a
# the end
"""
    )


def test_a_comment_whose_place_is_no_more_is_at_the_end(write: Write) -> None:
    text = GEN1.replace("input_bucket: films", "input_bucket: films\n      deployment_bucket: zips  # for zips")

    assert conversion.convert(write(text)).text.endswith("# for zips\n")


def test_what_is_left_out_is_said_with_the_reason_and_the_place(write: Write) -> None:
    path = write(GEN1.replace("input_bucket: films", "input_bucket: films\n      deployment_bucket: zips"))

    (said,) = conversion.convert(path).dropped
    assert str(said).startswith(
        "pipeline.yaml:12:26: warning: functions.scar-ffmpeg.s3.deployment_bucket is left out"
    )
    assert said.message.endswith("it held packages; functions are images here")


@pytest.mark.parametrize("which", OLD)
def test_nothing_else_is_left_out(write: Write, which: str) -> None:
    assert conversion.convert(write(OLD[which])).dropped == ()


def test_a_file_that_is_no_yaml_is_not_converted(write: Write) -> None:
    with pytest.raises(FdlError) as refusal:
        conversion.convert(write("functions: ["))

    assert "this is not YAML" in refusal.value.message


SCAR_CFG = {
    "scar": {"config_version": "1.0.9"},
    "aws": {
        "iam": {"boto_profile": "default", "role": ""},
        "lambda": {
            "boto_profile": "lab",
            "region": "eu-west-1",
            "execution_mode": "lambda",
            "timeout": 300,
            "memory": 640,
            "runtime": "python3.7",
            "vpc": {},
            "environment": {"Variables": {"UDOCKER_BIN": "/opt/udocker/bin/", "MINE": "1"}},
            "container": {"timeout_threshold": 10, "environment": {"Variables": {"LEVEL": "2"}}},
        },
        "cloudwatch": {"boto_profile": "default", "log_retention_policy_in_days": 7},
        "batch": {"state": "ENABLED", "vcpus": 2, "compute_resources": {"instance_types": ["m3.medium"]}},
        "api_gateway": {"endpoint": "https://{api_id}", "region": "us-east-1"},
    },
}


@pytest.mark.parametrize("text", [GEN1, DRAFT, BATCH, DOCUMENTED["two Functions through S3"]])
def test_defaults_of_scar_are_written_in_and_mean_the_same(write: Write, tmp_path: Path, text: str) -> None:
    path, defaults = write(text), tmp_path / "scar.cfg"
    defaults.write_text(json.dumps(SCAR_CFG))

    assert meaning(converted(path, defaults)) == meaning(fdl.parse(path, defaults))
    written = conversion.convert(path, defaults).text
    assert "region: eu-west-1" in written
    assert "runtime" not in written  # without effect
    assert "timeout: 300" not in written  # what it is anyway


TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "yes",
        "null",
        "~",
        "012",
        "1e3",
        "a: b",
        "- a",
        "-",
        "---",
        "... a",
        "# a",
        "a #b",
        "{",
        "<<",
        "é",
        "\u2028",
        "\x85",
        "a\nb",
        "  a ",
        ",",
    ]
)
SPOT = Spot("old", 0, 0)


def tree_of(value: Any) -> Tree:
    if isinstance(value, dict):
        empty = Map(SPOT)
        for name, inner in value.items():
            empty = empty.plus(name, tree_of(inner))
        return empty
    if isinstance(value, list):
        return Items(SPOT, tuple(map(tree_of, value)))
    return Scalar(SPOT, value)


def plain(tree: Tree) -> Any:
    if isinstance(tree, Map):
        return {name: plain(entry.value) for name, entry in tree.entries.items()}
    return [plain(item) for item in tree.items] if isinstance(tree, Items) else tree.text


VALUES = st.recursive(
    TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)


@FAST
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_any_text_is_written_so_that_it_is_read_again(value: dict[str, Any]) -> None:
    tree = tree_of(value)
    assert isinstance(tree, Map)

    read, findings = document.read(writer.write(tree, "old").encode("utf-8", "surrogatepass"), "new")

    assert findings == []
    assert plain(read) == value


NAMES = st.sampled_from(
    [
        "image",
        "memory",
        "time",
        "environment",
        "s3",
        "input_bucket",
        "output_bucket",
        "batch",
        "name",
        "auth",
        "type",
    ]
)
ANY = st.recursive(
    st.none() | st.integers() | st.sampled_from(["films", "films/in", "A=b", "s3", "${X}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)


@FAST
@given(st.dictionaries(st.sampled_from(["one", "two"]), ANY, max_size=2))
def test_whatever_stands_in_an_old_file_means_the_same_afterwards(functions: dict[str, Any]) -> None:
    data = yaml.safe_dump({"functions": {"f": {"image": "x", "s3": {}}, **functions}}).encode()
    old = fdl.parse(Path("old.yaml"), content=data)
    tree, _ = document.read(data, "old.yaml")
    today, _ = generations.convert(tree)
    new = fdl.parse(Path("old.yaml"), content=writer.write(today, "old.yaml").encode())

    assert meaning(new) == meaning(old)
    assert {each.message for each in errors(new.findings)} == {each.message for each in errors(old.findings)}
