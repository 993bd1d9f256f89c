"""Images that hfaas made and no function uses: found and removed with the Docker engine of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Function

LABEL = "hfaas.supervisor"
"""Every image that hfaas made for a function has it."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image on this machine."""

    id: str
    names: tuple[str, ...]
    size: int

    @property
    def name(self) -> str:
        """Return what people call it."""
        return self.names[0] if self.names else self.id.removeprefix("sha256:")[:12]


def unused(functions: Iterable[Function]) -> list[Image]:
    """Return the images that hfaas made and none of the functions names, the largest first; CliError."""
    from docker.errors import DockerException

    from hfaas_deploy.building.images import connect
    from hfaas_deploy.errors import DeployError

    try:
        with closing(connect()) as client:
            found = [
                Image(str(each.id), tuple(each.tags), int(each.attrs.get("Size") or 0))
                for each in client.images.list(filters={"label": LABEL})
            ]
    except (DeployError, DockerException) as error:
        raise CliError(f"the images cannot be listed: {error}", "is Docker running?") from error
    used = [text for each in functions for text in (each.image, each.digest) if text]
    return sorted((each for each in found if not is_used(each, used)), key=lambda each: -each.size)


def is_used(image: Image, used: Iterable[str]) -> bool:
    """Tell whether one of the names or digests that functions have is this image's."""
    digest = image.id.removeprefix("sha256:")
    for text in used:
        name, _, pinned = text.partition("@")
        if name in image.names or f"{name}:latest" in image.names:
            return True
        known = (pinned or text).removeprefix("sha256:")
        if len(known) >= 12 and digest.startswith(known):
            return True
    return False


def remove(images: Iterable[Image]) -> tuple[int, list[str]]:
    """Remove images; returns the bytes they had, and what the engine said of those that it keeps."""
    from docker.errors import APIError, DockerException, ImageNotFound

    from hfaas_deploy.building.images import connect
    from hfaas_deploy.errors import DeployError

    freed, kept = 0, []
    try:
        with closing(connect()) as client:
            for image in images:
                try:
                    for name in image.names or (image.id,):
                        client.images.remove(name)
                    freed += image.size
                except ImageNotFound:
                    continue
                except APIError as error:
                    kept.append(f"{image.name}: {error.explanation or error}")
    except (DeployError, DockerException) as error:
        raise CliError(f"the images cannot be removed: {error}", "is Docker running?") from error
    return freed, kept
