"""A promotion in words, for the command line and the terminal UI alike: text and a tone, nothing of how it is drawn."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hfaas_tui.units import size

if TYPE_CHECKING:
    from hfaas_deploy.messages import Message
    from hfaas_deploy.preview import Action, Step
    from hfaas_deploy.promote.promotion import (
        Adoption,
        BucketPlan,
        Identity,
        ImagePlan,
        Promoted,
        Promotion,
        SecretPlan,
        Statement,
    )
    from hfaas_deploy.promote.purging import Contents
    from hfaas_deploy.promote.remains import ImageStore, Remains
    from hfaas_deploy.settings import Setting

ROUTINE = ("Resource creation Initiated",)
"""Reasons of events that only say once more what the event before said."""

DIGEST, SHORT_DIGEST = "sha256:", 12
REPLACE = "replace"
"""What a person types before something is removed or replaced."""


LONGEST_SETTING = 80
"""Characters of a value that are worth showing beside its successor."""


class Tone(StrEnum):
    """How a row is meant."""

    PLAIN = "plain"
    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    KEEP = "keep"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a section, in cells."""

    cells: tuple[str, ...]
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together; those of one section have the same number of cells."""

    title: str
    rows: tuple[Row, ...]


def route(promotion: Promotion) -> str:
    """Return from where to where: what was rehearsed, and whose account gets it."""
    return f"{rehearsed(promotion)} -> {account(promotion)}"


def rehearsed(promotion: Promotion) -> str:
    """Return what the emulator of this machine had of it: run, or only brought up."""
    sha = promotion.template.sha256[:SHORT_DIGEST]
    if promotion.rehearsal is None:
        return f"NOT REHEARSED {sha}"
    how = "rehearsal" if promotion.rehearsal.how == "run" else "deploy"
    return f"LOCAL {how} {sha}, {moment(promotion.rehearsal.at)}"


def account(promotion: Promotion) -> str:
    """Return where it goes, and who sends it."""
    return place(promotion.identity)


def place(who: Identity) -> str:
    """Return an account, and as whom it is reached."""
    alias = f" ({_one_line(who.alias)})" if who.alias else ""
    return f"{'STAND-IN' if who.is_stand_in else 'AWS'} {who.account}{alias} {who.region} as {_one_line(who.arn)}"


def _one_line(text: str) -> str:
    """Return a text that cannot pass for another line of ours."""
    return " ".join(text.split())


def stands_in(url: str) -> str:
    """Return the warning that nothing of this reaches AWS."""
    return f"NOT AWS: {url} stands in for it"


def moment(at: float) -> str:
    """Return a time of day, and the day when it is not today."""
    then, now = time.localtime(at), time.localtime()
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)


def summary(promotion: Promotion) -> list[Section]:
    """Return everything that a person agrees to; sections that have nothing to say are left out."""
    sections = (
        Section("Images", tuple(map(_image, promotion.images))),
        Section("Resources", tuple(map(_step, promotion.preview.steps))),
        Section("Permissions", tuple(map(_statement, promotion.statements))),
        Section("Buckets", tuple(map(_bucket, promotion.buckets))),
        Section("Taken over", tuple(_taken_over(promotion.buckets))),
        Section("Secrets", tuple(map(_secret, promotion.secrets))),
        Section("Notes", tuple(_notes(promotion))),
        Section("Dangers", tuple(_dangers(promotion))),
    )
    return [section for section in sections if section.rows]


def total(promotion: Promotion) -> str:
    """Return the sum of it in one line."""
    if promotion.is_empty:
        return "nothing to do: AWS has exactly this"
    from hfaas_deploy.promote.promotion import Upload

    counts = counted(promotion).items()
    told = ", ".join(f"{count} to {each}" for each, count in counts if count) or "no resource changes"
    sent = [image for image in promotion.images if image.upload is not Upload.NONE]
    weight = sum(image.size for image in sent)
    images = f"; {len(sent)} image{'s' * (len(sent) != 1)} to push" if sent else ""
    return told + images + (f", {size(weight)} at most" if weight else "")


def counted(promotion: Promotion) -> dict[str, int]:
    """Return how many resources of the Stack are to add, take over, change, replace and remove."""
    actions = [_action(change.action, change.replacement) for change in promotion.changes]
    return {each: actions.count(each) for each in ("add", "take over", "change", "replace", "remove")}


def _action(action: str, replacement: str) -> str:
    if action == "Modify":
        return "replace" if replacement == "True" else "change"
    return {"Add": "add", "Import": "take over", "Remove": "remove"}.get(action, "change")


def short(digest: str) -> str:
    """Return the beginning of a digest; empty when it is not known yet."""
    found = digest.rpartition(DIGEST)[2] if DIGEST in digest else ""
    return f"{DIGEST}{found[:SHORT_DIGEST]}" if found else ""


def _image(image: ImagePlan) -> Row:
    from hfaas_deploy.promote.promotion import Upload

    what = {Upload.NONE: "is there", Upload.PUSH: "to push", Upload.BUILD: "to build and push"}[image.upload]
    if image.upload is Upload.NONE:
        same = bool(image.digest) and image.deployed.endswith(image.digest)
        mark, tone = ("=", Tone.KEEP) if same else ("~", Tone.CHANGE)
    else:
        mark, tone = ("~", Tone.CHANGE) if image.deployed else ("+", Tone.ADD)
    weight = size(image.size) if image.size else ""
    return Row((mark, image.function, what, weight, _becomes(image), image.reference), tone)


def _becomes(image: ImagePlan) -> str:
    """Return the image's digest, behind that of another one whose place it takes."""
    now, new = short(image.deployed), short(image.digest)
    return f"{now} -> {new or 'a new one'}" if now and now != new else new


