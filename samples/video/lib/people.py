"""Finds people in a picture; shared by detect-people.py and annotate-video.py.

OpenCV's own HOG detector needs no model and runs on the CPU. A model of the YOLO family (an ONNX file) takes its
place when one is named: ONNX Runtime runs it, on an NVIDIA GPU where it finds one; without ONNX Runtime, OpenCV.

A detector works on one thread, so that it makes no difference who made it. Who has more looks at several pictures
side by side: `THREADS` says how many this container is given.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Protocol

CGROUP = Path("/sys/fs/cgroup")


def threads() -> int:
    """Return how many threads are worth it: OMP_NUM_THREADS, but no more than this container gets processors."""
    known = [processors(), quota()]
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if asked.isdecimal():
        known.append(int(asked))
    return max(1, int(min(known)))


def processors() -> int:
    """Return how many processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quota(cgroup: Path = CGROUP) -> float:
    """Return how many processors the container's control group allows; infinitely many without a limit.

    On the EC2 machines of AWS Batch vCPUs are a share and no limit: there only OMP_NUM_THREADS can tell.
    """
    try:
        limit, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit, period = ((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        except OSError:
            return float("inf")
    return float("inf") if limit.strip() in {"max", "-1"} else int(limit) / int(period)


THREADS = threads()
# OpenMP and BLAS look at it once, when the libraries below are loaded.
os.environ["OMP_NUM_THREADS"] = str(THREADS)

import cv2  # noqa: E402
import numpy as np  # noqa: E402

cv2.setNumThreads(1)

OVERLAP = 0.45  # of two boxes that are the same person
LEAST = 0.35  # how sure a model must be
SIZE = 640  # of the square that a model looks at, unless the model says otherwise
PERSON = 0  # class of a person in the COCO list, which YOLO models are trained on
GREEN = (0, 200, 0)


class DetectorError(Exception):
    """The detector that was asked for cannot be used."""


class Detector(Protocol):
    """Finds people; may be used from several threads."""

    name: str
    runs_on: str

    def find(self, picture: np.ndarray) -> list[dict]:
        """Return a box with a score for each person, from left to right."""


def detector(model: str = "") -> Detector:
    """Return the detector for a model's file (a relative name is looked for beside this module), or HOG without one."""
    if not model:
        return Hog()
    path = Path(__file__).parent / model
    if not path.is_file():
        raise DetectorError(f"YOLO_MODEL: there is no file {path}")
    try:
        import onnxruntime
    except ImportError:
        return OpenCvModel(path)
    return OnnxModel(path, onnxruntime)


class Hog:
    """OpenCV's histograms of oriented gradients: people by their outlines, from about 100 pixels of height."""

    name = "hog"
    runs_on = "CPU, by OpenCV"

    def __init__(self) -> None:
        self._descriptor = cv2.HOGDescriptor()
        self._descriptor.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())

    def find(self, picture: np.ndarray) -> list[dict]:
        boxes, scores = self._descriptor.detectMultiScale(
            picture, hitThreshold=0.1, winStride=(8, 8), padding=(8, 8), scale=1.05
        )
        return distinct([list(map(int, box)) for box in boxes], [float(score) for score in np.ravel(scores)])


class OpenCvModel:
    """A YOLO model that OpenCV runs; a network of OpenCV serves one thread, so each thread gets its own."""

    name = "yolo"
    runs_on = "CPU, by OpenCV: there is no ONNX Runtime here"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = threading.local()
        self._network()

    def _network(self) -> Any:
        if not hasattr(self._own, "network"):
            try:
                self._own.network = cv2.dnn.readNetFromONNX(str(self._path))
            except cv2.error as error:
                reason = f"not a model that OpenCV can read ({error.err or error})"
                raise DetectorError(f"YOLO_MODEL: {self._path}: {reason}") from error
        return self._own.network

    def find(self, picture: np.ndarray) -> list[dict]:
        square, ratio = fitted(picture, SIZE)
        network = self._network()
        network.setInput(cv2.dnn.blobFromImage(square, 1 / 255, swapRB=True))
        return people(network.forward(), ratio)


class OnnxModel:
    """A YOLO model that ONNX Runtime runs: on an NVIDIA GPU when its CUDA provider starts, else on the CPU."""

    name = "yolo"

    def __init__(self, path: Path, onnxruntime: Any) -> None:
        cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
        if cuda and hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # CUDA may come with Python's packages instead of the image
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        providers = ["CUDAExecutionProvider", "CPUExecutionProvider"][not cuda :]
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers)
        except Exception as error:  # its errors have no class of their own in common
            raise DetectorError(f"YOLO_MODEL: {path}: not a model that ONNX Runtime can run ({error})") from error
        self._input = self._session.get_inputs()[0]
        side = self._input.shape[-1]
        self._size = side if isinstance(side, int) else SIZE
        self.runs_on = self._place(onnxruntime, cuda)

    def _place(self, onnxruntime: Any, cuda: bool) -> str:
        by = f"by ONNX Runtime {onnxruntime.__version__}"
        if self._session.get_providers()[0] == "CUDAExecutionProvider":
            return f"GPU (CUDA), {by}"
        return f"CPU, {by}" + (": its CUDA provider did not start" if cuda else "")

    def find(self, picture: np.ndarray) -> list[dict]:
        square, ratio = fitted(picture, self._size)
        blob = cv2.dnn.blobFromImage(square, 1 / 255, swapRB=True)
        if self._input.type == "tensor(float16)":
            blob = blob.astype(np.float16)
        return people(self._session.run(None, {self._input.name: blob})[0].astype(np.float32), ratio)


