"""Finds out what a promotion would do, without doing any of it.

    check -> render -> whose account -> buckets, images, secrets as they are -> change set, thrown away at once -> Promotion

Nothing in the account is other than it was when this is done. A Stack that does not exist gets no change set, because
that would make an empty one: everything is new. One that is busy, or must be helped first, cannot be asked: what changes
is then read off the two templates, and CloudFormation's own answer comes with the promotion.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from hfaas_deploy import names, steps, template
from hfaas_deploy.aws import artifacts, secret_values
from hfaas_deploy.aws.changes import Change, Detail
from hfaas_deploy.aws.stack import UNUSABLE, Stack
from hfaas_deploy.aws.standing import Standing
from hfaas_deploy.aws.target import Target
from hfaas_deploy.messages import Looking, Progress
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.preview import Preview, all_new, told
from hfaas_deploy.promote import guard, statements, taken
from hfaas_deploy.promote.buckets import Buckets
from hfaas_deploy.promote.images import Engine, Images
from hfaas_deploy.promote.promotion import (
    BucketPlan,
    Identity,
    ImagePlan,
    Owner,
    Promotion,
    Rehearsal,
    SecretPlan,
)
from hfaas_deploy.promote.rehearsals import Rehearsals
from hfaas_deploy.settings import Side
from hfaas_deploy.template import Template

BUCKET = "AWS::S3::Bucket"
LEAVING = ("DELETE_IN_PROGRESS", "DELETE_FAILED", "ROLLBACK_FAILED", "CREATE_FAILED")
"""States of a Stack that still has things which it gives up before it is made anew."""


def plan(
    pipeline: Pipeline, target: Target, images: Engine, rehearsals: Rehearsals, progress: Progress
) -> Promotion:
    """What a promotion would do now; FdlError, CredentialsError, WrongAccount, StackError, ... where it could not begin."""
    ready = steps.checked(pipeline, progress)
    rendered = template.render(ready)
    target.probe()
    progress(Looking("whose credentials these are"))
    identity = guard.identify(target)
    guard.admit(identity, ready.account)
    return _Planner(ready, rendered, identity, guard.settled(target, identity, ready), progress).plan(
        images, rehearsals
    )


def meant(changes: Sequence[Change], old: Side, new: Side) -> tuple[Change, ...]:
    """The changes without those of tags alone that the templates do not ask for: tags of the Stack go to everything."""
    return tuple(
        change
        for change in changes
        if not (change.is_of_tags and _tags(old, change.resource) == _tags(new, change.resource))
    )


@dataclass(frozen=True, slots=True)
class _Changes:
    """What would change, and what CloudFormation remarks; an estimate is read off the templates only."""

    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()
    is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class _Planner:
    """One look at an account that is known."""

    pipeline: Pipeline
    template: Template
    identity: Identity
    target: Target
    progress: Progress

    def plan(self, images: Engine, rehearsals: Rehearsals) -> Promotion:
        stack = Stack.at(self.target, self.pipeline.stack)
        stack.admit()
        status = stack.status()
        standing = stack.standing() if status != "DELETE_IN_PROGRESS" else None
        old = Side.of(standing or Standing())
        self.progress(Looking("which images are there"))
        found = Images(self.target, self.pipeline, images).found(old.parameters)
        parameters = {**steps.parameters(found.parameters), **steps.network(self.pipeline, self.target)}
        document = template.document(self.pipeline)
        new = Side.of(Standing(document, parameters))
        self.progress(Looking("whose buckets these are"))
        buckets = tuple(Buckets(self.target).plans(self.pipeline, _held(old)))
        self.progress(Looking("what would change"))
        found_out = self._changes(stack, status, old, new, buckets)
        changes = found_out.changes
        proof = _proof(rehearsals, self.template, found.images)
        return Promotion(
            pipeline=self.pipeline,
            template=self.template,
            identity=self.identity,
            stack_status=status,
            is_first=_is_first(buckets),
            rehearsal=proof,
            preview=Preview(self.pipeline.stack, standing is None, told(changes, old, new)),
            images=found.images,
            repositories=found.missing,
            changes=changes,
            deployed=standing.fingerprint if standing else "",
            statements=statements.differences(
                standing.template if standing else {},
                document,
                {**pseudo(self.identity), **parameters},
                old.parameters,
            ),
            buckets=buckets,
            secrets=tuple(self._secrets(stack.outputs() if standing else {})),
            taken=() if status in LEAVING else tuple(taken.faults(self.target, old, new)),
            notes=(
                *self._notes(status, found_out),
                *found.notes,
                *([] if proof else _unproven(rehearsals.latest(self.pipeline.stack), self.template, found.images)),
            ),
        )

    def _changes(self, stack: Stack, status: str, old: Side, new: Side, buckets: Sequence[BucketPlan]) -> _Changes:
        if not old.resources:
            adopted = {bucket.name for bucket in buckets if bucket.is_adopted}
            return _Changes(tuple(_imported(change, new, adopted) for change in all_new(new)))
        if status == "UPDATE_ROLLBACK_FAILED" or status.endswith("_IN_PROGRESS"):
            return _Changes(tuple(_estimated(old, new)), is_estimate=True)
        with self._published(buckets) as url:
            if self.template.needs_bucket and not url:
                return _Changes(tuple(_estimated(old, new)), is_estimate=True)
            made = stack.plan(self.template, new.parameters, url)
        if made is None:
            return _Changes(())
        try:
            return _Changes(meant(made.changes, old, new), stack.warnings(made))
        finally:
            stack.discard(made)

    @contextmanager
    def _published(self, buckets: Sequence[BucketPlan]) -> Iterator[str]:
        """The URL of a template that is too large for a request, which lies there as long as it is needed."""
        name = names.artifacts_bucket(self.target.account, self.target.region)
        is_there = any(one.name == name and one.owner is Owner.OURS for one in buckets)
        if not self.template.needs_bucket or not is_there:
            yield ""
            return
        with artifacts.lent(self.target.client("s3"), name, self.template, self.target.account) as url:
            yield url

    def _secrets(self, outputs: Mapping[str, str]) -> Iterator[SecretPlan]:
        """Which values would be put into secrets; none of them leaves this machine, or is shown."""
        for value in secret_values.values(self.pipeline, os.environ):
            secret = outputs.get(secret_values.output(value.provider), "")
            known = secret_values.stored(self.target.client("secretsmanager"), secret, value) if secret else ""
            is_new = not value.missing and (not secret or known != secret_values.digest(secret, value))
            yield SecretPlan(value.provider.name, is_new, value.missing, is_first=not known)

    def _notes(self, status: str, found: _Changes) -> Iterator[str]:
        name = self.pipeline.stack
        if status == "UPDATE_ROLLBACK_FAILED":
            yield f"Stack {name} is {status}: its rollback is continued first"
        elif status == "REVIEW_IN_PROGRESS":
            yield f"Stack {name} is empty: an earlier plan left it, and it is filled now"
        elif status.endswith("_IN_PROGRESS"):
            yield f"Stack {name} is {status}: that is under way, and is watched first"
        elif status in UNUSABLE:
            yield f"Stack {name} is {status}: it is removed first, then made anew; its buckets stay"
        yield from found.warnings
        if found.is_estimate:
            yield "what changes is read off the templates; CloudFormation's own answer is shown before it is done"
        for provider in self.pipeline.used_providers:
            if provider.kind == "onedata":
                host = provider.settings.get("oneprovider_host", "")
                yield f"{provider.name}: a rehearsal plays the Oneprovider; here it is {host}"


def _proof(rehearsals: Rehearsals, rendered: Template, images: Sequence[ImagePlan]) -> Rehearsal | None:
    """The rehearsal of exactly this; some engines know an image by its manifest."""
    if not all(image.id for image in images):
        return None
    ids = {image.function: image.id for image in images}
    manifests = {image.function: image.digest or image.id for image in images}
    return rehearsals.find(rendered.sha256, ids) or rehearsals.find(rendered.sha256, manifests)


def _unproven(last: Rehearsal | None, rendered: Template, images: Sequence[ImagePlan]) -> Iterator[str]:
    """Why there is no rehearsal of exactly this."""
    if last is None:
        yield "nothing of this pipeline was rehearsed on this machine: `hfaas run` or `hfaas deploy` does that"
        return
    others = sorted(one.function for one in images if one.id != last.images.get(one.function))
    changed = [f"the image of {name} is another one" for name in others]
    if last.template != rendered.sha256:
        changed.append("the pipeline file changed")
    if last.images.keys() - {one.function for one in images}:
        changed.append("a Function is gone")
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(last.at))
    yield f"not rehearsed: since {moment}, when it was, {', '.join(changed) or 'something changed'}"


def _is_first(buckets: Sequence[BucketPlan]) -> bool:
    """The artifacts bucket, which comes last, is there from the first promotion on."""
    return buckets[-1].owner is not Owner.OURS


def _held(side: Side) -> set[str]:
    return {str(properties.get("BucketName")) for _, properties in side.of_type(BUCKET)}


def _imported(change: Change, new: Side, adopted: set[str]) -> Change:
    name = new.resources[change.resource].get("Properties", {}).get("BucketName")
    return replace(change, action="Import") if change.kind == BUCKET and name in adopted else change


def _estimated(old: Side, new: Side) -> Iterator[Change]:
    """What differs between two templates; nobody can tell from them what is replaced."""
    for logical, resource in new.resources.items():
        kind = str(resource["Type"])
        if logical not in old.resources:
            yield Change("Add", logical, kind)
        elif _settled(old, logical) != _settled(new, logical):
            yield Change("Modify", logical, kind, details=(Detail("Properties"),))
    for logical, resource in old.resources.items():
        if logical not in new.resources:
            yield Change("Remove", logical, str(resource["Type"]))


def _settled(side: Side, logical: str) -> str:
    """A resource as text, with the values of its parameters."""

    def filled(value: Any) -> Any:
        match value:
            case {"Ref": str(name)} if name in side.parameters:
                return side.parameters[name]
            case dict():
                return {key: filled(one) for key, one in value.items()}
            case list():
                return [filled(one) for one in value]
        return value

    return json.dumps(filled(dict(side.resources[logical])), sort_keys=True)


def _tags(side: Side, logical: str) -> Any:
    return side.resources.get(logical, {}).get("Properties", {}).get("Tags")


def pseudo(identity: Identity) -> dict[str, str]:
    """What AWS fills in by itself."""
    partitions = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
    found = (name for start, name in partitions.items() if identity.region.startswith(f"{start}-"))
    return {
        "AWS::AccountId": identity.account,
        "AWS::Region": identity.region,
        "AWS::Partition": next(found, "aws"),
    }
