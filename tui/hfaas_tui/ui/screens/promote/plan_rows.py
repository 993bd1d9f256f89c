"""What a promotion would do as rows of a list, with their details; the words are those of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfaas_tui import promotions, units
from hfaas_tui.promotions import Tone
from hfaas_tui.ui.project import deploying
from hfaas_tui.ui.screens.promote import resources
from hfaas_tui.ui.screens.promote.resources import Resource
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import Line

if TYPE_CHECKING:
    from hfaas_deploy.preview import Step
    from hfaas_deploy.promote.promotion import ImagePlan, Promotion, Statement

ACTIONS: Mapping[str, str] = {"+": "create", "~": "update", "-": "delete", "=": "same", "!": "look"}
TONES: Mapping[Tone, str] = {
    Tone.ADD: "ok",
    Tone.CHANGE: "warn",
    Tone.REMOVE: "err",
    Tone.KEEP: "dim",
    Tone.WARNING: "warn",
    Tone.DANGER: "err",
}
KINDS: Mapping[str, str] = {
    "function": "Lambda function",
    "trigger": "S3 notification",
    "job def": "Batch job definition",
    "api": "HTTP API",
    "url": "Function URL",
    "bucket": "S3 bucket",
    "queue": "SQS queue",
    "queuepolicy": "SQS queue policy",
    "rule": "EventBridge rule",
    "secret": "Secret",
    "role": "Role",
    "securitygroup": "Security group",
    "instanceprofile": "Instance profile",
    "permission": "Permission",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a promotion does; `sign` is that of a step of the Stack, empty for what is around it."""

    id: str
    action: str
    tone: str
    kind: str
    name: str
    about: str = ""
    short: str = ""
    sign: str = ""
    lines: tuple[Line, ...] = ()


def rows(promotion: Promotion, made: Sequence[Resource]) -> list[Row]:
    """Return what would be done, what destroys something first; `made` are the resources of the template."""
    told = {section.title: section.rows for section in promotions.summary(promotion)}
    known = {(one.kind, one.name): one for one in made}
    images = {one.function: one for one in promotion.images}
    steps = zip(promotion.preview.steps, told.get("Resources", ()), strict=True)
    found = [_step(step, row, known, images.get(step.name)) for step, row in steps]
    found.sort(key=lambda row: row.tone != "err")
    found += [_image(one, row) for one, row in zip(promotion.images, told.get("Images", ()), strict=True)]
    found += [
        Row(f"repository {name}", "+ create", "ok", "ECR repository", name, "", "repository")
        for name in promotion.repositories
    ]
    shown = {row.name for row in found if row.kind == "S3 bucket"}
    found += [_plain("Buckets", "S3 bucket", row) for row in told.get("Buckets", ()) if _says_more(row, shown)]
    found += [_plain("Secrets", "Keys", row) for row in told.get("Secrets", ())]
    permissions = zip(promotion.statements, told.get("Permissions", ()), strict=True)
    return found + [_statement(number, one, row) for number, (one, row) in enumerate(permissions)]


def _says_more(bucket: promotions.Row, shown: set[str]) -> bool:
    """Tell whether a bucket is more than one that the Stack makes, or has."""
    return bucket.cells[1] not in shown or bucket.tone not in {Tone.ADD, Tone.KEEP}


def _action(mark: str) -> str:
    return f"{mark} {ACTIONS.get(mark, '')}"


def _step(
    step: Step, row: promotions.Row, known: Mapping[tuple[str, str], Resource], image: ImagePlan | None
) -> Row:
    mark, _, name, _ = row.cells
    kind = KINDS.get(step.kind, step.kind)
    resource = known.get((kind, name.removeprefix("s3://")))
    changed = [
        (one.name, deploying.short(one.name, one.old), deploying.short(one.name, one.new)) for one in step.settings
    ]
    changed.sort(key=lambda one: one[0] == "image")  # it always changes
    about = ", ".join(f"{name} {old or '-'} → {new or '-'}" for name, old, new in changed)
    lines: list[Line] = [
        (Part(f"   {name:<24}  ", "head"), Part(old or "-", "dim"), Part(" → "), Part(new or "-", "warn"))
        for name, old, new in changed
    ]
    if resource and not about and (mark == "+" or step.is_adopted):
        about = resource.about
    if step.kind == "function" and image:
        lines += _facts(_of_image(image))
    if resource:
        lines += _facts(resources.details(resource))
    action = "! replace" if step.is_replaced else "~ take over" if step.is_adopted else _action(mark)
    tone = "err" if step.is_replaced else TONES.get(row.tone, "")
    return Row(f"{step.kind} {name}", action, tone, kind, name, about, step.kind, mark, tuple(lines))


def _facts(facts: Iterator[tuple[str, str]]) -> Iterator[Line]:
    return ((Part(f"   {name:<24}  ", "head"), Part(text)) for name, text in facts)


def _image(image: ImagePlan, row: promotions.Row) -> Row:
    mark, name, what, weight, digest, _ = row.cells
    about = "  ".join(part for part in (what, weight, digest) if part)
    lines = tuple(_facts(_of_image(image)))
    action = _action("=") if row.tone is Tone.KEEP else f"{mark} image"
    return Row(f"image {name}", action, TONES.get(row.tone, ""), "Image", name, about, "image", lines=lines)


def _of_image(image: ImagePlan) -> Iterator[tuple[str, str]]:
    yield "image", image.reference or "known once it is built"
    yield "engine's id", image.id or "known once it is built"
    yield "repository", f"{image.repository}:{image.tag}"
    yield "digest", image.digest or "known once it is pushed"
    yield "size", units.size(image.size) if image.size else "not known"
    yield "deployed", image.deployed or "none yet"


def _plain(section: str, kind: str, row: promotions.Row) -> Row:
    mark, name, told = row.cells
    lines = ((Part(f"   {told}"),),)
    action = _action(mark) if section == "Buckets" or mark != "!" else "! ask"
    short = "bucket" if section == "Buckets" else "keys"
    return Row(f"{section} {name}", action, TONES.get(row.tone, ""), kind, name, told, short, lines=lines)


def _statement(number: int, one: Statement, row: promotions.Row) -> Row:
    mark, role, told = row.cells
    facts = [
        ("effect", one.effect),
        *(("action", each) for each in one.actions),
        *(("resource", each) for each in one.resources),
        *((("condition", one.condition),) if one.condition else ()),
    ]
    action = {"+": "+ permit", "-": "- revoke"}.get(mark, _action(mark))
    tone = {"+": "ok", "-": "warn"}.get(mark, "")
    lines = tuple(_facts(iter(facts)))
    return Row(f"permission {number}", action, tone, "IAM permission", role, told, "permission", lines=lines)


def counts(promotion: Promotion, made: Sequence[Resource]) -> Iterator[Part]:
    """Yield how many resources become what: as the command line counts them, and as the deploy shows them."""
    found = promotions.counted(promotion)
    words = (
        ("create", found["add"], "ok"),
        ("update", found["change"], "warn"),
        ("delete", found["remove"], "err"),
    )
    for word, count, tone in words:
        yield Part(f" {count} {word} ", tone if count else "dim")
    touched = sum(count for name, count in found.items() if name != "remove")
    yield Part(f" {max(0, sum(not one.is_part for one in made) - touched)} same ", "dim")
    if found["take over"]:
        yield Part(f" {found['take over']} take over ", "warn")
    if found["replace"]:
        yield Part(f" {found['replace']} replace ", "err")