def fitted(picture: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    """Return the picture in the corner of a grey square, and the ratio of its new size."""
    ratio = size / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=ratio, fy=ratio)
    square = np.full((size, size, 3), 114, np.uint8)
    square[: small.shape[0], : small.shape[1]] = small
    return square, ratio


def people(answer: np.ndarray, ratio: float) -> list[dict]:
    """Read a model's answer: of version 5 (boxes, objectness, classes) or of 8 and later (boxes, classes)."""
    rows = np.squeeze(answer, 0)
    if rows.shape[0] < rows.shape[1]:
        rows = rows.T
        scores = rows[:, 4 + PERSON]
    else:
        scores = rows[:, 4] * rows[:, 5 + PERSON]
    sure = scores >= LEAST
    corner = rows[sure, :2] - rows[sure, 2:4] / 2
    boxes = np.hstack([corner, rows[sure, 2:4]]) / ratio
    return distinct([list(map(int, box)) for box in boxes], [float(score) for score in scores[sure]])


def distinct(boxes: list[list[int]], scores: list[float]) -> list[dict]:
    """Keep the best of boxes that overlap, from left to right."""
    kept = cv2.dnn.NMSBoxes(boxes, scores, 0.0, OVERLAP)
    names = ("x", "y", "width", "height")
    found = [
        {**dict(zip(names, boxes[index])), "score": round(scores[index], 3)}  # noqa: B905 (for Python before 3.10)
        for index in map(int, np.ravel(kept))
    ]
    return sorted(found, key=lambda person: person["x"])


def draw(picture: np.ndarray, person: dict) -> None:
    """Draw a person's box and score."""
    x, y = person["x"], person["y"]
    cv2.rectangle(picture, (x, y), (x + person["width"], y + person["height"]), GREEN, 2)
    write(picture, f"{person['score']:.2f}", (x, max(12, y - 4)), 0.45, GREEN)


def write(
    picture: np.ndarray, text: str, place: tuple[int, int], size: float, colour: tuple[int, int, int]
) -> None:
    """Write a line of text."""
    thickness = max(1, round(2 * size))
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, thickness, cv2.LINE_AA)
