"""What is to be said before a promotion: was exactly this rehearsed, did it work, is everything there, what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hfaas_tui.money import approximately, dollars
from hfaas_tui.ui.model import Condition, Function, Run
from hfaas_tui.ui.project.costs import RUNS, Estimate
from hfaas_tui.ui.project.promotion import Image, Proposal
from hfaas_tui.ui.safe import ago
from hfaas_tui.ui.stats import BAD, stands_for_itself
from hfaas_tui.units import size

LARGEST = 10 << 30
"""Bytes of an image that Lambda takes, unpacked."""

LONGEST = 103
"""Cells of a text in a window of 120."""

SHA = 12
DEPLOY = "6 Deploy: F2 deploys it here"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checks; `brief` stands for the text where there is little room."""

    state: Condition
    name: str
    text: str
    hint: str = ""
    brief: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """How the runs of one function went since it was deployed as it is."""

    runs: int = 0
    failed: int = 0
    last: float = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the runs tell: how those of each function went, and what they would cost."""

    trials: Mapping[str, Trial] = field(default_factory=lambda: MappingProxyType({}))
    estimate: Estimate | None = None


def trials(runs: Iterable[Run], functions: Iterable[Function]) -> dict[str, Trial]:
    """Count what ran since each function was deployed; for a worker: there may be 50,000 of them."""
    since = {each.name: each.modified for each in functions}
    found: dict[str, Trial] = {}
    for run in runs:
        begin = since.get(run.function)
        if begin is None or run.queued < begin or not run.is_over or not stands_for_itself(run):
            continue
        old = found.get(run.function, Trial())
        bad = run.state in BAD
        last = old.last if bad else max(old.last, run.ended or 0)
        found[run.function] = Trial(old.runs + 1, old.failed + bad, last)
    return found


def checks(proposal: Proposal, evidence: Evidence, now: float) -> Iterator[Check]:
    """Yield all that there is to say, the most important first."""
    yield rehearsed(proposal)
    yield tested(proposal, evidence, now)
    yield from secrets(proposal)
    yield credentials(proposal)
    yield from images(proposal.seen.images)
    yield from warnings(proposal)
    yield from cost(evidence.estimate)


def is_rehearsed(proposal: Proposal) -> bool:
    """Tell whether this very template and these very images are deployed here, and came up."""
    seen = proposal.seen
    return seen.sha256 == proposal.sha256 and _is_up(seen.status) and all(each.is_same for each in seen.images)


def _is_up(status: str) -> bool:
    return status.endswith("_COMPLETE") and "DELETE" not in status and status != "ROLLBACK_COMPLETE"


def rehearsed(proposal: Proposal) -> Check:
    """Say whether exactly this is deployed here."""
    seen, mine = proposal.seen, proposal.sha256[:SHA]
    if proposal.trouble:
        return Check(
            Condition.WARNING, "rehearsed", f"not known: {proposal.trouble.message}", proposal.trouble.hint
        )
    if not seen.status:
        return Check(Condition.WARNING, "rehearsed", f"no: {proposal.stack} is not deployed here", DEPLOY)
    if not _is_up(seen.status):
        return Check(Condition.FAILED, "rehearsed", f"no: the Stack is {seen.status}", DEPLOY)
    if seen.sha256 != proposal.sha256:
        other = f"template {seen.sha256[:SHA]}" if seen.sha256 else "a template without a fingerprint"
        return Check(Condition.WARNING, "rehearsed", f"no: {other} is deployed here, this is {mine}", DEPLOY)
    return _same_images(proposal)


def _same_images(proposal: Proposal) -> Check:
    found = proposal.seen.images
    same = f"template {proposal.sha256[:SHA]} is deployed here"
    changed = [each.function for each in found if each.wanted and not each.is_same]
    unknown = [each.function for each in found if not each.wanted]
    if changed:
        text = f"{same}, but the image of {_listed(changed)} would be another"
        return Check(Condition.WARNING, "rehearsed", text, DEPLOY)
    if unknown:
        text = f"{same}; the image of {_listed(unknown)} cannot be told before it is built"
        return Check(Condition.WARNING, "rehearsed", text)
    if any(each.is_process for each in found):
        text = f"{same} with these files, as plain processes: the images never ran"
        return Check(Condition.WARNING, "rehearsed", text, "`hfaas up --engine docker` runs images")
    count = "the image" if len(found) == 1 else f"all {len(found)} images"
    return Check(Condition.OK, "rehearsed", f"{same}, with {count}")


def tested(proposal: Proposal, evidence: Evidence, now: float) -> Check:
    """Say how what is deployed has worked."""
    if proposal.trouble and not evidence.trials:
        return Check(Condition.WARNING, "tested", f"not known: {proposal.trouble.message}")
    found = {name: evidence.trials.get(name, Trial()) for name in proposal.functions}
    runs, failed = sum(one.runs for one in found.values()), sum(one.failed for one in found.values())
    idle = [name for name, one in found.items() if not one.runs]
    if not runs:
        text = "nothing has run since the deploy" if proposal.seen.status else "nothing has run here"
        return Check(Condition.WARNING, "tested", text, "4 Storage: u uploads an input")
    last = max((one.last for one in found.values()), default=0)
    since = f", last ✓ {ago(max(0.0, now - last))}" if last else ""
    counted = f"{runs} run{'s' * (runs != 1)} since the deploy, {failed} failed"
    if not is_rehearsed(proposal):
        counted += ", of what is deployed now"
    if failed:
        where = _listed([name for name, one in found.items() if one.failed])
        return Check(Condition.FAILED, "tested", f"{counted}: {where}{since}", "3 Runs shows why")
    if idle:
        return Check(Condition.WARNING, "tested", f"{counted}{since}; never ran: {_listed(idle)}")
    return Check(Condition.OK, "tested", f"{len(found)} of {len(found)} functions: {counted}{since}", brief=counted)


def secrets(proposal: Proposal) -> Iterator[Check]:
    """Say which keys the functions need, and whether somebody has set them here."""
    if not proposal.secrets:
        yield Check(Condition.OK, "secrets", "none needed")
    for each in proposal.secrets:
        kind, _, name = each.provider.partition(".")
        what = f"variables of {name}" if kind == "variables" else each.provider
        if each.missing:
            text = f"{what}: {', '.join(each.missing)} not set"
            yield Check(Condition.WARNING, "secrets", text, "its secret stays empty until it is")
        else:
            yield Check(Condition.OK, "secrets", f"{what}: at hand, and not in the template")


def credentials(proposal: Proposal) -> Check:
    """Say whether AWS credentials are configured; whether they are good, AWS alone could tell."""
    if proposal.credentials:
        return Check(
            Condition.OK, "credentials", f"configured: {proposal.credentials} (not tried, AWS was not asked)"
        )
    text = f"none found for profile {proposal.profile}: fine for local work, needed to promote"
    brief = f"none found for profile {proposal.profile}, needed to promote"
    return Check(Condition.WARNING, "credentials", text, "`aws configure` sets them up", brief)


def images(found: Iterable[Image]) -> Iterator[Check]:
    """Say how large the images are, where that is known."""
    known = [each for each in found if each.size]
    if not known:
        return
    large = [each.function for each in known if each.size > LARGEST]
    biggest = max(known, key=lambda each: each.size)
    count = f"{len(known)} image{'s' * (len(known) != 1)}"
    text = f"{count}, together {size(sum(each.size for each in known))}, the largest {size(biggest.size)}"
    if large:
        yield Check(Condition.FAILED, "images", f"{_listed(large)}: larger than the 10 GiB that Lambda takes")
    else:
        yield Check(Condition.OK, "images", text)


def warnings(proposal: Proposal) -> Iterator[Check]:
    """Tell what the check of the pipeline file remarked."""
    if proposal.warnings:
        more = f"  and {len(proposal.warnings) - 1} more" if len(proposal.warnings) > 1 else ""
        yield Check(Condition.WARNING, "file", f"line {proposal.warnings[0]}{more}", "6 Deploy shows them")


def cost(estimate: Estimate | None) -> Iterator[Check]:
    """Tell what it would cost: a run, a thousand of them, and a month without any."""
    if estimate is None:
        return
    state = Condition.WARNING if estimate.is_old else Condition.NONE
    idle = f"idle {dollars(estimate.standing)} a month"
    if estimate.one is None:
        yield Check(state, "cost", f"a run: not known before one was seen here   {idle}")
    else:
        parts = ", ".join(f"{group} {dollars(part)}" for group, part in estimate.groups.items())
        one, thousand = approximately(estimate.one), f"{RUNS:,} runs {approximately(RUNS * estimate.one)}"
        text, brief = f"one run {one} ({parts})   {thousand}   {idle}", f"one run {one}   {thousand}   {idle}"
        if len(text) > LONGEST:  # the parts are what can be missed
            text = brief
        yield Check(state, "cost", text, brief=brief)
    prices = f"{estimate.region} prices of {estimate.written}, {'out of date' if estimate.is_old else 'unverified'}"
    notes = "; ".join((f"an estimate: {prices}, no free tier", *estimate.notes))
    yield Check(Condition.NONE, "", notes)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more
