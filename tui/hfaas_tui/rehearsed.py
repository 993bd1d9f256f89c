"""Noting on this machine what an emulator had, so that a promotion can tell whether it is the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hfaas_deploy.building.images import DockerImages
    from hfaas_deploy.messages import Deployed
    from hfaas_deploy.promote.promotion import Rehearsal

Say = Callable[[str], None]


def note(deployed: Deployed, engine: DockerImages, how: Literal["run", "deploy"], say: Say) -> None:
    """Note what was deployed, by the engine's ids of its images; what cannot be noted is said, and harms nothing."""
    from hfaas_deploy.errors import DeployError
    from hfaas_deploy.promote.rehearsals import Rehearsals

    try:
        if done := _rehearsal(deployed, engine, how):
            Rehearsals().note(done)
    except (DeployError, OSError) as fault:
        say(f"this rehearsal is not remembered, and a promotion will ask for one: {fault}")


def _rehearsal(deployed: Deployed, engine: DockerImages, how: Literal["run", "deploy"]) -> Rehearsal | None:
    from hfaas_deploy.promote.promotion import Rehearsal

    known = {function: engine.identity(reference) for function, reference in deployed.images.items()}
    ids = {function: image.id for function, image in known.items() if image}
    if len(ids) < len(known):  # somebody removed an image meanwhile
        return None
    return Rehearsal(deployed.stack, deployed.template.sha256, ids, time.time(), how)
