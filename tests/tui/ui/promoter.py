"""Plans and promotions without an account: what is known and what is said is in the test's hands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tests.tui.ui.world import NOW

from hfaas_deploy import fdl, messages, names, steps, template
from hfaas_deploy.aws.changes import Change
from hfaas_deploy.aws.events import Event
from hfaas_deploy.aws.standing import Standing
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.preview import Action, Preview, all_new, told
from hfaas_deploy.promote.promotion import (
    BucketPlan,
    Identity,
    ImagePlan,
    Owner,
    Promoted,
    Promotion,
    Rehearsal,
    SecretPlan,
    Statement,
    Upload,
)
from hfaas_deploy.settings import Side
from hfaas_tui.ui.project.promoting import Agree, Refused, Tell
from hfaas_tui.where import Where

ACCOUNT = "210987654321"
REGION = "eu-west-1"
ME = f"arn:aws:sts::{ACCOUNT}:assumed-role/research/ana"
IDENTITY = Identity(ACCOUNT, ME, REGION, "sts.eu-west-1.amazonaws.com", "biology")
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
DIGEST = "sha256:41fe9c" + 58 * "0"
SIZE = 480_000_000
BUCKET = "AWS::S3::Bucket"
HOLD = object()
"""Stands in a script where the promotion waits until the test goes on."""


def promotion(file: Path, before: Pipeline | None = None, *, adopts: bool = False, **more: object) -> Promotion:
    """Return what a promotion of a file would do; to an account that has nothing of it, or has it as `before`.

    With `adopts` the account has its buckets, and no Stack has them.
    """
    pipeline = steps.checked(fdl.read(file), lambda _: None)
    rendered = template.render(pipeline)
    new = Side.of(Standing(template.document(pipeline), parameters(pipeline, "0a1b")))
    old = Side.of(Standing(template.document(before), parameters(before, "9b2c")) if before else Standing())
    changes = tuple(changed(old, new)) if before else tuple(all_new(new))
    if adopts:
        changes = tuple(replace(one, action="Import") if one.kind == BUCKET else one for one in changes)
    plan = Promotion(
        pipeline,
        rendered,
        IDENTITY,
        stack_status="UPDATE_COMPLETE" if before else "",
        is_first=before is None,
        rehearsal=Rehearsal(pipeline.stack, rendered.sha256, {}, NOW - 600),
        preview=Preview(pipeline.stack, before is None, tuple(told(changes, old, new))),
        images=tuple(image(one.name, upload=Upload.PUSH) for one in pipeline.functions),
        repositories=() if before else tuple(names.repository(one.name) for one in pipeline.functions),
        changes=changes,
        buckets=tuple(
            BucketPlan(one.name, Owner.OURS if before or adopts else Owner.FREE, is_adopted=adopts)
            for one in pipeline.buckets
        ),
    )
    return replace(plan, **more)  # type: ignore[arg-type]


def parameters(pipeline: Pipeline, tag: str) -> dict[str, str]:
    """Return images by parameter."""
    return {names.image_parameter(one.name): f"{REGISTRY}/hfaas/{one.name}:{tag}" for one in pipeline.functions}


def changed(old: Side, new: Side) -> Iterator[Change]:
    """Yield the changes between two templates."""
    for logical, resource in {**old.resources, **new.resources}.items():
        kind = str(resource["Type"])
        if logical not in new.resources:
            yield Change("Remove", logical, kind)
        elif logical not in old.resources:
            yield Change("Add", logical, kind)
        elif old.resources[logical] != new.resources[logical] or kind == "AWS::Lambda::Function":
            yield Change("Modify", logical, kind, "False")


def image(function: str, **more: object) -> ImagePlan:
    """Return the plan of an image that nobody has pushed."""
    plan = ImagePlan(
        function,
        f"hfaas/{function}:0a1b",
        f"hfaas/{function}",
        "0a1b",
        Upload.PUSH,
        id=f"sha256:{function.encode().hex()}",
        size=SIZE,
    )
    return replace(plan, **more)  # type: ignore[arg-type]


PERMISSION = Statement(
    Action.ADD, "SplitVideoRole", "Allow", ("s3:GetObject",), ("arn:aws:s3:::hfaas-video/videos/*",)
)
TOKEN = SecretPlan("onedata.datahub", is_new=True, missing=("ONEDATA_TOKEN",), is_first=True)


class FakePromoter:
    """Knows `makes` of a file, or refuses; promotes by a script of messages, waiting at each HOLD for `go_on`."""

    def __init__(self, makes: Callable[[Path], Promotion] = promotion) -> None:
        self.makes = makes
        self.refusal: Refused | None = None
        self.script: Sequence[object] = ()
        self.fails: Refused | None = None
        self.other: Promotion | None = None
        self.planned = 0
        self.calls: list[tuple[Where, Mapping[str, str]]] = []
        self.agreed: list[bool] = []
        self._go = threading.Semaphore(0)

    def profiles(self) -> Sequence[str]:
        return ["default", "research"]

    def plan(self, file: Path, where: Where, tell: Tell) -> Promotion:
        self.planned += 1
        tell(messages.Looking("whose credentials these are"))
        if self.refusal:
            raise self.refusal
        found = self.makes(file)
        return replace(found, identity=replace(found.identity, region=where.region or found.identity.region))

    def go_on(self) -> None:
        """Let the promotion go on to the next HOLD."""
        self._go.release()

    def promote(
        self, promotion: Promotion, where: Where, keys: Mapping[str, str], tell: Tell, agree: Agree
    ) -> Promoted:
        self.calls.append((where, dict(keys)))
        if self.other is not None:
            self.agreed.append(agree(self.other))
            if not self.agreed[-1]:
                raise Refused("nothing was done: it was not agreed to")
        for message in self.script:
            if message is HOLD:
                assert self._go.acquire(timeout=60), "nobody let it go on"
            else:
                tell(message)  # type: ignore[arg-type]
        if self.fails:
            raise self.fails
        return promoted(promotion)


def promoted(promotion: Promotion) -> Promoted:
    """Return the record of a promotion that went well."""
    return Promoted(
        promotion.pipeline.stack,
        promotion.template.sha256,
        {one.function: f"{REGISTRY}/{one.repository}@{DIGEST}" for one in promotion.images},
        {one.function: one.id for one in promotion.images},
        ACCOUNT,
        REGION,
        ME,
        NOW,
        "0.1.0",
        {"Bucket": "hfaas-video", "QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/video"},
    )


def event(resource: str, kind: str, status: str, reason: str = "", *, own: bool = False) -> messages.Happened:
    """Return what CloudFormation tells of a resource."""
    return messages.Happened(Event(f"{resource}-{status}", resource, kind, status, reason, own))


def pushing(function: str) -> Iterator[messages.Message]:
    """Yield what is told of a push in the middle."""
    state = messages.LayerState
    yield messages.PushStarted(function, f"{REGISTRY}/hfaas/{function}:0a1b", SIZE, 3)
    yield messages.LayerMoved(function, "4f2a91c07d3e", 0, 80_000_000, state.THERE)
    yield messages.LayerMoved(function, "9b2c41aa77f0", 120_000_000, 300_000_000, state.PUSHING)
    yield messages.LayerMoved(function, "0c55e1b2a9d8", 10_000_000, 100_000_000, state.PUSHING)


def pushed(function: str) -> messages.ImagePushed:
    """Return what ends a push."""
    return messages.ImagePushed(function, f"{REGISTRY}/hfaas/{function}@{DIGEST}", sent=True)


def created(promotion: Promotion, *, is_update: bool = False) -> Iterator[messages.Happened]:
    """Yield the events of a Stack that comes up."""
    word, stack = "UPDATE" if is_update else "CREATE", promotion.pipeline.stack
    yield event(stack, "AWS::CloudFormation::Stack", f"{word}_IN_PROGRESS", own=True)
    for change in promotion.changes:
        yield event(change.resource, change.kind, f"{word}_IN_PROGRESS")
        yield event(change.resource, change.kind, f"{word}_COMPLETE")
    yield event(stack, "AWS::CloudFormation::Stack", f"{word}_COMPLETE", own=True)


def tried(promotion: Promotion, bad: str = "") -> Iterator[messages.Message]:
    """Yield how each function answered, and the record."""
    for function in promotion.pipeline.functions:
        yield messages.SmokeStarted(function.name)
        is_bad = function.name == bad
        text = (
            "Runtime.ExitError: it ended before it answered" if is_bad else "it starts and reads its configuration"
        )
        yield messages.Smoked(function.name, not is_bad, text)
    yield messages.Recorded(f"hfaas-{ACCOUNT}-{REGION}", "promotions/hfaas-video/latest.json")
