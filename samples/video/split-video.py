#!/usr/bin/env python3
"""Cuts a video into pictures; EVERY=n takes each n-th frame only."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2


def main() -> None:
    source = Path(os.environ["INPUT_FILE_PATH"])
    target = Path(os.environ["TMP_OUTPUT_DIR"])
    every = os.environ.get("EVERY", "1")
    if not every.isdecimal() or int(every) < 1:
        sys.exit(f"split-video: EVERY must be a number from 1, not {every!r}")
    written = split(source, target, int(every))
    if not written:
        sys.exit(f"split-video: {source.name}: not a video that OpenCV can read")
    print(f"{source.name}: {written} pictures")


def split(source: Path, target: Path, every: int) -> int:
    """Write the pictures, numbered as the frames are; return how many."""
    video = cv2.VideoCapture(str(source))
    written = number = 0
    while video.grab():
        if number % every == 0:
            ok, picture = video.retrieve()
            name = target / f"{source.stem}-{number:05d}.jpg"
            if not ok or not cv2.imwrite(str(name), picture, [cv2.IMWRITE_JPEG_QUALITY, 90]):
                sys.exit(f"split-video: {source.name}: frame {number} cannot be written")
            written += 1
        number += 1
    return written


if __name__ == "__main__":
    main()
