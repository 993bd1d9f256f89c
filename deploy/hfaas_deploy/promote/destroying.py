"""Takes a Stack down on AWS: what is left is looked at first, buckets go only when they are named.

    facts      jobs that run, buckets with what is in them, secrets, repositories of images
    destroy    notifications in buckets of others -> jobs told -> Stack deleted -> buckets purged -> repositories

Buckets outlive their Stack: what a Stack that is gone has left behind can still be purged. `remains` looks, `purging`
empties buckets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy import names, steps
from hfaas_deploy.aws import credentials, notifications
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import DeployError, PurgeError, TargetUnreachable
from hfaas_deploy.messages import Destroyed, GoesOn, Progress, Recovering, SecretsLeaving
from hfaas_deploy.promote import listening, purging, remains, watching
from hfaas_deploy.promote.buckets import stack_of
from hfaas_deploy.promote.remains import Remains, Resources

RECOVERY = "AWS may keep their values for a recovery window of 7 to 30 days; `aws secretsmanager restore-secret` has them back"


def facts(target: Target, stack: str) -> Remains:
    """Look at a Stack and at what outlives it; nothing is touched."""
    with _aws_errors(target):
        one = _admitted(target, stack, lambda _: None)
        resources = remains.resources(target, stack)
        buckets = remains.buckets(target, stack, resources)
        return Remains(
            stack=stack,
            status=one.status(),
            jobs=tuple(remains.jobs(target, resources)),
            buckets=tuple(purging.contents(target, name) for name in buckets),
            secrets=remains.secrets(resources),
            repositories=tuple(remains.stores(target, stack)),
            listened=tuple(dict.fromkeys([*notifications.known(one.outputs()), *listening.left(target, stack)])),
            gone=tuple(sorted(remains.recorded(target, stack).difference(buckets))),
            hollow=remains.hollow(target, stack),
        )


def destroy(
    target: Target, stack: str, progress: Progress, purge: Collection[str] = (), *, images: bool = False
) -> None:
    """Delete a Stack; then the buckets in `purge` for good, and with `images` the repositories of its images.

    A Stack of images without any goes along.

    DeployError when a bucket is named that is not the Stack's, before anything is touched. What was cut off is taken up
    by the same call again.
    """
    with _aws_errors(target):
        one = _admitted(target, stack, progress)
        images = images or bool(remains.hollow(target, stack))
        if images:
            _admitted(target, names.images_stack(stack), progress)
        resources = remains.resources(target, stack)
        buckets = remains.buckets(target, stack, resources)
        _check(stack, purge, buckets)
        secrets = remains.secrets(resources)
        _take_down(one, target, resources, progress)
        for bucket in dict.fromkeys(purge):
            _release(target, stack, bucket)
            purging.empty(target, bucket, progress)
        repositories = tuple(store.repository for store in remains.stores(target, stack))
        if images:
            _remove_images(target, stack, progress)
            repositories = tuple(store.repository for store in remains.stores(target, stack, repositories))
        if secrets:
            progress(SecretsLeaving(secrets, RECOVERY))
        left = (bucket for bucket in buckets if bucket not in purge)
        progress(Destroyed(stack, tuple(left), repositories))


def _check(stack: str, purge: Collection[str], buckets: Collection[str]) -> None:
    if others := sorted(set(purge) - set(buckets)):
        known = ", ".join(buckets) or "none that is known"
        raise PurgeError(
            f"{', '.join(others)} is no bucket of Stack {stack}, so nothing was touched",
            f"its buckets are: {known}",
        )


def _admitted(target: Target, stack: str, progress: Progress) -> Stack:
    """The Stack of that name; DeployError for what is no name, and for a Stack that hfaas has not made."""
    if not names.STACK.fullmatch(stack):
        raise DeployError(f"{stack!r} is no name of a Stack", "`hfaas status --target aws` shows them")
    one = watching.stack(target, stack, progress)
    one.admit()
    return one


def _release(target: Target, stack: str, bucket: str) -> None:
    """PurgeError for a bucket that another Stack has taken over meanwhile."""
    if holder := stack_of(target, bucket, stack):
        raise PurgeError(f"bucket {bucket} belongs to Stack {holder} by now, so it stays", "leave it out")


def _take_down(stack: Stack, target: Target, resources: Resources, progress: Progress) -> None:
    """Bring the Stack to its end, whatever is under way."""
    try:
        if stack.is_busy():
            progress(Recovering(stack.name, stack.status()))
            steps.settle(stack, progress)
        steps.forget(stack, target, progress)
        if left := listening.left(target, stack.name):
            clinging = [one for one in left if not steps.let_go(one, stack.name, target, progress)]
            listening.write(target, stack.name, clinging)
        for job in remains.jobs(target, resources):
            progress(job)
        steps.tell(stack.remove(), progress)
    except KeyboardInterrupt:
        progress(GoesOn(stack.name))
        raise


def _remove_images(target: Target, stack: str, progress: Progress) -> None:
    name = names.images_stack(stack)
    one = _admitted(target, name, progress)
    try:
        if one.is_busy():
            steps.settle(one, progress)
        steps.tell(one.remove(), progress)
    except KeyboardInterrupt:
        progress(GoesOn(name))
        raise


@contextmanager
def _aws_errors(target: Target) -> Iterator[None]:
    """What AWS refuses, and what botocore cannot do, becomes ours."""
    try:
        yield
    except ClientError as refusal:
        said = refusal.response.get("Error", {})
        words = f"AWS refuses {refusal.operation_name}: {said.get('Message') or refusal}"
        raise credentials.refusal(refusal, target.profile) or DeployError(words) from refusal
    except BotoCoreError as fault:
        if target.is_aws:
            raise credentials.absence(fault, target.profile, target.region) from fault
        raise TargetUnreachable(f"{target.endpoint} does not answer: {fault}") from fault
