"""Noting on this machine what an emulator had, so that a promotion can tell whether it is the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hfaas_deploy.building.images import DockerImages
    from hfaas_deploy.messages import Deployed
    from hfaas_deploy.promote.promotion import Rehearsal
    from hfaas_deploy.promote.rehearsals import Rehearsals

Say = Callable[[str], None]
Ran = Mapping[str, Collection[str]]


def note(deployed: Deployed, engine: DockerImages, ran: Ran | None, say: Say) -> None:
    """Note what was deployed, or run, by the engine's ids of its images; what cannot be noted is said, and harms nothing.

    `ran` has the ids of the images that containers were started of, by reference; None where nothing was run.
    """
    from hfaas_deploy.errors import DeployError
    from hfaas_deploy.promote.rehearsals import Rehearsals

    kept = Rehearsals()
    try:
        done = _rehearsal(deployed, engine, ran or {}, "deploy" if ran is None else "run")
        if another := _rebuilt(deployed, ran or {}) or _built_since(deployed, done, kept):
            say(
                f"this is no rehearsal: the image of {', '.join(another)} was built anew meanwhile; `hfaas run` is one"
            )
        elif done:
            kept.note(done)
    except (DeployError, OSError) as fault:
        say(f"this rehearsal is not remembered, and a promotion will ask for one: {fault}")


def _rebuilt(deployed: Deployed, ran: Ran) -> list[str]:
    """Return the functions whose reference meant one image and then another while they ran."""
    return [function for function, reference in deployed.images.items() if len(ran.get(reference, ())) > 1]


def _built_since(deployed: Deployed, now: Rehearsal | None, kept: Rehearsals) -> list[str]:
    """Return the functions whose image is not the one that came up: a deploy that changes nothing brings none up."""
    last = kept.latest(deployed.stack) if now and now.how == "deploy" and not deployed.changed else None
    if now is None or last is None or last.template != now.template:
        return []
    return [name for name, image in now.images.items() if last.images.get(name, image) != image]


def _rehearsal(
    deployed: Deployed, engine: DockerImages, ran: Ran, how: Literal["run", "deploy"]
) -> Rehearsal | None:
    from hfaas_deploy.promote.promotion import Rehearsal

    used = {function: next(iter(ran.get(reference, ())), "") for function, reference in deployed.images.items()}
    idle = tuple(function for function, image in used.items() if not image)
    known = {function: engine.identity(deployed.images[function]) for function in idle}
    ids = used | {function: image.id for function, image in known.items() if image}
    if not all(ids.values()):  # somebody removed an image meanwhile
        return None
    return Rehearsal(deployed.stack, deployed.template.sha256, ids, time.time(), how, idle if how == "run" else ())
