#!/usr/bin/env python3
"""Finds people in one picture; writes the picture with boxes, and what was found as JSON.

OpenCV's own HOG detector does it without a model. YOLO_MODEL names an ONNX file of the YOLO family to use instead.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np

OVERLAP = 0.45  # of two boxes that are the same person
PERSON = 0  # class of a person in the COCO list, which YOLO models are trained on


def main() -> None:
    source = Path(os.environ["INPUT_FILE_PATH"])
    target = Path(os.environ["TMP_OUTPUT_DIR"])
    model = os.environ.get("YOLO_MODEL", "")
    cv2.setNumThreads(1)  # many functions work side by side
    picture = read(source)
    began = time.perf_counter()
    found = yolo(picture, model) if model else hog(picture)
    milliseconds = round(1000 * (time.perf_counter() - began), 1)
    for person in found:
        draw(picture, person)
    report = {
        "frame": source.name,
        "count": len(found),
        "boxes": found,
        "detector": "yolo" if model else "hog",
        "milliseconds": milliseconds,
    }
    (target / f"{source.stem}.json").write_text(json.dumps(report, indent=1) + "\n")
    if not cv2.imwrite(str(target / f"{source.stem}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90]):
        fail(f"{source.name}: the annotated picture cannot be written")
    print(f"{source.name}: {len(found)} people in {milliseconds} ms")


def read(source: Path) -> np.ndarray:
    """Read a picture; OpenCV alone would fill the rest of a JPEG that breaks off with grey."""
    data = source.read_bytes()
    if data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-64:]:
        fail(f"{source.name}: the JPEG breaks off after {len(data)} bytes")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        fail(f"{source.name}: not a picture that OpenCV can read ({len(data)} bytes)")
    return picture


def hog(picture: np.ndarray) -> list[dict]:
    """Find people by their outlines; from about 100 pixels of height."""
    detector = cv2.HOGDescriptor()
    detector.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    boxes, scores = detector.detectMultiScale(
        picture, hitThreshold=0.1, winStride=(8, 8), padding=(8, 8), scale=1.05
    )
    return distinct([list(map(int, box)) for box in boxes], [float(score) for score in np.ravel(scores)])


def yolo(picture: np.ndarray, model: str, size: int = 640, least: float = 0.35) -> list[dict]:
    """Find people with a YOLO model: version 5 (boxes, objectness, classes) or 8 and later (boxes, classes)."""
    if not Path(model).is_file():
        fail(f"YOLO_MODEL: there is no file {model}")
    try:
        network = cv2.dnn.readNetFromONNX(model)
    except cv2.error as error:
        fail(f"YOLO_MODEL: {model}: not a model that OpenCV can read ({error.err or error})")
    ratio = size / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=ratio, fy=ratio)
    square = np.full((size, size, 3), 114, np.uint8)
    square[: small.shape[0], : small.shape[1]] = small
    network.setInput(cv2.dnn.blobFromImage(square, 1 / 255, swapRB=True))
    rows = np.squeeze(network.forward(), 0)
    if rows.shape[0] < rows.shape[1]:
        rows = rows.T
        scores = rows[:, 4 + PERSON]
    else:
        scores = rows[:, 4] * rows[:, 5 + PERSON]
    sure = scores >= least
    corner = rows[sure, :2] - rows[sure, 2:4] / 2
    boxes = np.hstack([corner, rows[sure, 2:4]]) / ratio
    return distinct([list(map(int, box)) for box in boxes], [float(score) for score in scores[sure]])


def distinct(boxes: list[list[int]], scores: list[float]) -> list[dict]:
    """Keep the best of boxes that overlap, from left to right."""
    kept = cv2.dnn.NMSBoxes(boxes, scores, 0.0, OVERLAP)
    names = ("x", "y", "width", "height")
    people = [
        {**dict(zip(names, boxes[index], strict=True)), "score": round(scores[index], 3)}
        for index in map(int, np.ravel(kept))
    ]
    return sorted(people, key=lambda person: person["x"])


def draw(picture: np.ndarray, person: dict) -> None:
    x, y = person["x"], person["y"]
    cv2.rectangle(picture, (x, y), (x + person["width"], y + person["height"]), (0, 200, 0), 2)
    cv2.putText(
        picture,
        f"{person['score']:.2f}",
        (x, max(12, y - 4)),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.45,
        (0, 200, 0),
        1,
        cv2.LINE_AA,
    )


def fail(reason: str) -> None:
    sys.exit(f"detect-people: {reason}")


if __name__ == "__main__":
    main()
