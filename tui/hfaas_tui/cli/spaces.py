"""`hfaas space`: the spaces of the emulated Oneprovider, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from hfaas_tui import watch
from hfaas_tui.cli import options
from hfaas_tui.cli.storage import copy_in, copy_out
from hfaas_tui.errors import UsageError
from hfaas_tui.location import ONEDATA, Location
from hfaas_tui.output import console, print_json, print_news, print_text, table
from hfaas_tui.units import size
from hfaas_tui.where import Where


@click.group()
def space() -> None:
    """Spaces of Onedata: make them, put files in and get them out.

    A place is NAME, or NAME/PATH; onedata://NAME/PATH means the same.
    """


@space.command()
@click.argument("name")
@click.option(
    "--seed",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder whose files are copied into it.",
)
@options.endpoint
@options.state
@options.as_json
def create(name: str, seed: Path | None, endpoint: str | None, state: Path | None, *, as_json: bool) -> int:
    """Make a space, or find the one of this name; print its host, its token and the certificate authority.

    Programs in containers know the host as `internalHost`.
    """
    emulator = watch.find(endpoint, state)
    about = emulator.make_space(name)
    if seed:
        _fill(emulator, name, seed)
    if as_json:
        print_json(about)
    else:
        for key in ("name", "spaceId", "host", "internalHost", "ca", "token"):
            print_text(f"{key:<13} {about[key]}")
    return 0


def _fill(emulator: watch.Emulator, name: str, seed: Path) -> None:
    from hfaas_tui import transfer
    from hfaas_tui.spaces import Spaces

    uploads = transfer.plan_uploads([seed], Location(name, "", ONEDATA))
    with closing(Spaces(emulator)) as spaces:
        done = transfer.upload(spaces, uploads)
    print_news(f"{len(done)} file{'s' * (len(done) != 1)} of {seed} in onedata://{name}/")


@space.command(name="ls")
@click.argument("place", required=False, metavar="[NAME[/PATH]]")
@options.endpoint
@options.state
@options.as_json
def list_(place: str | None, endpoint: str | None, state: Path | None, *, as_json: bool) -> int:
    """List the spaces, or what is in a folder of one."""
    emulator = watch.find(endpoint, state)
    rows = list(_entries(emulator, located(place)) if place else _spaces(emulator))
    if as_json:
        print_json(rows)
    elif rows:
        shown = [(each.get("name"), "" if each["bytes"] is None else size(each["bytes"])) for each in rows]
        console().print(table(("file" if place else "space", ">size"), shown))
    else:
        print_text("nothing there" if place else "no spaces; make one with `hfaas space create NAME`")
    return 0


def _spaces(emulator: watch.Emulator) -> Iterator[dict[str, Any]]:
    yield from emulator.spaces()


def _entries(emulator: watch.Emulator, place: Location) -> Iterator[dict[str, Any]]:
    from hfaas_tui.spaces import Spaces

    with closing(Spaces(emulator)) as spaces:
        for node in spaces.space(place.bucket).entries(place.key):
            yield {"name": node.path + "/" * node.is_folder, "bytes": None if node.is_folder else node.size}


@space.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("place", metavar="NAME[/FOLDER/]")
@options.endpoint
@options.state
@options.as_json
def put(files: tuple[Path, ...], place: str, endpoint: str | None, state: Path | None, *, as_json: bool) -> int:
    """Copy files and folders into a space; a place that ends in `/` is a folder."""
    return copy_in(Where(endpoint=endpoint, state=state), files, located(place), as_json=as_json)


@space.command()
@click.argument("place", metavar="NAME[/PATH]")
@click.argument("to", metavar="[TARGET]", default=".")
@options.endpoint
@options.state
@options.as_json
def get(place: str, to: str, endpoint: str | None, state: Path | None, *, as_json: bool) -> int:
    """Copy one file to a file or into a folder, or all below a folder into a folder."""
    return copy_out(Where(endpoint=endpoint, state=state), located(place), to, as_json=as_json)


@space.command(name="rm")
@click.argument("place", metavar="NAME[/PATH]")
@click.option("-r", "--recursive", is_flag=True, help="Also what is not empty.")
@options.endpoint
@options.state
def remove(place: str, endpoint: str | None, state: Path | None, *, recursive: bool) -> int:
    """Remove a file, a folder, or a space."""
    from hfaas_tui.spaces import Spaces

    at, emulator = located(place), watch.find(endpoint, state)
    with closing(Spaces(emulator)) as spaces:
        chosen = spaces.space(at.bucket)
        node = chosen.find(at.key)
        if node and node.is_folder and not recursive and chosen.entries(at.key):
            raise UsageError(f"{at} is not empty", "add --recursive to remove it with all that is in it")
        if at.key.strip("/"):
            chosen.remove(at.key)
        else:
            emulator.remove_space(at.bucket)
    print_text(f"{at}: removed")
    return 0


@space.command()
@click.argument("name")
@click.option("--read-only", is_flag=True, help="It opens the space for reading only.")
@options.endpoint
@options.state
@options.as_json
def token(name: str, endpoint: str | None, state: Path | None, *, read_only: bool, as_json: bool) -> int:
    """Print a new token for one space; it is told once."""
    made = watch.find(endpoint, state).space_token(name, readonly=read_only)
    if as_json:
        print_json({"token": made})
    else:
        print_text(made)
    return 0


@space.command()
@click.argument("name")
@options.endpoint
@options.state
@options.as_json
def tokens(name: str, endpoint: str | None, state: Path | None, *, as_json: bool) -> int:
    """List the tokens that were issued for a space, by their ids; tokens themselves are told once."""
    found = watch.find(endpoint, state).space_tokens(name)
    if as_json:
        print_json(found)
    elif found:
        console().print(table(("id", "scope"), [(each["id"], each["scope"]) for each in found]))
    else:
        print_text(f"no tokens; `hfaas space token {name}` issues one")
    return 0


@space.command()
@click.argument("name")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@options.endpoint
@options.state
def revoke(name: str, ids: tuple[str, ...], endpoint: str | None, state: Path | None) -> int:
    """Revoke tokens of a space for good; `hfaas space tokens` has their ids."""
    emulator = watch.find(endpoint, state)
    for each in ids:
        emulator.revoke_space_token(name, each)
        print_text(f"{each}: revoked")
    return 0


def located(text: str) -> Location:
    """Read NAME, NAME/PATH or onedata://NAME/PATH; UsageError."""
    name, _, path = text.removeprefix(f"{ONEDATA}://").partition("/")
    if not name or name.endswith(":"):
        raise UsageError(f"{text!r} is no place in a space", "it looks like NAME/folder/name")
    return Location(name, path, ONEDATA)
