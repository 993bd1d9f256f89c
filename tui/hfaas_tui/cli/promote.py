"""`hfaas plan` and `hfaas promote`: what was rehearsed goes to AWS."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfaas_tui import promotions
from hfaas_tui.clean import clean
from hfaas_tui.cli import confirmation, options
from hfaas_tui.cli.confirmation import Given
from hfaas_tui.cli.moving import Moving
from hfaas_tui.errors import CliError
from hfaas_tui.output import console, errors, print_document, print_news, print_text, table
from hfaas_tui.promotions import Section, Tone
from hfaas_tui.where import Where

if TYPE_CHECKING:
    from rich.console import Console

    from hfaas_deploy.aws.target import Target
    from hfaas_deploy.building.images import DockerImages
    from hfaas_deploy.pipeline import Pipeline
    from hfaas_deploy.promote.promotion import Promoted, Promotion

INTERRUPTED = 130
STYLES: Mapping[Tone, str] = {
    Tone.PLAIN: "",
    Tone.ADD: "green",
    Tone.CHANGE: "yellow",
    Tone.REMOVE: "red",
    Tone.KEEP: "dim",
    Tone.WARNING: "bold yellow",
    Tone.DANGER: "bold red",
}


@click.command()
@options.pipeline
@options.build_arg
@options.away
@options.as_json
def plan(file: Path, build_args: tuple[str, ...], where: Where, *, as_json: bool) -> int:
    """Show what `hfaas promote` would do; nothing is touched.

    Images, resources, permissions, buckets and secrets: what is made (+), changed (~), removed (-) and kept (=).
    """
    if where.kind == "oscar":
        from hfaas_tui import oscar

        return oscar.promote(file, where, dry_run=True, as_json=as_json)
    found = Work.of(file, build_args, where).plan()
    if as_json:
        print_document(_planned(found))
        return 1 if found.faults else 0
    show(found, console())
    if found.faults:
        raise CliError(promotions.refusal(found))
    return 0


@click.command()
@options.pipeline
@options.build_arg
@options.away
@click.option("--dry-run", is_flag=True, help="Show what would be done, as `hfaas plan` does, and stop.")
@click.option("--yes", is_flag=True, help="Do not ask whether to promote.")
@click.option("--account", default="", metavar="LAST4", help="The account's last 4 digits, for a first promotion.")
@click.option("--replace", is_flag=True, help="Agree that resources are removed or replaced.")
@click.option("--unrehearsed", is_flag=True, help="Go on with what the emulator never ran.")
@click.option("--adopt", is_flag=True, help="With --target oscar: take over services that hfaas has not made.")
@click.option("--no-smoke", is_flag=True, help="Do not call the functions once when all is up.")
@options.as_json
def promote(
    file: Path,
    build_args: tuple[str, ...],
    where: Where,
    *,
    dry_run: bool,
    yes: bool,
    account: str,
    replace: bool,
    unrehearsed: bool,
    adopt: bool,
    no_smoke: bool,
    as_json: bool,
) -> int:
    """Bring to AWS what was rehearsed on the emulator: the same template, the same images.

    The plan is shown first and has to be agreed to. Whatever cuts it off, the same command takes it up again.
    """
    given = Given(yes, account, replace, unrehearsed)
    if where.kind == "oscar":
        from hfaas_tui import oscar

        return oscar.promote(file, where, dry_run=dry_run, yes=yes, adopt=adopt, as_json=as_json)
    work = Work.of(file, build_args, where)
    found = work.plan()
    show(found, errors() if as_json else console())
    if found.faults:
        raise CliError(promotions.refusal(found), "nothing was done")
    if dry_run:
        if as_json:
            print_document(_planned(found))
        return 0
    confirmation.admit(found, given)
    if not (found.is_empty and (found.rehearsal or unrehearsed)):
        confirmation.agree(found, given)
    promoted = work.promote(found, given, ask_for(found), smoke=not no_smoke)
    if promoted is None:
        return INTERRUPTED
    _tell(promoted, where, as_json=as_json)
    return 0


@dataclass(frozen=True, slots=True)
class Work:
    """A pipeline and where it goes."""

    pipeline: Pipeline
    target: Target

    @classmethod
    def of(cls, file: Path, build_args: tuple[str, ...], where: Where) -> Work:
        """Read the file, and find out about the target without asking it."""
        from hfaas_deploy import fdl
        from hfaas_tui import local

        pipeline = local.with_build_args(fdl.read(file), options.pairs(build_args, "--build-arg"))
        return cls(pipeline, where.target_of(pipeline))

    def plan(self) -> Promotion:
        """Find out what would be done."""
        from hfaas_deploy.promote import planning
        from hfaas_deploy.promote.rehearsals import Rehearsals

        with Moving() as moving:
            return planning.plan(self.pipeline, self.target, images(), Rehearsals(), moving.tell)

    def promote(
        self, promotion: Promotion, given: Given, keys: Mapping[str, str], *, smoke: bool
    ) -> Promoted | None:
        """Do it; None when it was interrupted, which is told with what AWS is left with."""
        from hfaas_deploy.promote import procedure

        with Moving() as moving:

            def agree(other: Promotion) -> bool:
                with moving.aside():
                    return confirmation.agree_again(other, given, promotion)

            try:
                return procedure.promote(
                    promotion,
                    self.target,
                    images(),
                    moving.tell,
                    agree,
                    smoke=smoke,
                    environ={**os.environ, **keys},
                )
            except KeyboardInterrupt:
                stage = moving.stage
        errors().print(f"interrupted: {clean(stage)}; the same command goes on from there", markup=False)
        return None


def images() -> DockerImages:
    """Return the engine's images, which are what a promotion sends."""
    from hfaas_deploy.building.images import DockerImages, NoEngine

    try:
        return DockerImages()
    except NoEngine as error:  # its hint is that of a rehearsal, which can do without
        raise CliError(error.message, "start Docker, or set DOCKER_HOST to where it runs") from None


