"""What the tests of samples/video share: how scripts are run, and the smallest ONNX models, written byte by byte."""

from __future__ import annotations

import importlib.util
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

SAMPLE = Path(__file__).parents[2] / "samples" / "video"
PEDESTRIANS = Path(__file__).parents[3] / "shared" / "data" / "pedestrians.avi"


def run(script: str, source: Path, target: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    target.mkdir(exist_ok=True)
    return subprocess.run(
        [SAMPLE / script],
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "INPUT_FILE_PATH": str(source),
            "TMP_OUTPUT_DIR": str(target),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def loaded(script: str) -> Any:
    specification = importlib.util.spec_from_file_location(Path(script).stem, SAMPLE / script)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


FOUND = [(320, 180, 100, 200, 0.9), (322, 182, 100, 200, 0.8), (100, 100, 50, 50, 0.1)]


def version_5() -> np.ndarray:
    """Return one row for each box: place, objectness, two classes."""
    return np.array([(*place, 1.0, score, 0.0) for *place, score in FOUND] * 3, np.float32)


def version_8() -> np.ndarray:
    """Return one column for each box: place, two classes."""
    return np.array([(*place, score, 0.0) for *place, score in FOUND] * 3, np.float32).T


def onnx(answer: np.ndarray) -> bytes:
    """Return the smallest model that answers the same whatever it sees."""
    shape = [1, *answer.shape]
    nodes = [
        node("GlobalAveragePool", ["images"], "mean"),
        node("Conv", ["mean", "zero"], "nothing"),
        node("Add", ["nothing", "answer"], "square"),
        node("Reshape", ["square", "shape"], "output"),
    ]
    graph = b"".join(field(1, each) for each in nodes) + field(2, b"g")
    graph += field(5, tensor("zero", np.zeros((1, 3, 1, 1), np.float32), 1))
    graph += field(5, tensor("answer", np.ascontiguousarray(answer[None, None]), 1))
    graph += field(5, tensor("shape", np.array(shape, np.int64), 7))
    graph += field(11, value("images", [1, 3, 640, 640])) + field(12, value("output", shape))
    return number(1, 8) + field(7, graph) + field(8, number(2, 11))


def node(kind: str, inputs: list[str], output: str) -> bytes:
    return (
        b"".join(field(1, each.encode()) for each in inputs) + field(2, output.encode()) + field(4, kind.encode())
    )


def tensor(name: str, data: np.ndarray, kind: int) -> bytes:
    dimensions = b"".join(number(1, each) for each in data.shape)
    return dimensions + number(2, kind) + field(8, name.encode()) + field(9, data.tobytes())


def value(name: str, shape: list[int]) -> bytes:
    dimensions = b"".join(field(1, number(1, each)) for each in shape)
    return field(1, name.encode()) + field(2, field(1, number(1, 1) + field(2, dimensions)))


def field(index: int, data: bytes) -> bytes:
    return varint(index << 3 | 2) + varint(len(data)) + data


def number(index: int, amount: int) -> bytes:
    return varint(index << 3) + varint(amount)


def varint(amount: int) -> bytes:
    groups = []
    while amount > 127:
        groups.append(amount & 127 | 128)
        amount >>= 7
    return struct.pack(f"{len(groups) + 1}B", *groups, amount)
