"""What `hfaas-tui` is called with; wrong arguments end it with what is wrong and exit code 2."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hfaas_tui.errors import UsageError

EPILOG = "Keys and looks: ~/.config/hfaas/keys.toml and settings.toml. In the UI `?` shows every key."

TARGETS = ("local", "aws")
LOOPBACK = ("127.0.0.1", "localhost")
VIEWS = ("functions", "logs", "runs", "storage", "pipeline", "deploy", "promote", "system", "welcome")
"""Known before anything large is imported."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The command line, read but not yet looked at."""

    place: Path | None
    state: Path | None
    endpoint: str
    target: str
    profile: str
    region: str
    demo: bool
    replay: Path | None
    speed: float
    record: Path | None
    read_only: bool
    ascii: bool
    mouse: bool
    theme: str
    build_args: tuple[str, ...]
    view: str
    keys: bool
    web: int | None
    web_write: bool


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, "`hfaas-tui --help` shows what there is")


def parse(arguments: list[str] | None = None) -> Arguments:
    """Read the command line; UsageError."""
    found = _parser().parse_args(arguments)
    read = _made(found)
    _check(read)
    return read


def _made(found: argparse.Namespace) -> Arguments:
    values = {**vars(found), "mouse": not found.no_mouse, "build_args": tuple(found.build_arg)}
    del values["no_mouse"], values["host"], values["build_arg"]
    return Arguments(**values)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("hfaas-tui", description="Manage functions and watch what they do.", epilog=EPILOG)
    add = parser.add_argument
    add("place", nargs="?", type=Path, metavar="FOLDER|pipeline.yaml", help="the project [default: this folder]")
    add("--state", type=Path, metavar="DIR", help="the emulator's state [default: the project's .hfaas]")
    add("--endpoint", default="", metavar="URL", help="an emulator that runs elsewhere, like http://127.0.0.1:4566")
    add("--target", choices=TARGETS, default=TARGETS[0], help="where to look: the emulator [default], or AWS")
    add("--profile", default="", metavar="NAME", help="of your AWS configuration; with --target aws")
    add("--region", default="", metavar="REGION", help="as eu-west-1; with --target aws")
    add("--demo", action="store_true", help="run the video sample in an emulator of its own")
    add("--replay", type=Path, metavar="FILE", help="play a recording")
    add("--speed", type=float, default=1.0, metavar="N", help="play N times as fast; 0 shows all at once")
    add("--record", type=Path, metavar="FILE", help="write down what happens, for --replay")
    add("--read-only", action="store_true", help="look, change nothing")
    add("--ascii", action="store_true", help="use ASCII only")
    add("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    add("--theme", default="", metavar="NAME", help="hfaas-dark, hfaas-light, ansi-dark, ansi-light, ...")
    add("--build-arg", action="append", default=[], metavar="NAME=VALUE", help="for functions with a Dockerfile")
    add("--view", default="", metavar="NAME", help=f"begin with this view: {', '.join(VIEWS)}")
    add("--keys", action="store_true", help="print every action with its key, and end")
    web = "serve the UI to a browser on this machine [PORT: any free one]"
    add("--web", nargs="?", type=int, const=0, metavar="PORT", help=web)
    add("--web-write", action="store_true", help="let the browser change things; else it looks only")
    add("--host", default=LOOPBACK[0], type=_host, help=argparse.SUPPRESS)
    return parser


def _host(name: str) -> str:
    if name not in LOOPBACK:
        words = f"--web serves this machine only, not {name}: who reaches it would work with your rights"
        raise UsageError(words, "from another machine: ssh -L 8080:127.0.0.1:8080 HOST, there --web 8080")
    return name


def _check(read: Arguments) -> None:
    if read.place and not read.place.exists():
        raise UsageError(f"{read.place} does not exist", "name a folder or a pipeline file")
    if read.endpoint and not read.endpoint.startswith("http://"):
        raise UsageError(f"{read.endpoint!r} is no emulator's address", "it looks like http://127.0.0.1:4566")
    if read.speed < 0:
        raise UsageError("--speed must not be negative")
    if read.view and read.view not in VIEWS:
        raise UsageError(f"there is no view {read.view}", f"there are {', '.join(VIEWS)}")
    for each in read.build_args:
        if not each.partition("=")[0] or "=" not in each:
            raise UsageError(f"--build-arg {each!r} is not NAME=VALUE")
    _check_web(read)
    _check_target(read)
    only = [name for name in ("demo", "replay", "endpoint") if getattr(read, name)]
    if len(only) > 1:
        raise UsageError(f"--{only[0]} and --{only[1]} do not go together", "choose one")
    if read.replay and read.record:
        raise UsageError("--replay and --record do not go together", "copy the file")


def _check_target(read: Arguments) -> None:
    if read.target == "local" and (read.profile or read.region):
        raise UsageError("--profile and --region are for AWS", "add --target aws")
    of_emulator = [name for name in ("state", "endpoint", "demo", "replay", "record") if getattr(read, name)]
    if read.target == "aws" and of_emulator:
        raise UsageError(f"--{of_emulator[0]} is an emulator's", "leave it out, or leave out --target aws")


def _check_web(read: Arguments) -> None:
    if read.web is not None and read.web not in range(1 << 16):
        raise UsageError(f"there is no port {read.web}", "ports are 1 to 65535")
    if read.web is not None and read.record:
        raise UsageError("--record and --web do not go together", "record in a terminal")
    if read.web_write and (read.web is None or read.read_only):
        raise UsageError("--web-write goes with --web, not with --read-only")
