"""Does what was planned and agreed to: what was rehearsed goes to AWS.

    credentials again -> buckets -> repositories -> images built and pushed -> Stack brought into order
      -> change set -> (a person agrees anew, if it is not what was planned) -> apply
      -> secrets, notifications, first looks -> repositories tidied -> smoke -> record

Each step looks first at what is there already, so what was cut off is taken up again by doing it again: an operation
under way is watched to its end, images that arrived are not sent, a change set that was not executed is replaced.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy import names, steps, template
from hfaas_deploy.aws import artifacts, credentials, notifications, secret_values
from hfaas_deploy.aws.changes import Plan
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.standing import Standing
from hfaas_deploy.aws.target import Target, forget_credentials
from hfaas_deploy.errors import (
    CredentialsError,
    DeployError,
    NotAgreed,
    NotRehearsed,
    SmokeFailed,
    StackError,
    StackSlow,
    TargetUnreachable,
    TemplateUnsound,
    WrongAccount,
)
from hfaas_deploy.messages import (
    BucketReady,
    ImageReady,
    ImageSaid,
    ImageStarted,
    Looking,
    Planned,
    Progress,
    Recorded,
)
from hfaas_deploy.pipeline import Function
from hfaas_deploy.preview import Preview, told
from hfaas_deploy.promote import (
    agreement,
    bootstrap,
    guard,
    images,
    listening,
    planning,
    pushing,
    record,
    repositories,
    smoke,
    statements,
    watching,
)
from hfaas_deploy.promote.promotion import ImagePlan, Promoted, Promotion, Upload
from hfaas_deploy.promote.repositories import Repositories
from hfaas_deploy.settings import Side

AGAIN = "run it again: it goes on from there"


class Engine(images.Engine, Protocol):
    """Makes images, knows those that it has, and sends them."""

    @property
    def client(self) -> Any:
        """The container engine itself: a client of Docker's."""


Agree = Callable[[Promotion], bool]
Push = Callable[[Engine, ImagePlan, str, Repositories, Progress], str]
"""Sends an image for an architecture; gives the digest of its manifest in the repository."""


def send(engine: Engine, image: ImagePlan, architecture: str, there: Repositories, progress: Progress) -> str:
    """Push by the container engine."""
    return pushing.push(engine.client, image, architecture, there, progress)


def promote(
    promotion: Promotion,
    target: Target,
    engine: Engine,
    progress: Progress,
    agree: Agree,
    *,
    smoke: bool = True,
    environ: Mapping[str, str] | None = None,
    push: Push = send,
) -> Promoted:
    """Do what a promotion says, and give the record of it; DeployError says what stopped it, and what is left.

    `agree` is asked when the change set would do something else than was planned. `environ` has the keys of storages.
    """
    _check(promotion)
    with _resumable(target):
        progress(Looking("whose credentials these are"))
        admitted = _admitted(promotion, target)
        there = Repositories(admitted, promotion.pipeline)
        keys = os.environ if environ is None else environ
        work = _Work(promotion, admitted, there, engine, progress, agree, keys, push)
        return work.done(has_smoke=smoke)


