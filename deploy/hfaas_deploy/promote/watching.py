"""A Stack on AWS whose silences are told."""

from __future__ import annotations

from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.messages import Progress, StillAt, Unheard


def stack(target: Target, name: str, progress: Progress) -> Stack:
    """The Stack of that name; `progress` hears when nothing is heard of AWS, and what AWS is at for minutes."""
    return Stack.at(
        target,
        name,
        lambda reason: progress(Unheard(name, reason)),
        lambda resources, seconds: progress(StillAt(name, resources, seconds)),
    )
