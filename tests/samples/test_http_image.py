"""grey-image.py of samples/http-image: a picture in, a grey one on standard output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.samples.scripts import SAMPLE

pytestmark = pytest.mark.slow

GREY = SAMPLE.parent / "http-image" / "grey-image.py"
MAGIC = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG", "webp": b"RIFF"}


def asked(picture: Path | None, **parameters: str) -> subprocess.CompletedProcess[bytes]:
    """Run the script as for a request with this body and these query parameters."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"}
    environment |= {f"CONT_VAR_{name}": value for name, value in parameters.items()}
    if picture:
        environment["INPUT_FILE_PATH"] = str(picture)
    return subprocess.run([GREY], env=environment, capture_output=True, timeout=50, check=False)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A red square."""
    path = tmp_path / "body"
    path.write_bytes(cv2.imencode(".png", np.full((8, 12, 3), (0, 0, 255), np.uint8))[1].tobytes())
    return path


@pytest.mark.parametrize("form", MAGIC)
def test_a_picture_comes_back_grey_in_the_format_asked_for(picture: Path, form: str) -> None:
    done = asked(picture, format=form)

    assert done.stdout.startswith(MAGIC[form])
    assert done.stderr == b"", "standard error would be in the answer, too"
    grey: Any = cv2.imdecode(np.frombuffer(done.stdout, np.uint8), cv2.IMREAD_COLOR)
    assert grey.shape == (8, 12, 3)
    assert np.abs(grey.astype(int) - 76).max() <= 3, "a third of what red gives"


def test_jpeg_is_what_nobody_asks_for(picture: Path) -> None:
    assert asked(picture).stdout.startswith(MAGIC["jpg"])


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_what_is_no_picture_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "body").write_bytes(content)

    done = asked(tmp_path / "body")
    assert done.returncode == 1
    assert b"the body is not a picture that OpenCV can read" in done.stderr
    assert done.stdout == b""


def test_a_request_without_a_body_is_told(picture: Path) -> None:
    assert b"not a picture" in asked(None).stderr


def test_a_format_that_is_not_known_is_told(picture: Path) -> None:
    done = asked(picture, format="tiff")

    assert done.returncode == 1
    assert b"format must be one of jpg, png, webp" in done.stderr
