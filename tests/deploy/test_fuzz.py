"""Whatever stands in the file, the answer is findings and never a traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfaas_deploy import checks, fdl
from hfaas_deploy.findings import errors
from hfaas_deploy.language.keys import KEYS
from hfaas_deploy.template import render

FAST = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.sampled_from(sorted({key.name for key in KEYS})) | st.text(max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from(["s3", "bbb/in", "lambda", "${X}"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def judge(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        path.write_bytes(data)
        pipeline = fdl.parse(path)
        found = checks.check(pipeline)
        if not errors(found):
            render(pipeline)
        assert all(str(finding) for finding in found)


@FAST
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(data: bytes) -> None:
    judge(data)


@FAST
@given(VALUES)
def test_any_document_is_answered(document: Any) -> None:
    judge(yaml.safe_dump(document).encode())


@FAST
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=3), VALUES, VALUES)
def test_any_function_is_answered(functions: list[Any], container: Any, ours: Any) -> None:
    base = {"name": "f", "container": container, "input": [{"storage_provider": "s3", "path": "bbb/in"}]}
    entries = [{"lambda": {**base, **more}, "hfaas": ours} for more in functions]
    judge(yaml.safe_dump({"functions": {"aws": entries}}).encode())


BATCH = st.dictionaries(
    st.sampled_from(sorted({key.name for key in KEYS if key.place.startswith("functions.aws[].batch")})),
    VALUES
    | st.sampled_from(["9" * 400, "-1", 0.5, 4096, "EC2", ["g4dn"], {"enabled": True, "number_nodes": 10**30}]),
    max_size=5,
)


@FAST
@given(BATCH, BATCH, st.sampled_from(["lambda", "lambda-batch", "batch"]))
def test_any_batch_block_is_answered(batch: dict[str, Any], compute: dict[str, Any], mode: str) -> None:
    own = {"name": "f", "container": {"image": "x"}, "execution_mode": mode}
    entry = {"lambda": own, "batch": {**batch, "compute_resources": compute}}
    judge(yaml.safe_dump({"functions": {"aws": [entry]}}).encode())


@FAST
@given(st.dictionaries(st.text(min_size=1, max_size=8), VALUES, max_size=3))
def test_any_old_file_is_answered(functions: dict[str, Any]) -> None:
    gen1 = {
        name: {"image": "x", "s3": value, "environment": value, "batch": value} for name, value in functions.items()
    }
    judge(yaml.safe_dump({"functions": gen1}).encode())
    judge(yaml.safe_dump({"functions": list(gen1.values()), "storages": list(gen1.values())}).encode())
