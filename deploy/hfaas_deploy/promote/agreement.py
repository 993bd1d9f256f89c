"""Whether what CloudFormation is about to do is what was rehearsed, and what a person agreed to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from hfaas_deploy.aws.changes import Change
from hfaas_deploy.aws.standing import Standing
from hfaas_deploy.errors import NotRehearsed
from hfaas_deploy.promote.promotion import Promotion


def verify(carried: Standing, promotion: Promotion, parameters: Mapping[str, str]) -> None:
    """NotRehearsed unless CloudFormation has exactly our template, and the digests of our images."""
    body = json.dumps(carried.template, sort_keys=True, separators=(",", ":"))
    if hashlib.sha256(body.encode()).hexdigest() != promotion.template.sha256:
        raise NotRehearsed(
            "the change set is of another template than the one that was sent, so it is not executed",
            "somebody may have changed it where it lay for CloudFormation; run it again",
        )
    if others := sorted(name for name, value in parameters.items() if carried.parameters.get(name) != value):
        raise NotRehearsed(
            f"the change set has other values of {', '.join(others)} than were sent, so it is not executed"
        )


def differs(planned: Promotion, now: Promotion, standing: Standing | None) -> bool:
    """Whether the change set is not what was agreed to: other changes, or a Stack that somebody changed meanwhile."""
    if standing and (planned.deployed, _deployed(planned)) != (now.deployed, _deployed(now)):
        return True
    expected, found = (set(map(_essence, one.changes)) for one in (planned, now))
    missing = expected - found
    may_vanish = any(not image.digest for image in planned.images)  # an image that is there already changes nothing
    if may_vanish:
        missing = {one for one in missing if one[0] != "Modify" or one[3]}
    return bool(missing or found - expected)


def _deployed(promotion: Promotion) -> dict[str, str]:
    return {image.function: image.deployed for image in promotion.images}


def _essence(change: Change) -> tuple[str, str, str, bool]:
    """What a person agrees to; a bucket that is taken over is no surprise where it was said, or is made."""
    action = "Add" if change.action == "Import" else change.action
    return action, change.resource, change.kind, change.destroys
