"""What a Dockerfile tells before it is built."""

from __future__ import annotations

import re
from collections.abc import Mapping


def base_images(dockerfile: str, arguments: Mapping[str, str]) -> list[str]:
    """Return the images that a Dockerfile starts from, its own stages and what cannot be told left out."""
    known: dict[str, str] = {}
    stages = {"scratch"}
    found = []
    for line in re.sub(r"\\\n", " ", dockerfile).splitlines():
        match line.split():
            case [instruction, argument, *_] if instruction.upper() == "ARG":
                name, _, default = argument.partition("=")
                known[name] = arguments.get(name, default.strip("\"'"))
            case [instruction, *words] if instruction.upper() == "FROM":
                image, *rest = [_substituted(word, known) for word in words if not word.startswith("--")] or [""]
                if image and image not in stages and "$" not in image:
                    found.append(image)
                stages.update(rest[1:])
    return found


def _substituted(word: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: known.get(found[1] or found[2], ""), word)
