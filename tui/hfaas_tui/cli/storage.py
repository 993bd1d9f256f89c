"""`hfaas put` and `hfaas get`: files into buckets and back, streamed, with progress."""

from __future__ import annotations

from pathlib import Path

import click

from hfaas_tui import watch
from hfaas_tui.cli import options
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.location import parse
from hfaas_tui.output import print_json, print_text


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("target", metavar="s3://BUCKET/FOLDER/")
@options.endpoint
@options.state
@options.as_json
def put(files: tuple[Path, ...], target: str, endpoint: str | None, state: Path | None, as_json: bool) -> int:
    """Copy files and folders into a bucket; a TARGET that ends in `/` is a folder."""
    from hfaas_tui import transfer
    from hfaas_tui.progress import bar

    place = parse(target)
    emulator = watch.find(endpoint, state)
    uploads = transfer.plan_uploads(files, place)
    with bar("putting", sum(each.file.stat().st_size for each in uploads)) as moved:
        done = transfer.upload(transfer.s3(emulator.endpoint), uploads, moved)
    if as_json:
        print_json(done)
    else:
        for url in done:
            print_text(url)
    return 0


@click.command()
@click.argument("source", metavar="s3://BUCKET/[KEY or FOLDER/]")
@click.argument("target", type=click.Path(path_type=Path), default=Path())
@options.endpoint
@options.state
@options.as_json
def get(source: str, target: Path, endpoint: str | None, state: Path | None, as_json: bool) -> int:
    """Copy one object, or all below a folder, to a directory."""
    from hfaas_tui import transfer
    from hfaas_tui.progress import bar

    place = parse(source)
    client = transfer.s3(watch.find(endpoint, state).endpoint)
    found = transfer.listing(client, place)
    if not found:
        raise CliError(f"there is nothing at {place}", "`hfaas ls s3://BUCKET/` shows what there is")
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is no directory", "objects are copied into a directory")
    with bar("getting", sum(each.size for each in found)) as moved:
        written = transfer.download(client, found, target, moved)
    if as_json:
        print_json([str(path) for path in written])
    else:
        for path in written:
            print_text(str(path))
    return 0