def show(promotion: Promotion, screen: Console) -> None:
    """Print everything that a person agrees to."""
    style = "bold" if promotion.rehearsal else "bold red"
    screen.print(clean(f"{promotion.pipeline.stack}: {promotions.route(promotion)}"), style=style, markup=False)
    screen.print()
    sections(promotions.summary(promotion), screen)
    screen.print(clean(promotions.total(promotion)), style="bold", markup=False)


def sections(found: Iterable[Section], screen: Console) -> None:
    """Print sections, each followed by an empty line."""
    for each in found:
        _section(each, screen)
        screen.print()


def _section(section: Section, screen: Console) -> None:
    screen.print(section.title, style="bold")
    grid = table(("",) * len(section.rows[0].cells), (row.cells for row in section.rows))
    grid.show_header = False
    for drawn, row in zip(grid.rows, section.rows, strict=True):
        drawn.style = STYLES[row.tone]
    screen.print(grid)


def ask_for(promotion: Promotion) -> dict[str, str]:
    """Ask for keys that nobody has set, for this run alone; CliError where nobody can be asked and they must be known.

    A secret that has a value keeps it.
    """
    found: dict[str, str] = {}
    for provider, name in promotions.missing(promotion):
        if confirmation.on_terminal():
            value = click.prompt(f"{provider}: {name}", default="", show_default=False, hide_input=True, err=True)
            found |= {name: value} if value else {}
        elif promotions.is_needed(promotion, provider):
            raise CliError(f"{provider}: {name} is not set, and its secret has no value yet", f"set {name}")
        else:
            print_news(f"{provider}: {name} is not set, its secret stays as it is")
    return found


def _planned(promotion: Promotion) -> dict[str, Any]:
    return {"ok": not promotion.faults, **promotion.to_json(), "total": promotions.total(promotion)}


def _tell(promoted: Promoted, where: Where, *, as_json: bool) -> None:
    if as_json:
        print_document({"ok": True, **promotions.record(promoted)})
        return
    print_text(
        f"{promoted.stack}: {'promoted' if promoted.changed else 'no changes'}, template {promoted.template[:12]}"
    )
    for name, value in sorted(promoted.outputs.items()):
        print_text(f"  {name:<28} {value}")
    print_text(f"`hfaas ls{where.again}` shows the functions, `hfaas logs NAME -f{where.again}` what they say")
