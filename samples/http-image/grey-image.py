#!/usr/bin/env python3
"""Turns the picture of a request grey; standard output is the answer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np

FORMAT = "CONT_VAR_format"  # ?format=png of the URL
FORMATS = (".jpg", ".png", ".webp")


def main() -> None:
    sent = os.environ.get("INPUT_FILE_PATH")
    content = Path(sent).read_bytes() if sent else b""
    chosen = "." + os.environ.get(FORMAT, "jpg").lower()
    if chosen not in FORMATS:
        sys.exit(f"grey-image: format must be one of {', '.join(each[1:] for each in FORMATS)}")
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if picture is None:
        sys.exit("grey-image: the body is not a picture that OpenCV can read")
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    sys.stdout.buffer.write(cv2.imencode(chosen, grey)[1].tobytes())


if __name__ == "__main__":
    main()
