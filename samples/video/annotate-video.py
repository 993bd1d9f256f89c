#!/usr/bin/env python3
"""Finds people in a whole video; writes the video with boxes and counts, and a summary as JSON.

Frames go through like water: a few are in memory at a time, however long the video is. As many are looked at side by
side as the container has processors.
"""

from __future__ import annotations

import json
import os
import sys
import time
from array import array
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, os.environ.get("EXTRA_PAYLOAD") or str(Path(__file__).with_name("lib")))

import people  # first, because it says how many threads the libraries below may have

# isort: split
import cv2
import numpy as np

AHEAD = 2  # frames in memory for each thread
TELL_S = 5.0
WHOLE = 0.9  # of the promised length; some formats only estimate it
RATE = 25.0  # of videos that do not say theirs
FORMATS = (("mp4v", ".mp4"), ("MJPG", ".avi"))  # the second needs no library at all


def main() -> None:
    source = Path(os.environ["INPUT_FILE_PATH"])
    target = Path(os.environ["TMP_OUTPUT_DIR"])
    film = Film(source)
    try:
        detector = people.detector(os.environ.get("YOLO_MODEL", ""))
    except people.DetectorError as error:
        fail(str(error))
    print(f"{source.name}: {detector.name} on {detector.runs_on}; threads: {people.THREADS}", flush=True)
    began = time.monotonic()
    counts, annotated = annotate(film, detector, target)
    report = summary(film, annotated, counts)
    report |= {"detector": detector.name, "runs_on": detector.runs_on, "threads": people.THREADS}
    report["seconds"] = round(time.monotonic() - began, 2)
    (target / f"{source.stem}-people.json").write_text(json.dumps(report) + "\n")
    print(
        f"{annotated.name}: {len(counts)} frames in {report['seconds']} s, at most {report['most']} people at once"
    )


class Film:
    """A video that is read, and what its timestamps say.

    How many frames there are and how many a second is wrong in some files, where both count fields; the length in
    seconds is right all the same, and so is the time of each frame.
    """

    def __init__(self, source: Path) -> None:
        self.name, self.stem = source.name, source.stem
        self._video = cv2.VideoCapture(str(source))
        if not self._video.isOpened():
            fail(f"{self.name}: not a video that OpenCV can read")
        rate = self._video.get(cv2.CAP_PROP_FPS)
        self._said = rate if 1 <= rate <= 240 else RATE
        self.seconds = max(0.0, self._video.get(cv2.CAP_PROP_FRAME_COUNT) / self._said)
        self._read, self._first, self._last = 0, 0.0, 0.0

    def frame(self) -> np.ndarray | None:
        """Return the next frame, or None at the end."""
        there, picture = self._video.read()
        if not there:
            return None
        now = self._video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._first = self._first if self._read else now
        self._last = max(self._last, now)  # the last frame of some files has none
        self._read += 1
        return picture

    @property
    def rate(self) -> float:
        """Frames a second, of those that were read."""
        time_passed = self._last - self._first
        return (self._read - 1) / time_passed if time_passed > 0 else self._said

    @property
    def reached(self) -> float:
        """Seconds of the video that were read."""
        return self._read / self.rate


def annotate(film: Film, detector: people.Detector, target: Path) -> tuple[array, Path]:
    """Write the annotated video; return the number of people in each frame, and the file."""
    counts, progress = array("H"), Progress(film)
    writer, path = None, Path()
    for picture, found in seen(film, detector):
        if writer is None:
            writer, path = opened(target, film, picture)
        mark(picture, found)
        writer.write(picture)
        counts.append(len(found))
        progress.tell(len(counts), len(found))
    if writer is None:
        fail(f"{film.name}: not one frame can be read")
    writer.release()
    if film.reached < WHOLE * film.seconds:
        fail(f"{film.name}: breaks off after {film.reached:.1f} of {film.seconds:.1f} s")
    check(path, len(counts))
    return counts, path


def seen(film: Film, detector: people.Detector) -> Iterator[tuple[np.ndarray, list[dict]]]:
    """Yield each frame with the people in it, in order, while later ones are looked at."""
    waiting: deque[tuple[np.ndarray, Future]] = deque()
    with ThreadPoolExecutor(people.THREADS) as pool:
        while True:
            picture = film.frame()
            if picture is not None:
                waiting.append((picture, pool.submit(detector.find, picture)))
            if not waiting:
                return
            if picture is None or len(waiting) > AHEAD * people.THREADS:
                oldest, found = waiting.popleft()
                yield oldest, found.result()


def opened(target: Path, film: Film, picture: np.ndarray) -> tuple[cv2.VideoWriter, Path]:
    """Open the video to write, in the first format that this OpenCV can write."""
    height, width = picture.shape[:2]
    for code, suffix in FORMATS:
        path = target / f"{film.stem}-people{suffix}"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), round(film.rate, 3), (width, height))
        if writer.isOpened():
            return writer, path
        path.unlink(missing_ok=True)
    sys.exit(f"annotate-video: this OpenCV writes neither {' nor '.join(code for code, _ in FORMATS)}")


def mark(picture: np.ndarray, found: list[dict]) -> None:
    """Draw the boxes and how many they are."""
    for person in found:
        people.draw(picture, person)
    size = max(0.5, picture.shape[0] / 720)
    text = f"{len(found)} {'person' if len(found) == 1 else 'people'}"
    cv2.rectangle(picture, (0, 0), (round(190 * size), round(44 * size)), (0, 0, 0), -1)
    people.write(picture, text, (round(10 * size), round(32 * size)), size, (255, 255, 255))


def check(path: Path, frames: int) -> None:
    """Play the result: a writer that fails on the way says nothing."""
    video, played = cv2.VideoCapture(str(path)), 0
    while video.grab():
        played += 1
    if played != frames:
        fail(f"{path.name}: {played} of {frames} frames can be played back")


def summary(film: Film, annotated: Path, counts: array) -> dict:
    """Return what the JSON file says of the video and the people in it."""
    return {
        "video": film.name,
        "annotated": annotated.name,
        "frames": len(counts),
        "frames_per_second": round(film.rate, 3),
        "most": max(counts),
        "mean": round(sum(counts) / len(counts), 2),
        "frames_with_people": sum(count > 0 for count in counts),
        "counts": list(counts),
    }


class Progress:
    """Says every few seconds how far it is."""

    def __init__(self, film: Film) -> None:
        self._film = film
        self._began = self._told = time.monotonic()

    def tell(self, done: int, found: int) -> None:
        now = time.monotonic()
        if now - self._told < TELL_S:
            return
        self._told = now
        film, passed = self._film, now - self._began
        left = f", {passed * (film.seconds / film.reached - 1):.0f} s left" if film.seconds > film.reached else ""
        print(f"{film.name}: {done} frames, {done / passed:.1f} a second{left}; {found} people", flush=True)


def fail(reason: str) -> NoReturn:
    sys.exit(f"annotate-video: {reason}")


if __name__ == "__main__":
    main()
