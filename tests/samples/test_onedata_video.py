"""cut-film.py of samples/onedata-video: a film in, a smaller and shorter one out."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from tests.samples.scripts import PEDESTRIANS, SAMPLE, run

pytestmark = pytest.mark.slow

CUT = str(SAMPLE.parent / "onedata-video" / "cut-film.py")


def shape(path: Path) -> tuple[int, int, int]:
    """Return width, height and the number of frames that can be played."""
    video, frames = cv2.VideoCapture(str(path)), 0
    while video.grab():
        frames += 1
    return int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT)), frames


def test_a_film_that_is_small_and_short_keeps_its_size_and_length(clip: Path, tmp_path: Path) -> None:
    done = run(CUT, clip, tmp_path / "out")

    assert done.returncode == 0, done.stderr
    assert shape(tmp_path / "out" / "clip.avi") == shape(clip)
    assert "40 frames, 4.0 s" in done.stdout


def test_a_large_and_long_film_is_made_smaller_and_shorter(clip: Path, tmp_path: Path) -> None:
    assert run(CUT, clip, tmp_path / "out", HEIGHT="120", SECONDS="2").returncode == 0
    assert shape(tmp_path / "out" / "clip.avi") == (214, 120, 20), "the width is even"


def test_what_is_no_video_fails_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "x.avi").write_text("no video")

    done = run(CUT, tmp_path / "x.avi", tmp_path / "out")
    assert done.returncode == 1
    assert "x.avi: not a video that OpenCV can read" in done.stderr
    assert not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize("value", ["0", "-1", "many", ""])
def test_a_length_that_is_none_is_refused(clip: Path, tmp_path: Path, value: str) -> None:
    done = run(CUT, clip, tmp_path / "out", SECONDS=value)

    assert done.returncode == 1
    assert "SECONDS must be a positive whole number" in done.stderr


@pytest.mark.skipif(not PEDESTRIANS.exists(), reason="the real footage is not on this machine")
def test_a_film_whose_header_claims_twice_its_rate_keeps_its_speed(tmp_path: Path) -> None:
    assert run(CUT, PEDESTRIANS, tmp_path / "out", HEIGHT="72", SECONDS="4").returncode == 0

    rate = cv2.VideoCapture(str(tmp_path / "out" / "pedestrians.avi")).get(cv2.CAP_PROP_FPS)
    assert 24 < rate < 27
