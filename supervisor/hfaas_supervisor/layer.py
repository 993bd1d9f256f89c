"""What the derived image brings for one Function: its script, the user's own entry point, the extra payload."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from hfaas_supervisor.errors import ConfigError

FOLDER = "/opt/hfaas/function"
TASK = "/var/task"


class Layer(NamedTuple):
    """Read once at start; `script` is empty when the user's image runs by itself."""

    script: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    directory: str = ""
    task: str = TASK


def read() -> Layer:
    """Read the layer from its place, or from HFAAS_FUNCTION_DIR."""
    folder = os.environ.get("HFAAS_FUNCTION_DIR", "")
    task = os.path.join(folder, "task") if folder else TASK
    folder = folder or FOLDER
    image = _image(os.path.join(folder, "image.json"))
    script = os.path.join(folder, "script")
    return Layer(
        script=script if os.path.exists(script) else "",
        entrypoint=tuple(image.get("entrypoint") or ()),
        command=tuple(image.get("cmd") or ()),
        directory=image.get("workdir") or "",
        task=task,
    )


def _image(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            image = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; build the image again with hfaas") from None
    if not isinstance(image, dict):
        raise ConfigError(f"{path} is not a map; build the image again with hfaas")
    return image