TONES = {"+": Tone.ADD, "~": Tone.CHANGE, "-": Tone.REMOVE, "=": Tone.KEEP}


def _tone(action: Action) -> Tone:
    return TONES[action.value]


def _step(step: Step) -> Row:
    told = [_setting(each) for each in step.settings]
    if step.is_replaced:
        told.insert(0, "is replaced")
    if step.is_adopted:
        told.insert(0, "is taken over")
    tone = Tone.DANGER if step.is_replaced else _tone(step.action)
    return Row((step.action.value, step.kind, step.name, ", ".join(told)), tone)


def _setting(one: Setting) -> str:
    """Return what a value becomes; documents are told by their name, and permissions in a section of their own."""
    old, new = (_image_only(value) if one.name == "image" else value for value in (one.old, one.new))
    if max(len(old), len(new)) > LONGEST_SETTING:
        return f"{one.name} changes"
    return f"{one.name} {old or '-'} -> {new or '-'}"


def _image_only(reference: str) -> str:
    """Return what tells an image from others of its repository."""
    return short(reference) or reference.rpartition("/")[2]


def _statement(one: Statement) -> Row:
    upon = f" on {', '.join(one.resources)}" if one.resources else ""
    told = f"{one.effect} {', '.join(one.actions)}{upon}"
    who = f" for {one.principal}" if one.principal else ""
    when = f" if {one.condition}" if one.condition else ""
    return Row((one.action.value, one.role, told + who + when), _tone(one.action))


def _bucket(bucket: BucketPlan) -> Row:
    from hfaas_deploy.promote.promotion import Owner

    if bucket.fault:
        mark, told, tone = "!", bucket.fault, Tone.DANGER
    elif bucket.is_existing:
        mark, told, tone = "=", "stays as it is, and gets our notifications beside those it has", Tone.KEEP
    elif bucket.owner is Owner.FREE:
        mark, told, tone = "+", "to make", Tone.ADD
    elif bucket.is_adopted:
        mark, told, tone = "~", "is yours and no Stack's: it is taken over, see below", Tone.WARNING
    else:
        mark, told, tone = "=", "stays", Tone.KEEP
    return Row((mark, bucket.name, f"{told} ({bucket.note})" if bucket.note else told), tone)


def _taken_over(buckets: Iterable[BucketPlan]) -> Iterator[Row]:
    """Yield what it means for a bucket to be taken over."""
    for bucket in buckets:
        if bucket.is_adopted and not bucket.fault:
            held = _held(bucket.adoption)
            yield Row(
                ("~", bucket.name, f"its content stays: {held}; so do its policy and lifecycle rules"), Tone.WARNING
            )
            yield Row(
                ("~", bucket.name, "the Stack configures it from now on; when the Stack goes, it stays"),
                Tone.WARNING,
            )
            way_out = f"; not so with hfaas.buckets.{bucket.name}.existing: true"
            yield from (Row(("!", bucket.name, loss + way_out), Tone.DANGER) for loss in bucket.adoption.losses)


