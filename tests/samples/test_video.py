"""The scripts of samples/video, run as the supervisor runs them: a program, two variables, an exit code."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

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


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    subprocess.run([sys.executable, SAMPLE / "clip.py", path], check=True)
    return path


@pytest.fixture(scope="module")
def frames(clip: Path) -> list[Path]:
    target = clip.parent / "frames"
    assert run("split-video.py", clip, target).returncode == 0
    return sorted(target.iterdir())


def test_the_clip_is_the_same_every_time(clip: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.avi"
    subprocess.run([sys.executable, SAMPLE / "clip.py", again], check=True)
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(clip.read_bytes()).digest()


def test_splitting_yields_each_frame_as_a_picture(frames: list[Path]) -> None:
    assert [frame.name for frame in frames] == [f"clip-{number:05d}.jpg" for number in range(40)]


def test_every_takes_each_nth_frame_only(clip: Path, tmp_path: Path) -> None:
    run("split-video.py", clip, tmp_path / "out", EVERY="15")
    names = [frame.name for frame in sorted((tmp_path / "out").iterdir())]
    assert names == ["clip-00000.jpg", "clip-00015.jpg", "clip-00030.jpg"]


@pytest.mark.parametrize("every", ["0", "-1", "often"])
def test_a_wrong_every_is_refused(clip: Path, tmp_path: Path, every: str) -> None:
    done = run("split-video.py", clip, tmp_path / "out", EVERY=every)
    assert (done.returncode, done.stderr) == (1, f"split-video: EVERY must be a number from 1, not {every!r}\n")


def test_what_is_not_a_video_is_refused_by_name(tmp_path: Path) -> None:
    source = tmp_path / "notes.avi"
    source.write_text("not a video")
    done = run("split-video.py", source, tmp_path / "out")
    assert done.returncode == 1
    assert "split-video: notes.avi: not a video that OpenCV can read" in done.stderr


def test_the_detector_finds_people_in_nine_of_ten_frames(frames: list[Path]) -> None:
    detect = loaded("detect-people.py")
    found = [len(detect.hog(detect.read(frame))) for frame in frames[::2]]
    assert sum(count >= 1 for count in found) >= 0.9 * len(found)
    assert np.median(found) == 3


def test_detection_writes_a_picture_and_a_report(frames: list[Path], tmp_path: Path) -> None:
    done = run("detect-people.py", frames[0], tmp_path / "out")
    report = json.loads((tmp_path / "out" / "clip-00000.json").read_text())
    picture = cv2.imread(str(tmp_path / "out" / "clip-00000.jpg"))
    assert (done.returncode, report["frame"], report["count"], report["detector"]) == (
        0,
        "clip-00000.jpg",
        3,
        "hog",
    )
    assert len(report["boxes"]) == 3
    assert all(box["height"] > 150 and box["score"] > 1 for box in report["boxes"])
    assert picture is not None
    assert picture.shape == (360, 640, 3)


def test_a_picture_without_people_counts_none(tmp_path: Path) -> None:
    source = tmp_path / "grey.jpg"
    cv2.imwrite(str(source), np.full((360, 640, 3), 128, np.uint8))
    assert run("detect-people.py", source, tmp_path / "out").returncode == 0
    assert json.loads((tmp_path / "out" / "grey.json").read_text())["count"] == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a picture that OpenCV can read (0 bytes)"),
        (b"not a picture", "not a picture that OpenCV can read (13 bytes)"),
        (b"\xff\xd8" + bytes(100), "the JPEG breaks off after 102 bytes"),
    ],
)
def test_a_corrupt_picture_fails_and_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    source = tmp_path / "frame-7.jpg"
    source.write_bytes(content)
    done = run("detect-people.py", source, tmp_path / "out")
    assert (done.returncode, done.stderr) == (1, f"detect-people: frame-7.jpg: {reason}\n")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_picture_that_breaks_off_fails(frames: list[Path], tmp_path: Path) -> None:
    source = tmp_path / "half.jpg"
    source.write_bytes(frames[0].read_bytes()[:5000])
    assert run("detect-people.py", source, tmp_path / "out").returncode == 1


FOUND = [(320, 180, 100, 200, 0.9), (322, 182, 100, 200, 0.8), (100, 100, 50, 50, 0.1)]


def version_5() -> np.ndarray:
    """Return one row for each box: place, objectness, two classes."""
    return np.array([(*place, 1.0, score, 0.0) for *place, score in FOUND] * 3, np.float32)


def version_8() -> np.ndarray:
    """Return one column for each box: place, two classes."""
    return np.array([(*place, score, 0.0) for *place, score in FOUND] * 3, np.float32).T


@pytest.mark.parametrize("answer", [version_5, version_8])
def test_a_model_given_by_environment_is_used_instead(
    frames: list[Path], tmp_path: Path, answer: Callable[[], np.ndarray]
) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(onnx(answer()))
    done = run("detect-people.py", frames[0], tmp_path / "out", YOLO_MODEL=str(model))
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "clip-00000.json").read_text())
    assert report["detector"] == "yolo"
    assert report["boxes"] == [{"x": 270, "y": 80, "width": 100, "height": 200, "score": 0.9}]


def test_a_missing_model_is_named(frames: list[Path], tmp_path: Path) -> None:
    done = run("detect-people.py", frames[0], tmp_path / "out", YOLO_MODEL="/nowhere.onnx")
    assert (done.returncode, done.stderr) == (1, "detect-people: YOLO_MODEL: there is no file /nowhere.onnx\n")


@pytest.mark.skipif(not PEDESTRIANS.exists(), reason="the real footage is not on this machine")
def test_real_pedestrians_are_found() -> None:
    detect = loaded("detect-people.py")
    video = cv2.VideoCapture(str(PEDESTRIANS))
    found = []
    for number in range(121):
        assert video.grab()
        if number % 60 == 0:
            found.append(len(detect.hog(video.retrieve()[1])))
    assert all(count >= 13 for count in found)


def loaded(script: str) -> Any:
    specification = importlib.util.spec_from_file_location(Path(script).stem, SAMPLE / script)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


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
