#!/usr/bin/env python3
"""Finds people in one picture; writes the picture with boxes, and what was found as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, os.environ.get("EXTRA_PAYLOAD") or str(Path(__file__).with_name("lib")))

import people  # first, because it says how many threads the libraries below may have

# isort: split
import cv2
import numpy as np


def main() -> None:
    source = Path(os.environ["INPUT_FILE_PATH"])
    target = Path(os.environ["TMP_OUTPUT_DIR"])
    picture = read(source)
    try:
        detector = people.detector(os.environ.get("YOLO_MODEL", ""))
    except people.DetectorError as error:
        fail(str(error))
    began = time.perf_counter()
    found = detector.find(picture)
    milliseconds = round(1000 * (time.perf_counter() - began), 1)
    for person in found:
        people.draw(picture, person)
    report = {
        "frame": source.name,
        "count": len(found),
        "boxes": found,
        "detector": detector.name,
        "milliseconds": milliseconds,
    }
    (target / f"{source.stem}.json").write_text(json.dumps(report, indent=1) + "\n")
    if not cv2.imwrite(str(target / f"{source.stem}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90]):
        fail(f"{source.name}: the annotated picture cannot be written")
    print(f"{source.name}: {len(found)} people in {milliseconds} ms ({detector.name} on {detector.runs_on})")


def read(source: Path) -> np.ndarray:
    """Read a picture; OpenCV alone would fill the rest of a JPEG that breaks off with grey."""
    data = source.read_bytes()
    if data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-64:]:
        fail(f"{source.name}: the JPEG breaks off after {len(data)} bytes")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        fail(f"{source.name}: not a picture that OpenCV can read ({len(data)} bytes)")
    return picture


def fail(reason: str) -> NoReturn:
    sys.exit(f"detect-people: {reason}")


if __name__ == "__main__":
    main()
