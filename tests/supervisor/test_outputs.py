"""Which output takes a file, and under which key: row D12 of the contract's table."""

from __future__ import annotations

import pytest

from hfaas_supervisor import outputs
from hfaas_supervisor.job import Job, Output
from hfaas_supervisor.outputs import Naming
from hfaas_supervisor.stores import place


@pytest.mark.parametrize(
    ("prefix", "suffix", "name", "taken"),
    [
        ((), (), "any", True),
        ((), ("txt",), "a.notatxt", True),
        (("res",), (), "sub/res.txt", False),
        (("sub/res",), (), "sub/res.txt", True),
        (("a", "b"), (), "b1", True),
        (("a",), (".txt",), "a.png", False),
        (("a",), (".txt",), "a.txt", True),
        (("*/res*",), (), "sub/res.txt", True),
        ((), ("*.tx?",), "sub/res.txt", True),
        ((), ("res.[a-s]*",), "res.txt", False),
    ],
)
def test_d12_filters(prefix: tuple[str, ...], suffix: tuple[str, ...], name: str, taken: bool) -> None:
    assert outputs.takes(Output("s3", "b", prefix, suffix), name) is taken


@pytest.mark.parametrize(
    ("path", "layout", "naming", "key"),
    [
        ("b", "flat", Naming("r"), "sub/x"),
        ("b/f/", "flat", Naming("r", "deep"), "f/sub/x"),
        ("b/f", "mirror", Naming("r", "deep"), "f/deep/sub/x"),
        ("b/f", "mirror", Naming("r"), "f/sub/x"),
        ("b/f", "request", Naming("r"), "f/r/sub/x"),
        ("b/f", "mirror", Naming("r", "deep", failed=True), "f.failed/r/sub/x"),
    ],
)
def test_keys(path: str, layout: str, naming: Naming, key: str) -> None:
    output = Output("s3", path, layout=layout)
    assert outputs.key(output, place(Job("shrink"), output.provider, output.path), "sub/x", naming) == key