@dataclass(frozen=True, slots=True)
class _Work:
    """One promotion to an account that is known."""

    promotion: Promotion
    target: Target
    there: Repositories
    engine: Engine
    progress: Progress
    agree: Agree
    environ: Mapping[str, str]
    push: Push

    def done(self, *, has_smoke: bool) -> Promoted:
        """Take every step, and say what was promoted."""
        promotion, pipeline = self.promotion, self.promotion.pipeline
        stack = watching.stack(self.target, pipeline.stack, self.progress)
        stack.admit()
        steps.others_buckets(pipeline, self.target)
        keys = list(secret_values.values(pipeline, self.environ))
        self.progress(
            BucketReady(artifacts.ensure(self.target.client("s3"), self.target.account, self.target.region))
        )
        bootstrap.ensure(pipeline, self.target, self.progress)
        images = tuple(self._images())
        stack.admit()  # pushing takes its time
        before, is_changed = self._brought_up(stack, replace(promotion, images=images))
        outputs = stack.outputs()
        clinging = steps.finish(pipeline, self.target, before, outputs, keys, self.progress, has_changed=is_changed)
        if notifications.known(before):
            listening.write(self.target, stack.name, clinging)
        bootstrap.tidy(pipeline, self.target, self.progress)
        results = smoke.smoke(pipeline, self.target, self.progress) if has_smoke else []
        promoted = self._promoted(images, outputs, is_changed=is_changed)
        self._write_down(promoted)
        _judge(results)
        return promoted

    def _images(self) -> Iterator[ImagePlan]:
        """Each image in its repository, with the digest that it has there."""
        total = len(self.promotion.images)
        for number, image in enumerate(self.promotion.images, start=1):
            function = self.promotion.pipeline.function(image.function)
            if self.there.in_place(function):
                yield image
                continue
            built = self._built(function, image, number, total) if image.upload is Upload.BUILD else image
            digest = self.push(self.engine, built, function.architecture, self.there, self.progress)
            if built.digest not in ("", digest):
                raise NotRehearsed(
                    f"the image of {function.name} in {built.repository} is not the one that was planned with",
                    "plan again: somebody pushed another one meanwhile",
                )
            yield replace(built, digest=digest)

    def _built(self, function: Function, image: ImagePlan, number: int, total: int) -> ImagePlan:
        """An image that the engine did not have when it was planned."""
        self.progress(ImageStarted(function.name, number, total))

        def said(text: str) -> None:
            self.progress(ImageSaid(function.name, text))

        reference = self.engine.build(steps.source(function), said)
        self.progress(ImageReady(function.name, reference))
        made = self.engine.identity(reference)
        if made is None:
            raise NotRehearsed(f"the image of {function.name} is gone as soon as it was built", "run it again")
        tag = repositories.tag(function, reference, made.id)
        return replace(image, reference=reference, id=made.id, tag=tag, size=made.size)

    def _brought_up(self, stack: Stack, promotion: Promotion) -> tuple[Mapping[str, str], bool]:
        """Make the Stack what the promotion says; its outputs as they were, and whether anything changed."""
        url = steps.published(promotion.template, self.target)
        with steps.watched(stack, self.progress):
            steps.recover(stack, self.progress)
        before, standing = self._outputs(stack), stack.standing()
        parameters = self._parameters(promotion)
        plan = stack.plan(promotion.template, parameters, url)
        if plan is None:
            self.progress(Planned(stack.name, None))
            return before, False
        try:
            revised = self._revised(plan, promotion, standing)
            self.progress(Planned(stack.name, replace(plan, changes=revised.changes)))
            agreement.verify(stack.carried(plan), promotion, parameters)
            self._ask(revised, standing)
        except BaseException:  # Ctrl-C in the question as well: nothing stays behind
            with suppress(StackError, TargetUnreachable, CredentialsError):
                stack.discard(plan)
            raise
        with steps.watched(stack, self.progress):
            steps.tell(stack.apply(plan), self.progress)
        return before, True

    def _outputs(self, stack: Stack) -> dict[str, str]:
        """What the Stack gives away, with all buckets that may have notifications of it; kept for when we are cut off."""
        outputs, left = stack.outputs(), listening.left(self.target, stack.name)
        known = list(dict.fromkeys([*notifications.known(outputs), *left]))
        dropped = set(known).difference(notifications.foreign(self.promotion.pipeline))
        if not dropped <= set(left):
            listening.write(self.target, stack.name, dropped)
        return {**outputs, **notifications.listed(known)}

    def _ask(self, revised: Promotion, standing: Standing | None) -> None:
        """Have a person agree to what is not as it was planned; NotAgreed when nobody does."""
        if not agreement.differs(self.promotion, revised, standing):
            return
        if not self.agree(revised):
            raise NotAgreed(
                f"Stack {revised.pipeline.stack} would become something else than was agreed to; it is as it was",
                "`hfaas plan` shows what would be done now",
            )

    def _revised(self, plan: Plan, promotion: Promotion, standing: Standing | None) -> Promotion:
        """The promotion as CloudFormation sees it now."""
        document = template.document(promotion.pipeline)
        old = Side.of(standing or Standing())
        new = Side.of(Standing(document, self._parameters(promotion)))
        changes = planning.meant(plan.changes, old, new)
        images = (
            replace(image, deployed=old.parameters.get(names.image_parameter(image.function), ""))
            for image in promotion.images
        )
        return replace(
            promotion,
            images=tuple(images),
            stack_status=Stack.at(self.target, plan.stack).status(),
            preview=Preview(plan.stack, standing is None, told(changes, old, new)),
            changes=changes,
            deployed=standing.fingerprint if standing else "",
            statements=statements.differences(
                standing.template if standing else {},
                document,
                {**planning.pseudo(promotion.identity), **new.parameters},
                old.parameters,
            ),
        )

    def _parameters(self, promotion: Promotion) -> dict[str, str]:
        return {
            **steps.parameters(self._values(promotion.images)),
            **steps.network(promotion.pipeline, self.target),
        }

    def _values(self, images: Sequence[ImagePlan]) -> dict[str, str]:
        """The values of the images' parameters, by Function."""
        return {one.function: self.there.parameter(one) for one in images}

    def _promoted(self, images: tuple[ImagePlan, ...], outputs: Mapping[str, str], *, is_changed: bool) -> Promoted:
        return Promoted(
            stack=self.promotion.pipeline.stack,
            template=self.promotion.template.sha256,
            images=self._values(images),
            ids={one.function: one.id for one in images},
            account=self.target.account,
            region=self.target.region,
            by=self.promotion.identity.arn,
            at=time.time(),
            version=_version(),
            outputs=outputs,
            changed=is_changed,
        )

    def _write_down(self, promoted: Promoted) -> None:
        """Leave a record, unless the newest one says the same already."""
        last = record.latest(self.target, promoted.stack)
        if last and not promoted.changed and _same(last, promoted):
            return
        self.progress(Recorded(record.bucket(self.target), record.write(self.target, promoted)))


