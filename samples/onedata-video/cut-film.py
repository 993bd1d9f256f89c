#!/usr/bin/env python3
"""Makes a video shorter and smaller: at most SECONDS long and HEIGHT pixels high; one that is both already stays so."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np

RATE = 25.0  # of videos that do not say theirs
LOOKED_AT = 100  # frames whose times tell the rate


def main() -> None:
    source = Path(os.environ["INPUT_FILE_PATH"])
    target = Path(os.environ["TMP_OUTPUT_DIR"]) / f"{source.stem}.avi"
    height, seconds = number("HEIGHT", 720), number("SECONDS", 60)
    rate = rate_of(source)
    frames = cut(cv2.VideoCapture(str(source)), target, rate, height, most=round(rate * seconds))
    if not frames:
        fail(f"{source.name}: not a video that OpenCV can read")
    print(f"{target.name}: {frames} frames, {frames / rate:.1f} s")


def rate_of(source: Path) -> float:
    """Return frames a second by the times of the first ones: the headers of some files claim twice as many."""
    video = cv2.VideoCapture(str(source))
    times: list[float] = []
    while len(times) < LOOKED_AT and video.grab():
        times.append(video.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    passed = max(times) - times[0] if times else 0.0
    rate = (len(times) - 1) / passed if passed > 0 else video.get(cv2.CAP_PROP_FPS)
    return rate if 1 <= rate <= 240 else RATE


def cut(video: cv2.VideoCapture, target: Path, rate: float, height: int, most: int) -> int:
    """Write the first frames, made smaller where they are larger; return how many."""
    writer, written = None, 0
    while written < most:
        there, picture = video.read()
        if not there:
            break
        picture = smaller(picture, height)
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = cv2.VideoWriter(str(target), cv2.VideoWriter_fourcc(*"MJPG"), rate, size)
        writer.write(picture)
        written += 1
    if writer is not None:
        writer.release()
    return written


def smaller(picture: np.ndarray, height: int) -> np.ndarray:
    """Return the picture, no higher than that; its width stays even, as many players want it."""
    if picture.shape[0] <= height:
        return picture
    width = max(2, round(picture.shape[1] * height / picture.shape[0] / 2) * 2)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def number(name: str, otherwise: int) -> int:
    """Return a positive whole number of the environment."""
    text = os.environ.get(name, str(otherwise))
    if not text.isdecimal() or not int(text):
        fail(f"{name} must be a positive whole number, not {text!r}")
    return int(text)


def fail(reason: str) -> NoReturn:
    sys.exit(f"cut-film: {reason}")


if __name__ == "__main__":
    main()
