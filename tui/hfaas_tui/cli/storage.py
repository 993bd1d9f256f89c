"""`hfaas put` and `hfaas get`: files into buckets and spaces and back, streamed, with progress."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from hfaas_tui.cli import options
from hfaas_tui.errors import CliError
from hfaas_tui.location import Location, parse
from hfaas_tui.output import print_json, print_text
from hfaas_tui.where import Where


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("place", metavar="s3://BUCKET/FOLDER/")
@options.where
@options.as_json
def put(files: tuple[Path, ...], place: str, where: Where, *, as_json: bool) -> int:
    """Copy files and folders into a bucket; one that ends in `/` is a folder.

    onedata://SPACE/FOLDER/ is a folder of a space.
    """
    return copy_in(where, files, parse(place), as_json=as_json)


@click.command()
@click.argument("source", metavar="s3://BUCKET/[KEY or FOLDER/]")
@click.argument("to", metavar="[TARGET]", default=".")
@options.where
@options.as_json
def get(source: str, to: str, where: Where, *, as_json: bool) -> int:
    """Copy one object to a file or into a folder, or all below a folder into a folder.

    As cp does: a target that exists as a folder, or ends in `/`, is a folder. onedata://SPACE/PATH is a file or a
    folder of a space.
    """
    return copy_out(where, parse(source), to, as_json=as_json)


def copy_in(where: Where, files: Sequence[Path], place: Location, *, as_json: bool) -> int:
    """Copy files into a storage and print where they are."""
    from hfaas_tui import storages, transfer
    from hfaas_tui.progress import bar

    uploads = transfer.plan_uploads(files, place)
    total = sum(each.file.stat().st_size for each in uploads)
    with storages.reached(where, place) as storage, bar("putting", total) as moved:
        done = transfer.upload(storage, uploads, moved)
    _tell(done, as_json=as_json)
    return 0


def copy_out(where: Where, place: Location, target: str, *, as_json: bool) -> int:
    """Copy from a storage to a file or into a folder and print what was written."""
    from hfaas_tui import storages, transfer
    from hfaas_tui.progress import bar

    with storages.reached(where, place) as storage:
        found = storage.listing(place)
        if not found:
            hint = f"`hfaas ls {place.storage}://{place.bucket}/{where.again}` shows what there is"
            raise CliError(f"there is nothing at {place}", hint)
        targets = transfer.plan_downloads(found, place, target)
        with bar("getting", sum(each.size for each in found)) as moved:
            written = transfer.copy(storage, found, targets, moved)
    _tell([str(path) for path in written], as_json=as_json)
    return 0


def _tell(lines: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json(list(lines))
        return
    for line in lines:
        print_text(line)
