"""The JSON Schema says the same as the reader, because both come from one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hfaas_deploy.language import keys, reference, schema
from hfaas_deploy.language.keys import KEYS, Kind, Status
from hfaas_deploy.pipeline import Pipeline

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((Path(__file__).parent / "golden").glob("*/pipeline.yaml"))
SAMPLES = sorted((ROOT / "samples").glob("*/pipeline.yaml"))
Parse = Callable[[str], Pipeline]


def accepts(text: str) -> bool:
    return bool(validator().is_valid(yaml.safe_load(text)))


def validator() -> Any:
    return jsonschema.Draft202012Validator(schema.schema())


def test_the_schema_in_docs_is_current() -> None:
    """`python -m hfaas_deploy.language.schema > docs/fdl.schema.json` makes it so."""
    assert (ROOT / "docs" / "fdl.schema.json").read_text() == schema.text()


def test_the_reference_page_is_current() -> None:
    """`python -m hfaas_deploy.language.reference > docs/fdl-keys.md` makes it so."""
    assert (ROOT / "docs" / "fdl-keys.md").read_text() == reference.text()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())


@pytest.mark.parametrize("path", [*GOLDEN, *SAMPLES], ids=lambda path: path.parent.name)
def test_our_pipelines_are_valid(path: Path) -> None:
    validator().validate(yaml.safe_load(path.read_text()))


BASE = "functions: {aws: [{lambda: {name: f, container: {image: x}%s}}]}"


@pytest.mark.parametrize(
    "more",
    [
        ", memory: 64",
        ", memory: much",
        ", init_skript: a.sh",
        ", execution_mode: lambda_batch",
        ", input: [{path: b}]",
        ", input: s3",
        ", environment: {Variables: {1A: x}}",
        ", log_level: loud",
        ", region: Mars",
    ],
)
def test_reader_and_schema_refuse_the_same(parse: Parse, more: str) -> None:
    assert not accepts(BASE % more)
    assert any(finding.is_error for finding in parse(BASE % more).findings)


@pytest.mark.parametrize(
    "more",
    [
        "",
        ", memory: 512",
        ', memory: "512"',
        ", memory: null",
        ", log_level: debug",
        ", output: [{storage_provider: s3, path: bbb, suffix: .jpg}]",
        ", environment: {Variables: {CONF: 0.25, ON: true}}",
    ],
)
def test_reader_and_schema_accept_the_same(parse: Parse, more: str) -> None:
    assert accepts(BASE % more)
    assert not any(finding.is_error for finding in parse(BASE % more).findings)


def test_each_key_is_in_the_table_once() -> None:
    paths = [key.path for key in KEYS]

    assert sorted(set(paths)) == sorted(paths)


def test_each_place_is_that_of_a_key() -> None:
    places = {key.inside for key in KEYS} | {"", "functions.oscar[].<id>"}

    assert {key.place for key in KEYS} <= places


def test_what_is_not_used_says_why() -> None:
    assert [key.path for key in KEYS if key.status is not Status.USED and not key.because] == []


def test_what_is_used_in_a_function_says_its_effect() -> None:
    silent = [
        key.path
        for key in KEYS
        if key.place.startswith((keys.LAMBDA, keys.OURS))
        and ".vpc" not in key.place
        and key.status is Status.USED
        and not key.effect
    ]

    assert silent == []


@pytest.mark.parametrize(
    ("batch", "fine"),
    [
        ("{vcpus: 0.5, memory: '1024', enable_gpu: false}", True),
        ("{multi_node_parallel: {enabled: true, number_nodes: 3}}", True),
        ("{compute_resources: {type: SPOT, instance_types: g4dn}}", True),
        ("{memory: 3}", False),
        ("{vcpus: many}", False),
        ("{type: UNMANAGED}", False),
        ("{compute_resources: {type: MINE}}", False),
        ("{compute_resources: {instance_type: g4dn}}", False),
    ],
)
def test_reader_and_schema_agree_about_batch(parse: Parse, batch: str, fine: bool) -> None:
    text = (BASE % ", execution_mode: batch").replace("}}]}", f"}}, batch: {batch}}}]}}")

    assert accepts(text) is fine
    assert any(finding.is_error for finding in parse(text).findings) is not fine


def test_each_key_of_batch_says_its_effect() -> None:
    silent = [
        key.path
        for key in KEYS
        if key.place.startswith(keys.BATCH) and key.status is Status.USED and not key.effect
    ]

    assert silent == []


def test_defaults_obey_their_own_limits() -> None:
    for key in KEYS:
        if key.kind is Kind.WHOLE and key.default is not None:
            assert isinstance(key.default, int)
            assert key.low is None or key.default >= key.low
            assert key.high is None or key.default <= key.high
        if key.choices and key.default is not None:
            assert key.default in key.choices