def _check(promotion: Promotion) -> None:
    if promotion.faults:
        raise DeployError("; ".join(promotion.faults), "nothing was done")
    if hashlib.sha256(promotion.template.body.encode()).hexdigest() != promotion.template.sha256:
        raise TemplateUnsound("the template is not the one that its fingerprint says")


def _admitted(promotion: Promotion, target: Target) -> Target:
    """The target with its account; WrongAccount when the credentials are not those of the plan any more."""
    now, planned = guard.identify(target), promotion.identity
    guard.admit(now, promotion.pipeline.account)
    if (now.account, now.region) != (planned.account, planned.region):
        raise WrongAccount(
            f"it was planned for account {planned.account} in {planned.region}, and these credentials are of "
            f"{now.account} in {now.region}",
            "plan again",
        )
    return guard.settled(target, now, promotion.pipeline)


def _same(last: Promoted, now: Promoted) -> bool:
    """Whether two records are of one Stack in one state: one that was made anew has other outputs."""
    return (last.template, last.images, last.outputs) == (now.template, now.images, now.outputs)


def _judge(results: list[smoke.Result]) -> None:
    failed = [f"{one.function}: {one.text}" for one in results if one.ok is False]
    if failed:
        raise SmokeFailed(
            f"{len(failed)} of {len(results)} Functions did not answer: {'; '.join(failed)}",
            "the Stack is up and recorded; `hfaas logs NAME --target aws` shows what they say",
        )


def _version() -> str:
    try:
        return version("hfaas")
    except PackageNotFoundError:
        return "unknown"


@contextmanager
def _resumable(target: Target) -> Iterator[None]:
    """Say of what stops at credentials or the network, in whatever step, that the same command goes on from there."""
    try:
        yield
    except Exception as error:
        if lost := _lost(error, target.profile):
            forget_credentials()
            raise CredentialsError(lost.message, _and_again(lost.hint)) from error
        if isinstance(error, BotoCoreError):
            absent = credentials.absence(error, target.profile, target.region)
            raise type(absent)(absent.message, _and_again(absent.hint)) from error
        if isinstance(error, DeployError) and _is_cut(error):
            error.hint = _and_again(error.hint)
        raise


def _lost(error: Exception, profile: str) -> CredentialsError | None:
    """What an error, or the one it came from, says of the credentials."""
    if isinstance(error, CredentialsError):
        return error
    found = (credentials.refusal(one, profile) for one in _causes(error) if isinstance(one, ClientError))
    return next(filter(None, found), None)


def _is_cut(error: DeployError) -> bool:
    """Whether AWS was not heard of, or asked too often; the same may well work in a moment."""
    return isinstance(error, TargetUnreachable | StackSlow) or any(
        isinstance(one, credentials.NETWORK) for one in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it came from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _and_again(hint: str) -> str:
    return hint if "again" in hint else "; then ".join(filter(None, (hint, AGAIN)))
