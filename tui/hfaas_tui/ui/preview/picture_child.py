"""The program that decodes pictures and frames of videos for the preview, in a process of its own.

Decoders are written in C and files come from anywhere: one that crashes, hangs, fills the memory or complains on
standard error does so here. A request is a line of JSON, the answer another one and, when it says so, the pixels.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

MOST_PIXELS = 50_000_000
MOST_MEMORY = 4 << 30


def main() -> None:
    """Answer requests until nobody asks any more."""
    _limit()
    answers = os.fdopen(os.dup(1), "wb")
    for line in sys.stdin.buffer:
        head, pixels = _answer(json.loads(line))
        answers.write(json.dumps({**head, "bytes": len(pixels)}).encode() + b"\n" + pixels)
        answers.flush()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for kind, most in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_NOFILE, 64)):
        hard = resource.getrlimit(kind)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (soft, hard))


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        import cv2
    except ImportError as error:
        return {"missing": str(error)}, b""
    cv2.setNumThreads(1)
    try:
        read = _frame if request["kind"] == "video" else _image
        head, pixels = read(request)
        if pixels is None:
            return head, b""
        return {**head, **_fitted(pixels, request, head)}, head.pop("pixels")
    except (cv2.error, MemoryError, OSError, ValueError) as error:
        return {"error": str(error).strip().splitlines()[-1][:200] if str(error) else type(error).__name__}, b""


def _image(request: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    import cv2
    import numpy as np

    data = np.fromfile(request["path"], dtype=np.uint8)
    # A fraction of a large picture is decoded in a fraction of the time, and more than there are cells
    room = max(request["columns"], 2 * request["rows"], 1)
    smaller = max(request["width"], request["height"]) // (2 * room)
    flag = (
        cv2.IMREAD_REDUCED_COLOR_8
        if smaller >= 8
        else cv2.IMREAD_REDUCED_COLOR_4
        if smaller >= 4
        else cv2.IMREAD_REDUCED_COLOR_2
        if smaller >= 2
        else cv2.IMREAD_COLOR
    )
    pixels = cv2.imdecode(data, flag)
    return ({}, pixels) if pixels is not None else ({"error": "it cannot be decoded"}, None)


def _frame(request: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    import cv2

    film = cv2.VideoCapture(request["path"], cv2.CAP_FFMPEG)
    try:
        if not film.isOpened():
            return {"error": "it cannot be opened as a video"}, None
        wide, high = film.get(cv2.CAP_PROP_FRAME_WIDTH), film.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if wide * high > MOST_PIXELS:
            return {"error": f"its frames have {wide * high / 1e6:.0f} million pixels, more than 50"}, None
        frames = _count(film.get(cv2.CAP_PROP_FRAME_COUNT))
        rate = film.get(cv2.CAP_PROP_FPS)
        head = {
            "width": int(wide),
            "height": int(high),
            "frames": frames,
            "fps": rate if 0 < rate < 1000 else 0,
        }
        return _read_at(film, round(request["at"] * max(0, frames - 1)), head)
    finally:
        film.release()


def _read_at(film: Any, number: int, head: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Read the frame of a number, or the first one where it cannot be reached."""
    import cv2

    for at in dict.fromkeys((number, max(0, number - 2), 0)):  # headers count frames that are not there
        film.set(cv2.CAP_PROP_POS_FRAMES, at)
        is_read, pixels = film.read()
        if is_read and pixels is not None:
            return {**head, "frame": at}, pixels
    return {"error": "no frame of it can be decoded"}, None


def _count(frames: float) -> int:
    return int(frames) if 0 < frames < 1e8 else 1


def _fitted(pixels: Any, request: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
    """Shrink a picture to the cells there are, two pixels in each, one above the other."""
    import cv2

    high, wide = pixels.shape[:2]
    scale = min(request["columns"] / wide, 2 * request["rows"] / high, 1.0 if max(wide, high) > 64 else 8.0)
    size = (max(1, int(wide * scale)), max(1, int(high * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    head["pixels"] = cv2.cvtColor(small, cv2.COLOR_BGR2RGB).tobytes()
    return {"columns": size[0], "lines": size[1]}


if __name__ == "__main__":
    main()
