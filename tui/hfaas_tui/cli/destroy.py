"""`hfaas destroy`: what was promoted goes; what is in its buckets stays, unless a bucket is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfaas_tui import promotions
from hfaas_tui.clean import clean
from hfaas_tui.cli import confirmation, options
from hfaas_tui.cli.moving import Moving
from hfaas_tui.cli.promote import INTERRUPTED, sections
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.output import console, errors, print_document, print_news, print_text
from hfaas_tui.where import Where

if TYPE_CHECKING:
    from hfaas_deploy.aws.target import Target
    from hfaas_deploy.messages import Destroyed, Message
    from hfaas_deploy.promote.remains import Remains


@click.command()
@options.pipeline
@click.option("--stack", default=None, metavar="NAME", help="The Stack, where its pipeline file is not at hand.")
@options.away
@click.option(
    "--purge",
    multiple=True,
    metavar="BUCKET",
    help="Also this bucket with everything in it, for good; may be given again.",
)
@click.option("--purge-all", is_flag=True, help="Also all its buckets with everything in them, for good.")
@click.option("--images", is_flag=True, help="Also the repositories with its images.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.as_json
def destroy(
    file: Path,
    stack: str | None,
    where: Where,
    *,
    purge: tuple[str, ...],
    purge_all: bool,
    images: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Remove from AWS what `hfaas promote` brought there; buckets and images stay unless they are named.

    What goes and what stays is shown first. The Stack's name, and that of each bucket that is purged, have to be typed;
    --yes stands for them.
    """
    if where.kind == "oscar":
        from hfaas_tui import oscar

        if purge or purge_all or images or stack is not None:
            raise UsageError("--stack, --purge and --images are for AWS", "leave them out")
        return oscar.destroy(file, where, yes=yes, as_json=as_json)
    from hfaas_deploy.messages import Destroyed
    from hfaas_deploy.promote import destroying

    name, target = _place(file, stack, where)
    remains = destroying.facts(target, name)
    chosen = _chosen(remains, purge, everything=purge_all)
    sections(promotions.remains(remains, chosen, images=images), errors() if as_json else console())
    if remains.is_empty:
        _tell(remains, chosen, [], as_json=as_json)
        return 0
    _agree(remains, chosen, target, images=images, yes=yes)
    ended: list[Destroyed] = []
    with Moving() as moving:

        def tell(message: Message) -> None:
            if isinstance(message, Destroyed):  # the result, which is told when the rest is
                ended.append(message)
            else:
                moving.tell(message)

        try:
            destroying.destroy(target, name, tell, chosen, images=images)
        except KeyboardInterrupt:
            stage = moving.stage
        else:
            stage = ""
    if stage:
        errors().print("interrupted: " + clean(stage) + "; the same command goes on from there", markup=False)
        return INTERRUPTED
    _tell(remains, chosen, ended, as_json=as_json)
    return 0


def _place(file: Path, stack: str | None, where: Where) -> tuple[str, Target]:
    """Return the Stack and the account where it is, after asking whose credentials these are."""
    from hfaas_deploy import fdl, names
    from hfaas_deploy.promote import guard

    if stack is not None and not names.STACK.fullmatch(stack):  # a variable may have been empty
        raise UsageError(f"{stack!r} is no name of a Stack", "`hfaas status --target aws` shows them")
    pipeline = None if stack else fdl.parse(file)
    target = where.target_of(pipeline) if pipeline else where.target
    identity = guard.identify(target)
    guard.admit(identity, pipeline.account if pipeline else "")
    name = stack or (pipeline.stack if pipeline else "")
    errors().print(clean(f"DESTROY {name} in {promotions.place(identity)}"), style="bold red", markup=False)
    return name, target.within(identity.account)


def _chosen(remains: Remains, purge: Sequence[str], *, everything: bool) -> tuple[str, ...]:
    """Return the buckets to purge; UsageError for one that is not the Stack's, or cannot be had."""
    known = {each.bucket: each for each in remains.buckets}
    wanted = tuple(dict.fromkeys([*purge, *(known if everything else ())]))
    for bucket in set(wanted).intersection(remains.gone):  # where an earlier run was cut off after it
        print_news(f"s3://{bucket}: gone already")
    wanted = tuple(bucket for bucket in wanted if bucket not in remains.gone)
    for bucket in wanted:
        if bucket not in known:
            there = ", ".join(known) or "none"
            raise UsageError(f"{bucket} is no bucket of {remains.stack}", f"its buckets: {there}")
        if known[bucket].fault:
            raise CliError(f"{known[bucket].fault}", "leave it out")
    return wanted


def _agree(remains: Remains, chosen: Sequence[str], target: Target, *, images: bool, yes: bool) -> None:
    """Have names typed; CliError without a terminal and without --yes."""
    if yes:
        return
    if not confirmation.on_terminal():
        raise CliError("nobody can be asked without a terminal, so nothing was done", "add --yes to agree")
    also = " and its images" if images else ""
    confirmation.typed(
        f"Remove Stack {remains.stack}{also} from account {target.account}? Type its name", remains.stack
    )
    for bucket in remains.buckets:
        if bucket.bucket in chosen:
            confirmation.typed(
                f"Delete bucket {bucket.bucket} with {promotions.content(bucket)} for good? Type its name",
                bucket.bucket,
            )


def _tell(remains: Remains, chosen: Sequence[str], ended: Sequence[Destroyed], *, as_json: bool) -> None:
    if as_json:
        print_document({"ok": True, "stack": remains.stack, "purged": list(chosen), "found": asdict(remains)})
    elif remains.is_empty:
        print_text(f"{remains.stack}: there is nothing of it")
    for message in ended:
        for line in promotions.lines(message):
            (print_news if as_json else print_text)(line)
