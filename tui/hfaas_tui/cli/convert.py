"""`hfaas convert`: an old pipeline file in today's form."""

from __future__ import annotations

import os
from pathlib import Path

import click

from hfaas_tui.cli import options
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.output import print_json, print_news


@click.command()
@click.argument("old", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Where to write it [default: stdout]."
)
@click.option("--force", is_flag=True, help="Overwrite the output, if it is there.")
@options.defaults
@options.as_json
def convert(old: Path, output: Path | None, defaults: Path | None, *, force: bool, as_json: bool) -> int:
    """Print a pipeline file of SCAR 1.0 to 3.x, or of the drafts of 2019, in today's form.

    Comments stay where they were. What is left out is said, with the reason. With --defaults the defaults of a scar.cfg
    are written in.
    """
    from hfaas_deploy import conversion

    made = conversion.convert(old, defaults)
    if output is not None:
        _write(output, made.text, _mode(old), force=force)
    if as_json:
        print_json(
            {
                "converted": bool(made.notes) or defaults is not None,
                "output": None if output is None else str(output),
                "text": made.text,
                "notes": [finding.as_dict() for finding in made.notes],
                "dropped": [finding.as_dict() for finding in made.dropped],
            }
        )
        return 0
    if output is None:
        click.echo(made.text, nl=False)
    for finding in (*made.notes, *made.dropped):
        print_news(str(finding))
    for line in _told(old, output, is_old=bool(made.notes)):
        print_news(line)
    return 0


def _told(old: Path, output: Path | None, *, is_old: bool) -> list[str]:
    """What a person wants to know beside the findings."""
    lines = [] if is_old else [f"{old} has today's form already"]
    if output is None:
        return lines
    moved = output.absolute().parent != old.absolute().parent
    folder = "; paths in it, and the Stack's name where it has none, now come from its own folder" if moved else ""
    return [*lines, f"{output}: written{folder}"]


def _mode(file: Path) -> int:
    """Return who may read a file: keys may stand in it."""
    return file.stat().st_mode & 0o777


def _write(output: Path, text: str, mode: int, *, force: bool) -> None:
    """Write a file that is there whole or not at all."""
    if output.is_dir():
        raise UsageError(f"{output} is a folder", "name the file to write")
    if output.exists() and not force:
        raise UsageError(f"{output} is there already", "--force overwrites it; or name another --output")
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(output)
    except OSError as error:
        raise CliError(f"{output} cannot be written: {error.strerror}", "name another --output") from error
    finally:
        part.unlink(missing_ok=True)
