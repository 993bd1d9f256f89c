"""What a person agrees to before AWS is touched: on a terminal by answers, elsewhere by options."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from hfaas_tui import promotions
from hfaas_tui.clean import clean
from hfaas_tui.errors import CliError
from hfaas_tui.output import errors, print_news

if TYPE_CHECKING:
    from hfaas_deploy.promote.promotion import Promotion


class Declined(CliError):
    """A person did not agree, so nothing was done."""


def on_terminal() -> bool:
    """Tell whether somebody is there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@dataclass(frozen=True, slots=True)
class Given:
    """What options say ahead of the questions: `account` are the last digits of the account's number."""

    yes: bool = False
    account: str = ""
    replace: bool = False
    unrehearsed: bool = False


def agree(promotion: Promotion, given: Given) -> None:
    """Return when it may begin; Declined when a person says no, CliError when options are missing."""
    if not promotion.rehearsal and not given.unrehearsed:
        raise not_rehearsed()
    admit(promotion, given)
    if not on_terminal():
        _demand(promotion, given)
        return
    if promotion.is_first and not given.account:
        typed(
            f"Nothing of hfaas was promoted to {promotion.identity.account} yet. Its last 4 digits",
            promotion.identity.last_digits,
        )
    elif not given.yes:
        sure(f"Promote {promotion.pipeline.stack} to {promotions.account(promotion)}?")
    if promotion.dangers and not given.replace:
        errors().print(f"[bold red]{_escaped(promotions.destroyed(promotion))}[/]")
        typed("Type `replace` to go on", promotions.REPLACE)


def admit(promotion: Promotion, given: Given) -> None:
    """CliError when these credentials are of another account than was said."""
    if given.account and given.account != promotion.identity.last_digits:
        raise CliError(
            f"--account {given.account} was said, but these credentials are of {promotion.identity.account}",
            "name others with --profile",
        )


def agree_again(promotion: Promotion, given: Given, before: Promotion) -> bool:
    """Tell whether AWS may do something else than was shown; the dangers agreed to before are agreed to."""
    print_news("AWS would do something else now than what was shown: " + promotions.total(promotion))
    new = set(promotion.dangers) - set(before.dangers)
    for danger in sorted(new, key=lambda each: each.resource):
        errors().print(f"[bold red]{_escaped(f'{danger.resource} ({danger.kind}) {danger.text}')}[/]")
    if on_terminal():
        if new:
            typed("Type `replace` to go on", promotions.REPLACE)
            return True
        return click.confirm("Go on?", err=True)
    return given.yes and (not new or given.replace)


def not_rehearsed() -> CliError:
    """Return why nothing is promoted that this machine never ran."""
    return CliError(
        "the emulator never ran exactly this template with these images",
        "rehearse it with `hfaas run` or `hfaas deploy`, then promote it; --unrehearsed goes on without",
    )


def sure(question: str) -> None:
    """Ask y/N; Declined for anything but yes."""
    if not click.confirm(clean(question), err=True):
        raise Declined("nothing was done")


def typed(question: str, wanted: str) -> None:
    """Have a word typed; Declined when it is another one."""
    answer = click.prompt(clean(question), default="", show_default=False, err=True)
    if answer.strip() != wanted:
        raise Declined(f"{answer.strip()!r} is not {wanted!r}: nothing was done")


def _demand(promotion: Promotion, given: Given) -> None:
    left = list(promotions.demands(promotion, yes=given.yes, account=given.account, replace=given.replace))
    if not left:
        return
    about = f" ({promotions.destroyed(promotion)})" if promotion.dangers and not given.replace else ""
    raise CliError(
        f"nobody can be asked without a terminal{about}, so nothing was done", f"add {' '.join(left)} to agree"
    )


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(clean(text))
