"""annotate-video.py: a whole video in, a video with boxes and a summary out."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.samples.scripts import SAMPLE, loaded, onnx, run, version_8

FRAMES = 6
MJPG = cv2.VideoWriter.fourcc(*"MJPG")


@pytest.fixture(scope="module")
def film(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of the clip, under a name with a dot."""
    path = tmp_path_factory.mktemp("film") / "first.part.avi"
    source, target = cv2.VideoCapture(str(clip)), cv2.VideoWriter(str(path), MJPG, 10, (640, 360))
    for _ in range(FRAMES):
        target.write(source.read()[1])
    target.release()
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that sees one person whatever it is shown."""
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    path.write_bytes(onnx(version_8()))
    return path


@pytest.fixture(scope="module")
def done(film: Path) -> tuple[str, Path]:
    """Run the script once; return its log and its folder."""
    target = film.parent / "out"
    process = run("annotate-video.py", film, target)
    assert process.returncode == 0, process.stderr
    return process.stdout, target


@pytest.fixture
def annotate() -> Any:
    return loaded("annotate-video.py")


def frames_of(path: Path) -> list[np.ndarray]:
    video, found = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        found.append(read[1])
    return found


def summary(target: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(target.glob("*.json")).read_text())
    return found


@pytest.mark.slow
def test_the_annotated_video_plays_back_whole(done: tuple[str, Path]) -> None:
    video = cv2.VideoCapture(str(done[1] / "first.part-people.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == 10
    assert [one.shape for one in frames_of(done[1] / "first.part-people.mp4")] == [(360, 640, 3)] * FRAMES


@pytest.mark.slow
def test_it_shows_boxes_and_the_number_of_people(done: tuple[str, Path], film: Path) -> None:
    before, after = frames_of(film)[0], frames_of(done[1] / "first.part-people.mp4")[0]
    assert before[:22, :95].mean() > 150, "a bright wall"
    assert after[:22, :95].mean() < 100, "a black sign before it"
    assert after[:22, :95].max() > 180, "with white letters"
    blue, green, red = (after[:, :, channel].astype(int) for channel in range(3))
    assert ((green - blue > 80) & (green - red > 80)).sum() > 1000, "boxes"


@pytest.mark.slow
def test_the_summary_counts_the_people_of_each_frame(done: tuple[str, Path]) -> None:
    found = summary(done[1])
    counts = found["counts"]
    assert np.median(counts) == 3
    assert (found["frames"], found["most"], found["frames_with_people"]) == (FRAMES, max(counts), FRAMES)
    assert found["mean"] == round(float(np.mean(counts)), 2)
    assert (found["video"], found["annotated"]) == ("first.part.avi", "first.part-people.mp4")
    assert found["frames_per_second"] == 10


@pytest.mark.slow
def test_the_log_says_what_finds_people_and_where(done: tuple[str, Path]) -> None:
    assert done[0].startswith("first.part.avi: hog on CPU, by OpenCV; threads: ")
    assert "first.part-people.mp4: 6 frames in " in done[0]


@pytest.mark.slow
def test_one_thread_finds_what_several_find(film: Path, tmp_path: Path, done: tuple[str, Path]) -> None:
    assert run("annotate-video.py", film, tmp_path / "out", OMP_NUM_THREADS="1").returncode == 0
    alone = summary(tmp_path / "out")
    assert alone["threads"] == 1
    assert alone["counts"] == summary(done[1])["counts"]


@pytest.mark.slow
def test_no_more_threads_than_processors(film: Path, tmp_path: Path, model: Path) -> None:
    run("annotate-video.py", film, tmp_path / "out", OMP_NUM_THREADS="999", YOLO_MODEL=str(model))
    assert summary(tmp_path / "out")["threads"] <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "processors"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, float("inf")),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, float("inf")),
        ({}, float("inf")),
    ],
    ids=["v2", "v2 without limit", "v1", "v1 without limit", "no group"],
)
def test_the_control_group_says_how_many_processors_there_are(
    people: Any, tmp_path: Path, files: dict[str, str], processors: float
) -> None:
    (tmp_path / "cpu").mkdir()
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    assert people.quota(tmp_path) == processors


@pytest.mark.slow
@pytest.mark.skipif(find_spec("onnxruntime") is not None, reason="ONNX Runtime is here")
def test_without_onnx_runtime_opencv_runs_the_model_and_says_so(film: Path, tmp_path: Path, model: Path) -> None:
    done = run("annotate-video.py", film, tmp_path / "out", YOLO_MODEL=str(model))
    assert "yolo on CPU, by OpenCV: there is no ONNX Runtime here" in done.stdout
    assert summary(tmp_path / "out")["counts"] == [1] * FRAMES


@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="ONNX Runtime is not here")
def test_onnx_runtime_runs_the_model_where_it_is(film: Path, tmp_path: Path, model: Path) -> None:
    done = run("annotate-video.py", film, tmp_path / "out", YOLO_MODEL=str(model))
    assert ", by ONNX Runtime " in done.stdout
    assert summary(tmp_path / "out")["counts"] == [1] * FRAMES


@pytest.mark.slow
def test_a_model_is_looked_for_beside_the_module(film: Path, tmp_path: Path) -> None:
    done = run("annotate-video.py", film, tmp_path / "out", YOLO_MODEL="nowhere.onnx")
    assert done.returncode == 1
    assert done.stderr == f"annotate-video: YOLO_MODEL: there is no file {SAMPLE / 'lib' / 'nowhere.onnx'}\n"


@pytest.mark.slow
def test_the_shared_module_is_found_in_the_payload(film: Path, tmp_path: Path, model: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes((SAMPLE / "annotate-video.py").read_bytes())
    script.chmod(0o755)
    payload = {"EXTRA_PAYLOAD": str(SAMPLE / "lib"), "YOLO_MODEL": str(model)}
    assert run(str(script), film, tmp_path / "out", **payload).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"not a video", b"RIFF" + bytes(3000)])
def test_what_is_not_a_video_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "notes.avi"
    source.write_bytes(content)
    done = run("annotate-video.py", source, tmp_path / "out")
    assert done.returncode == 1
    assert "annotate-video: notes.avi: not a video that OpenCV can read\n" in done.stderr


@pytest.mark.slow
def test_a_video_that_breaks_off_fails(clip: Path, tmp_path: Path, model: Path) -> None:
    source = tmp_path / "half.avi"
    source.write_bytes(clip.read_bytes()[:60_000])
    done = run("annotate-video.py", source, tmp_path / "out", YOLO_MODEL=str(model))
    assert done.returncode == 1
    assert "annotate-video: half.avi: breaks off after 0.8 of 4.0 s\n" in done.stderr
    assert not list((tmp_path / "out").glob("*.json"))


class Endless:
    """A film without an end that counts what is taken from it."""

    taken = 0

    def frame(self) -> np.ndarray:
        self.taken += 1
        return np.zeros((8, 8, 3), np.uint8)


class Nobody:
    def find(self, picture: np.ndarray) -> list[dict[str, Any]]:
        return []


def test_few_frames_are_in_memory_at_a_time(annotate: Any) -> None:
    film = Endless()
    frames = annotate.seen(film, Nobody())
    for _ in range(50):
        next(frames)
    frames.close()
    assert film.taken - 50 <= annotate.AHEAD * annotate.people.THREADS


def test_it_says_how_far_it_is(annotate: Any, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotate.TELL_S = 0
    film = annotate.Film(clip)
    progress = annotate.Progress(film)
    for _ in range(10):
        film.frame()
    progress.tell(10, 3)
    assert capsys.readouterr().out.startswith("clip.avi: 10 frames, ")


def test_a_rate_that_counts_fields_is_not_believed(annotate: Any, clip: Path) -> None:
    film = annotate.Film(clip)
    film._said, film.seconds = 20, 4.0
    while film.frame() is not None:
        pass
    assert (round(film.rate, 3), round(film.reached, 3)) == (10, 4)


@pytest.mark.docker
def test_in_a_container_the_threads_are_those_of_its_limit(base_image: str, film: Path) -> None:
    shown = "import sys; sys.path.insert(0, '/sample/lib'); import people; print(people.THREADS)"
    asked = [
        "docker",
        "run",
        "--rm",
        "--cpus",
        "1",
        "-v",
        f"{SAMPLE}:/sample:ro",
        base_image,
        "python3",
        "-c",
        shown,
    ]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "1\n"
