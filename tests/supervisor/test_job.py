from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.job import CAUSES, LAYOUTS, LOG_LEVELS, MODES, ON_FAILURE, Input, Job, Output

texts = st.tuples(st.text(max_size=5)) | st.just(())
maps = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=2)
jobs = st.builds(
    Job,
    name=st.text(min_size=1, max_size=9),
    inputs=st.lists(
        st.builds(Input, provider=st.sampled_from(["s3", "s3.other"]), suffix=texts, path=st.text(min_size=1)),
        max_size=2,
    ).map(tuple),
    outputs=st.lists(
        st.builds(
            Output,
            provider=st.just("s3"),
            path=st.text(min_size=1),
            prefix=texts,
            suffix=texts,
            layout=st.sampled_from(LAYOUTS),
        ),
        max_size=2,
    ).map(tuple),
    storage_providers=st.dictionaries(st.text(min_size=1), st.dictionaries(st.text(min_size=1), maps), max_size=2),
    execution_mode=st.sampled_from(MODES),
    log_level=st.sampled_from(LOG_LEVELS),
    file_stage_in=st.booleans(),
    environment=maps,
    timeout_threshold=st.floats(0, 900),
    on_failure=st.sampled_from(ON_FAILURE),
    delegate=st.lists(st.sampled_from(CAUSES), unique=True).map(tuple),
    invoke_script=st.booleans(),
    region=st.text(max_size=5),
    buckets=maps,
    image=st.text(max_size=5),
    extra_payload=st.booleans(),
    wants_gpu=st.booleans(),
    nodes=st.integers(0, 9),
)


def encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


@settings(max_examples=50, deadline=None)
@given(jobs)
def test_what_is_encoded_is_decoded(job: Job) -> None:
    assert Job.decode(job.encode()) == job


def test_defaults_take_no_room() -> None:
    assert json.loads(base64.b64decode(Job("a").encode())) == {"name": "a"}


def test_variables_that_are_no_texts_become_texts() -> None:
    document = {
        "name": "a",
        "container": {"environment": {"Variables": {"ITER": 200, "ON": True, "X": None, "F": 0.5}}},
    }
    assert Job.decode(encoded(document)).environment == {"ITER": "200", "ON": "true", "X": "", "F": "0.5"}


def test_a_filter_may_be_one_text() -> None:
    document = {"name": "a", "output": [{"storage_provider": "s3", "path": "b", "suffix": ".txt"}]}
    assert Job.decode(encoded(document)).outputs[0].suffix == (".txt",)


def test_nodes_count_only_when_multi_node_parallel_is_enabled() -> None:
    nodes = {"number_nodes": 3}
    assert Job.decode(encoded({"name": "a", "batch": {"multi_node_parallel": nodes}})).nodes == 0
    assert (
        Job.decode(encoded({"name": "a", "batch": {"multi_node_parallel": {**nodes, "enabled": True}}})).nodes == 3
    )


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({}, "name"),
        ({"name": 3}, "name"),
        ({"name": "a", "input": {}}, "input"),
        ({"name": "a", "input": ["x"]}, "input[0]"),
        ({"name": "a", "input": [{"path": "b"}]}, "input[0].storage_provider"),
        ({"name": "a", "output": [{"storage_provider": "s3"}]}, "output[0].path"),
        ({"name": "a", "output": [{"storage_provider": "s3", "path": "b", "layout": "odd"}]}, "output[0].layout"),
        ({"name": "a", "output": [{"storage_provider": "s3", "path": "b", "suffix": [1]}]}, "output[0].suffix"),
        ({"name": "a", "execution_mode": "fargate"}, "execution_mode"),
        ({"name": "a", "file_stage_in": "yes"}, "file_stage_in"),
        ({"name": "a", "container": {"timeout_threshold": True}}, "container.timeout_threshold"),
        ({"name": "a", "batch": {"enable_gpu": 1}}, "batch.enable_gpu"),
        ({"name": "a", "hfaas": {"on_failure": "ignore"}}, "hfaas.on_failure"),
        ({"name": "a", "storage_providers": {"s3": []}}, "storage_providers.s3"),
        ([], "the document"),
    ],
)
def test_the_error_names_the_key(document: Any, key: str) -> None:
    with pytest.raises(ConfigError, match=key.replace("[", r"\[").replace("]", r"\]")):
        Job.decode(encoded(document))


@pytest.mark.parametrize("text", ["%%%", "bmFtZTogYQo="])
def test_what_is_not_base64_of_json_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="FUNCTION_CONFIG is not"):
        Job.decode(text)