def _held(found: Adoption) -> str:
    count = f"{'at least ' * found.is_more}{found.objects} object{'s' * (found.objects != 1)}"
    return f"{count}, {size(found.bytes)}"


def _secret(secret: SecretPlan) -> Row:
    if secret.missing:
        return Row(("!", secret.provider, f"{' and '.join(secret.missing)} not set"), Tone.WARNING)
    if secret.is_new:
        return Row(("+", secret.provider, "to store"), Tone.ADD)
    return Row(("=", secret.provider, "stays"), Tone.KEEP)


def unproved(promotion: Promotion) -> str:
    """Return what the rehearsal of exactly this does not show; empty where every function of it ran, or none is known."""
    found = promotion.rehearsal
    if found is None:
        return ""
    if found.how == "deploy":
        return "it came up here by a deploy; whether its functions ran then is not noted, as `hfaas run` notes it"
    if found.idle:
        return f"its rehearsal ran no container of {', '.join(found.idle)}: nothing is known of whether they work"
    return ""


def _notes(promotion: Promotion) -> Iterator[Row]:
    if words := unproved(promotion):
        yield Row((words,), Tone.WARNING)
    if promotion.stack_status:
        yield Row((f"Stack {promotion.pipeline.stack} is {promotion.stack_status}",))
    if promotion.repositories:
        yield Row((f"repositories of images to make: {', '.join(promotion.repositories)}",), Tone.ADD)
    yield from (Row((note,)) for note in promotion.notes)


def refusal(promotion: Promotion) -> str:
    """Return why it cannot be promoted as it is; empty where it can."""
    return "; ".join(promotion.faults)


def _dangers(promotion: Promotion) -> Iterator[Row]:
    if promotion.rehearsal is None:
        yield Row(
            ("!", "not rehearsed", "the emulator never ran exactly this template with these images"), Tone.DANGER
        )
    for danger in promotion.dangers:
        yield Row(("!", f"{danger.resource} ({danger.kind})", danger.text), Tone.DANGER)


def destroyed(promotion: Promotion) -> str:
    """Return in one line what is removed or replaced."""
    return ", ".join(f"{each.resource} {each.text}" for each in promotion.dangers)


def missing(promotion: Promotion) -> list[tuple[str, str]]:
    """Return provider and variable of each key that nobody has set."""
    return [(secret.provider, name) for secret in promotion.secrets for name in secret.missing]


def is_needed(promotion: Promotion, provider: str) -> bool:
    """Tell whether a provider's secret has no value yet, so that functions could not use it."""
    return any(secret.is_first for secret in promotion.secrets if secret.provider == provider)


def record(promoted: Promoted) -> dict[str, Any]:
    """Return what was promoted, for programs."""
    return {name: _plain(getattr(promoted, name)) for name in promoted.__dataclass_fields__}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def demands(promotion: Promotion, *, yes: bool, account: str, replace: bool) -> Iterator[str]:
    """Yield what somebody without a terminal still has to say, each as an option."""
    if not yes:
        yield "--yes"
    if promotion.is_first and account != promotion.identity.last_digits:
        yield f"--account {promotion.identity.last_digits}"
    if promotion.dangers and not replace:
        yield "--replace"


def remains(found: Remains, purge: Collection[str], *, images: bool) -> list[Section]:
    """Return what goes and what stays when a Stack is destroyed."""
    goes = [Row(("-", "stack", found.stack, found.status), Tone.REMOVE)] if found.status else []
    goes += [Row(("-", "stack", found.hollow, "of images, without any"), Tone.REMOVE)] if found.hollow else []
    goes += [
        Row(("-", "jobs", each.queue, f"{each.jobs} under way are stopped"), Tone.DANGER) for each in found.jobs
    ]
    goes += [Row(("-", "secret", each, ""), Tone.REMOVE) for each in found.secrets]
    goes += [
        Row(("~", "bucket", each, "of others: forgets our notifications"), Tone.CHANGE) for each in found.listened
    ]
    stays = []
    for bucket in found.buckets:
        if bucket.bucket in purge:
            goes.append(Row(("-", "bucket", bucket.bucket, f"{content(bucket)}, for good"), Tone.DANGER))
        else:
            stays.append(Row(("=", "bucket", bucket.bucket, bucket.fault or content(bucket)), Tone.KEEP))
    for store in found.repositories:
        if images:
            goes.append(Row(("-", "repository", store.repository, stored(store)), Tone.REMOVE))
        else:
            stays.append(Row(("=", "repository", store.repository, stored(store)), Tone.KEEP))
    return [each for each in (Section("Goes", tuple(goes)), Section("Stays", tuple(stays))) if each.rows]


