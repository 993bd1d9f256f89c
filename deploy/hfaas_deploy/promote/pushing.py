"""Puts an image of the engine into its repository, and looks whether what arrived is what was rehearsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hfaas_deploy.messages import Progress
from hfaas_deploy.promote.promotion import ImagePlan
from hfaas_deploy.promote.repositories import Repositories

if TYPE_CHECKING:
    from docker import DockerClient

PAUSES = (1.0, 4.0, 10.0)
"""Seconds before a push that was cut off is tried again; the engine itself tries each layer five times before that."""


def push(
    engine: DockerClient,
    image: ImagePlan,
    architecture: str,
    repositories: Repositories,
    progress: Progress,
    pauses: Sequence[float] = PAUSES,
) -> str:
    """Return the digest of the image's manifest in `image.repository` (a name); sent only when it is not there.

    `architecture` is AWS's word. RegistryError when it does not get there, or is not the image that was rehearsed.
    """
    raise NotImplementedError
