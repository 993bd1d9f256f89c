"""The line that says from where to where a promotion goes, and which of its steps is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hfaas_tui.ui.screens.promote import accounts
from hfaas_tui.ui.screens.promote.agreeing import Agree
from hfaas_tui.ui.widgets.chrome import Part

if TYPE_CHECKING:
    from hfaas_deploy.promote.promotion import Promotion
    from hfaas_tui.ui.screens.promote.view import Promote

STEPS = ("Check", "Plan", "Confirm", "Deploy", "Verify")
CONFIRM = 3


def steps(view: Promote) -> Iterator[Part]:
    """Yield all steps, the one that is shown in brackets; the dialog is one of them."""
    shown = CONFIRM if isinstance(view.app.screen, Agree) else view.page.NUMBER
    for at, step in enumerate(STEPS, 1):
        words = step if view.is_narrow else f"{at} {step}"
        lead = "─" if at > 1 else ""
        if at == shown:
            yield Part(f"{lead}[{words}]", "active", "" if at == CONFIRM else f"turn({at})")
        else:
            yield Part(f"{lead}{words}", "dim", "" if at == CONFIRM else f"turn({at})")


def whence(view: Promote) -> list[Part]:
    """Return from where to where it goes, as far as that is known."""
    known = _promotion(view)
    lead = " LOCAL ─▶ AWS" if view.is_narrow else " LOCAL emulator ─▶ AWS"
    if known is None:
        region = view.where.region or (view.proposal.region if view.proposal else "")
        return [Part(f"{lead} {region}".rstrip(), "head"), Part("  not asked yet", "dim")]
    who = known.identity
    alias = f" ({who.alias})" if who.alias and not view.is_narrow else ""
    parts = [Part(f"{lead} {accounts.account(who.account)}{alias} {who.region}", "head")]
    return parts if view.is_narrow else [*parts, Part(f"   {accounts.profile(view.where)}", "dim", "account")]


def _promotion(view: Promote) -> Promotion | None:
    one = view.deployed.undertaking
    return view.planned.promotion or (
        one.promotion if one and view.page in (view.deployed, view.verified) else None
    )
