#!/usr/bin/env python3
"""Draws a short clip of walking people that OpenCV's people detector finds: python3 clip.py OUT.avi [FRAMES]

The same clip every time, without a camera, a network or a random number.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, RATE, FRAMES = 640, 360, 10, 40

WALKERS = (
    # height in pixels, x at the start, pixels per frame, y of the feet, coat, trousers (blue, green, red)
    (210, 110, 3.0, 330, (60, 40, 35), (45, 40, 40)),
    (190, 520, -3.5, 315, (35, 35, 90), (60, 45, 30)),
    (225, 300, 1.5, 345, (45, 75, 40), (35, 35, 50)),
)


def frame(number: int) -> np.ndarray:
    """Draw one picture: the far walkers first, so that the near ones cover them."""
    picture = street()
    for height, start, speed, feet, coat, trousers in sorted(WALKERS, key=lambda walker: walker[3]):
        walker(picture, height, start + speed * number, feet, 0.45 * number + start, coat, trousers)
    return cv2.GaussianBlur(picture, (3, 3), 0)


def street() -> np.ndarray:
    """Draw a bright wall above a pavement."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:] = np.linspace(215, 190, HEIGHT, dtype=np.uint8)[:, None, None]
    picture[HEIGHT * 3 // 4 :] = (165, 170, 172)
    return picture


def walker(
    picture: np.ndarray, height: int, x: float, feet: int, phase: float, coat: tuple, trousers: tuple
) -> None:
    """Draw a figure of head, shoulders, trunk, arms and legs in the proportions of a grown person."""
    unit = height / 8  # a head

    def at(right: float, up: float) -> tuple[int, int]:
        return round(x + right * unit), round(feet - up * unit)

    def limb(start: tuple[float, float], end: tuple[float, float], width: float, colour: tuple) -> None:
        cv2.line(picture, at(*start), at(*end), colour, max(2, round(width * unit)), cv2.LINE_AA)

    swing = math.sin(phase)
    skin = (140, 165, 205)
    for side in (-1, 1):
        step = 0.55 * swing * side
        limb((0.33 * side, 4.0), (0.38 * side + step * 0.5, 2.1), 0.75, trousers)
        limb((0.38 * side + step * 0.5, 2.1), (0.38 * side + step, 0.25), 0.55, trousers)
        limb((0.38 * side + step, 0.12), (0.5 * side + step, 0.1), 0.3, (30, 30, 30))
        limb((0.85 * side, 6.3), (0.98 * side - step * 0.4, 4.9), 0.5, coat)
        limb((0.98 * side - step * 0.4, 4.9), (0.95 * side - step * 0.7, 3.8), 0.4, coat)
    trunk = [at(-0.95, 6.45), at(-0.5, 6.75), at(0.5, 6.75), at(0.95, 6.45), at(0.72, 3.9), at(-0.72, 3.9)]
    cv2.fillPoly(picture, [np.array(trunk)], coat, cv2.LINE_AA)
    limb((0, 6.6), (0, 7.1), 0.4, skin)
    cv2.ellipse(picture, at(0, 7.4), (round(0.4 * unit), round(0.53 * unit)), 0, 0, 360, skin, -1, cv2.LINE_AA)
    cv2.ellipse(picture, at(0, 7.55), (round(0.42 * unit), round(0.42 * unit)), 0, 180, 360, (30, 35, 45), -1)


def write(path: Path, frames: int = FRAMES) -> None:
    """Write the clip as Motion JPEG, which every OpenCV can read and write."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), RATE, (WIDTH, HEIGHT))
    if not writer.isOpened():
        sys.exit(f"clip: {path}: cannot be written")
    for number in range(frames):
        writer.write(frame(number))
    writer.release()


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit("usage: clip.py OUT.avi [FRAMES]")
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else FRAMES)
