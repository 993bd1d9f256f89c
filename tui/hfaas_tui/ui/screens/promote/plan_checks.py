"""What is to be said of a plan: whose account it is, whether this was rehearsed, what is destroyed, what it costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hfaas_tui import promotions, units
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project.promoting import Refused
from hfaas_tui.ui.project.promotion import Image, Proposal
from hfaas_tui.ui.screens.promote import accounts, checks, resources
from hfaas_tui.ui.screens.promote.checks import SHA, Check, Evidence

if TYPE_CHECKING:
    from hfaas_deploy.promote.promotion import Identity, Promotion

DAY_S = 86400
MOST_DANGERS = 3


def of_plan(promotion: Promotion, proposal: Proposal | None, evidence: Evidence, now: float) -> Iterator[Check]:
    """Yield all that there is to say, what stops a promotion first."""
    yield from _stops(promotion)
    yield account(promotion.identity)
    yield rehearsed(promotion, now)
    if proposal:
        if promotion.template.sha256 != proposal.sha256:
            yield Check(Condition.WARNING, "file", "has changed since this plan was made", "r plans anew")
        yield checks.tested(proposal, evidence, now)
    if told := permissions(promotion):
        hint = "the last rows of the list say which"
        yield Check(Condition.WARNING, "permissions", told.partition("of ")[2], hint)
    yield from secrets(promotion)
    yield from _images(promotion, proposal)
    for note in promotion.notes:
        yield Check(Condition.NONE, "note", note)
    yield from checks.cost(evidence.estimate)


def stops(promotion: Promotion) -> str:
    """Return why this cannot be promoted; empty when it can be."""
    if fault := promotions.refusal(promotion):
        return fault
    return "" if promotion.rehearsal else f"this never ran here: {checks.DEPLOY}"


def permissions(promotion: Promotion) -> str:
    """Return how many permissions are granted and revoked; empty where none is."""
    signs = [one.action.value for one in promotion.statements]
    counts = (("+", "granted"), ("~", "changed"), ("-", "revoked"))
    found = [f"{count} {word}" for sign, word in counts if (count := signs.count(sign))]
    return f"permissions of IAM: {', '.join(found)}" if found else ""


def _stops(promotion: Promotion) -> Iterator[Check]:
    for fault in promotion.faults:
        yield Check(Condition.FAILED, "blocked", fault)
    for text in dangers(promotion, MOST_DANGERS):
        yield Check(Condition.FAILED, "danger", text)


def dangers(promotion: Promotion, most: int) -> Iterator[str]:
    """Yield in words what is destroyed, the first of it."""
    for danger in promotion.dangers[:most]:
        yield f"{danger.resource} ({resources.kind_of(danger.kind)}) {danger.text}"
    if (more := len(promotion.dangers) - most) > 0:
        yield f"and {more} more"


def account(identity: Identity) -> Check:
    """Say whose account it is, and who asks."""
    alias = f" ({identity.alias})" if identity.alias else ""
    text = f"{accounts.account(identity.account)}{alias} {identity.region}   {identity.arn}"
    if identity.is_stand_in:
        hint = f"played by {identity.host}, not AWS"
        return Check(Condition.WARNING, "account", text, hint, f"PLAYED by {identity.host}, not AWS")
    return Check(Condition.OK, "account", text, f"asked {identity.host}", identity.arn)


def rehearsed(promotion: Promotion, now: float) -> Check:
    """Say when exactly this was rehearsed."""
    mine, found = promotion.template.sha256[:SHA], promotion.rehearsal
    if found is None:
        text = f"no: the emulator never ran template {mine} with these images"
        return Check(
            Condition.FAILED,
            "rehearsed",
            text,
            f"{checks.DEPLOY}, then r here looks again",
            brief="no: this never ran here, F2 in 6 Deploy does it",
        )
    how = "in a run" if found.how == "run" else "deployed here"
    text = f"{found.template[:SHA]} at {clock(found.at, now)} ({how}), promoting {mine}"
    return Check(
        Condition.OK, "rehearsed", text, brief=f"{found.template[:SHA]} at {clock(found.at, now)}, promoting {mine}"
    )


def clock(at: float, now: float) -> str:
    """Return the time of day, with its date when that is another."""
    return time.strftime("%H:%M" if now - at < DAY_S else "%Y-%m-%d %H:%M", time.localtime(at))


def second(at: float) -> str:
    """Return the time of day to the second."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def date(at: float) -> str:
    """Return the date and the time of day."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def secrets(promotion: Promotion) -> Iterator[Check]:
    """Say which keys will be asked for."""
    for each in promotion.secrets:
        if each.missing:
            text = f"{each.provider}: {', '.join(each.missing)} not set"
            yield Check(Condition.WARNING, "secrets", text, "asked for before the deploy, kept nowhere here")


def _images(promotion: Promotion, proposal: Proposal | None) -> Iterator[Check]:
    # of images that are there AWS tells the packed size
    unpacked = {each.function: each.size for each in proposal.seen.images} if proposal else {}
    sizes = [(each, unpacked.get(each.function) or each.size) for each in promotion.images]
    yield from checks.images([Image(each.function, each.reference, size=size) for each, size in sizes])
    going = [each for each in promotion.images if each.upload.value != "there"]
    if going:
        known = sum(each.size for each in going)
        size = f", {units.size(known)} at most" if known else ""
        count = f"{len(going)} of {len(promotion.images)}"
        yield Check(Condition.NONE, "upload", f"{count} to push{size}; layers that AWS has are not sent again")


def of_refusal(refusal: Refused) -> Check:
    """Say why there is no plan, where that belongs."""
    return Check(Condition.FAILED, refusal.about, refusal.message, refusal.hint)