def stored(store: ImageStore) -> str:
    """Return how much is in a repository."""
    return f"{store.images} image{'s' * (store.images != 1)}, {size(store.bytes)}"


def content(bucket: Contents) -> str:
    """Return how much is in a bucket."""
    count = f"{'at least ' * bucket.is_more}{bucket.objects} object{'s' * (bucket.objects != 1)}"
    begun = f", {bucket.uploads} begun upload{'s' * (bucket.uploads != 1)}" if bucket.uploads else ""
    return f"{count}, {size(bucket.bytes)}{begun}"


def lines(message: Message) -> Iterator[str]:
    """Put a message of a plan, a promotion or a removal into words; routine ones need none."""
    from hfaas_deploy import messages
    from hfaas_tui import local

    match message:
        case messages.Happened(event) if event.reason in ROUTINE:
            return
        case messages.Happened(event):
            reason = f": {_one_line(event.reason)}" if event.reason else ""
            yield f"{event.resource} ({event.kind.rpartition('::')[2]}): {event.status}{reason}"
        case messages.ImageStarted(function, number, count):
            yield f"{function}: image {number} of {count}"
        case messages.Looking(what):
            yield f"looking {what}"
        case messages.Unheard(stack, reason):
            yield f"{stack}: AWS is not heard of ({reason}); it goes on by itself, and is asked again for up to 30 min"
        case messages.StillAt(stack, resources, seconds):
            at = ", ".join(resources) or "it"
            yield f"{stack}: AWS is still at {at}, nothing new for {seconds / 60:.0f} min; Ctrl-C leaves it to AWS, the same command watches on"
        case messages.GoesOn(stack):
            yield f"{stack}: AWS goes on with it"
        case messages.SmokeStarted(function):
            yield f"{function}: called once, without running its script"
        case messages.Smoked(function, None, text):
            yield f"{function}: {text}"
        case messages.Smoked(function, ok, text):
            yield f"{function}: {'works' if ok else 'FAILS'}: {text}"
        case messages.Recorded(bucket, key):
            yield f"recorded in s3://{bucket}/{key}"
        case messages.JobsUnderWay(queue, jobs):
            yield f"{queue}: {jobs} job{'s' * (jobs != 1)} under way; Batch stops what is left"
        case messages.Emptying(bucket, objects, count):
            yield f"s3://{bucket}: {objects} deleted, {size(count)}"
        case messages.Purged(bucket, objects, count):
            yield f"s3://{bucket}: gone for good, with {objects} object{'s' * (objects != 1)}, {size(count)}"
        case messages.SecretsLeaving(secrets, until):
            yield f"{len(secrets)} secret{'s' * (len(secrets) != 1)} went with it: {until}"
        case messages.Destroyed(stack, buckets, repositories):
            stays = [*(f"s3://{each}" for each in buckets), *repositories]
            yield f"{stack}: gone" + (f"; what stays: {', '.join(stays)}" if stays else "")
        case messages.BucketReady(bucket):
            yield f"s3://{bucket}: there, for events and records"
        case messages.SecretStored(provider):
            yield f"{provider}: its keys are in its secret"
        case messages.PushStarted(function, reference, count, layers):
            yield f"{function}: {size(count)} in {layers} layer{'s' * (layers != 1)} to {reference}"
        case messages.LayerMoved(function, layer, _, count, messages.LayerState.PUSHED):
            yield f"{function}: layer {layer} pushed" + (f", {size(count)}" if count else "")
        case messages.LayerMoved():
            return
        case messages.PushCut(function, reason, seconds):
            yield f"{function}: the push was cut off ({reason}); once more in {seconds:g} s, from where it was"
        case messages.ImagePushed(function, reference, sent):
            yield f"{function}: {'pushed' if sent else 'there already'}, and it is what was rehearsed: {reference}"
        case _:
            yield from local.lines(message)


def failed(message: Message) -> bool:
    """Tell whether a message is of something that went wrong."""
    from hfaas_deploy import messages

    if isinstance(message, messages.Smoked):
        return message.ok is False
    return isinstance(message, messages.Happened) and message.event.failed
