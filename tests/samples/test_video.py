"""The scripts of samples/video, run as the supervisor runs them: a program, two variables, an exit code."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.samples.scripts import PEDESTRIANS, SAMPLE, onnx, run, version_5, version_8

pytestmark = pytest.mark.slow


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


def test_the_detector_finds_people_in_nine_of_ten_frames(frames: list[Path], people: Any) -> None:
    detector = people.detector()
    found = [len(detector.find(cv2.imread(str(frame)))) for frame in frames[::2]]
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
def test_real_pedestrians_are_found(people: Any) -> None:
    detector = people.detector()
    video = cv2.VideoCapture(str(PEDESTRIANS))
    found = []
    for number in range(121):
        assert video.grab()
        if number % 60 == 0:
            found.append(len(detector.find(video.retrieve()[1])))
    assert all(count >= 13 for count in found)
