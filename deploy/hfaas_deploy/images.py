"""Function images: what a function is made of, and who turns it into something an engine can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Progress = Callable[[str], None]
"""Gets one line for a person whenever there is news."""


@dataclass(frozen=True, slots=True)
class FunctionSource:
    """What a function is made of: one of image, image_file (a `docker save` archive) and build_dir, and what goes in.

    `architecture` is AWS's word (x86_64, arm64), empty for that of the image. `create_image` false takes the image
    as it is, without supervisor, script and payload.
    """

    name: str
    image: str = ""
    image_file: Path | None = None
    build_dir: Path | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    script: Path | None = None
    extra_payload: Path | None = None
    architecture: str = ""
    create_image: bool = True


class ImageBuilder(Protocol):
    """Makes the image of a function."""

    def build(self, function: FunctionSource, progress: Progress) -> str:
        """Return the reference of the function's image, made now unless equal inputs made it before."""
