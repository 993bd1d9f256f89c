"""`hfaas-supervisor onetrigger`: upstream's commands, flags and variables, and ours."""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing

from hfaas_supervisor.console import Console
from hfaas_supervisor.errors import ConfigError, HfaasError
from hfaas_supervisor.onetrigger import targets, watch
from hfaas_supervisor.onetrigger.engine import Engine
from hfaas_supervisor.onetrigger.provider import Provider
from hfaas_supervisor.onetrigger.runner import IDLE_S, ONCE_IDLE_S, Pace, Runner
from hfaas_supervisor.onetrigger.state import State
from hfaas_supervisor.onetrigger.watch import Watch
from hfaas_supervisor.onetrigger.wire import Trust

STDERR = 2
ONCE_LIMIT_S = 300.0
TRUE = ("1", "true", "yes", "on")


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code: 0 also when SIGTERM or SIGINT ended it."""
    options = _parser(os.environ).parse_args(arguments)
    console = Console(STDERR, options.log_level)
    try:
        if options.command == "list-spaces":
            return _list_spaces(options)
        return _run(options, console)
    except HfaasError as error:
        console.error(str(error))
        return error.code


def open_state(url: str, region: str, trust: Trust) -> State:
    """Open the state that a path or an s3:// URL names."""
    if url.startswith("s3://"):
        from hfaas_supervisor.onetrigger.state_object import StateObject

        return StateObject(url, region, trust)
    from hfaas_supervisor.onetrigger.state_file import StateFile  # late: the interpreter in images has no SQLite

    return StateFile(url)


def _list_spaces(options: argparse.Namespace) -> int:
    with closing(_provider(options, _trust(options))) as provider:
        for space in provider.spaces():
            sys.stdout.write(f"{space.get('name')}\t{space.get('spaceId')}\n")
    return 0


def _run(options: argparse.Namespace, console: Console) -> int:
    watched, trust = _watch(options), _trust(options)
    with (
        closing(_provider(options, trust)) as provider,
        closing(targets.target(options.webhook, options.function, targets.region(), trust)) as target,
        closing(open_state(options.state or _default_state(options), targets.region(), trust)) as state,
    ):
        engine = Engine(provider, state, target, watched, console)
        if options.retry_dead:
            engine.retry_dead()
        runner = Runner(engine, provider, console, _pace(options))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: runner.stop())
        try:
            runner.run()
        finally:
            state.save()
    return 0


def _provider(options: argparse.Namespace, trust: Trust) -> Provider:
    host = _needed(options.host, "the Oneprovider's host", "-H or ONEPROVIDER_HOST")
    return Provider(host, _needed(options.token, "the token", "ONEDATA_ACCESS_TOKEN or -t"), trust)


def _trust(options: argparse.Namespace) -> Trust:
    if options.ca and not os.path.isfile(options.ca):
        raise ConfigError(f"there is no file {options.ca} with certificates (--ca)")
    return Trust(options.ca, insecure=options.insecure)


def _watch(options: argparse.Namespace) -> Watch:
    return Watch(
        _needed(options.space, "the space", "-s or ONEDATA_SPACE"),
        "/".join(part for part in options.folder.split("/") if part),
        options.settle,
        options.max_wait,
        tuple(watch.IGNORED if options.ignore is None else filter(None, options.ignore)),
        options.created_only,
        tuple(options.suffix),
    )


def _pace(options: argparse.Namespace) -> Pace:
    idle = options.idle or (ONCE_IDLE_S if options.once else IDLE_S)
    return Pace(idle, options.once, time.monotonic() + ONCE_LIMIT_S if options.once else None)


def _default_state(options: argparse.Namespace) -> str:
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    watched = f"{options.host}|{options.space}|{options.folder}"
    return f"{home}/hfaas/onetrigger-{hashlib.sha256(watched.encode()).hexdigest()[:12]}.sqlite"


def _needed(value: str, what: str, ways: str) -> str:
    if not value:
        raise ConfigError(f"{what} is missing: give it by {ways}")
    return value


def _parser(variables: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hfaas-supervisor onetrigger",
        description="Send an event for each finished upload to an Onedata space.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{run,list-spaces}")
    _common(commands.add_parser("list-spaces", help="print the spaces of the token: name, id"), variables)
    run = commands.add_parser("run", help="watch a space")
    _common(run, variables)
    _upstreams(run, variables)
    _ours(run)
    return parser


def _common(parser: argparse.ArgumentParser, variables: Mapping[str, str]) -> None:
    add = parser.add_argument
    add(
        "-H",
        "--oneprovider-host",
        dest="host",
        default=variables.get("ONEPROVIDER_HOST", ""),
        help="ONEPROVIDER_HOST",
    )
    add(
        "-t",
        "--token",
        default=variables.get("ONEDATA_ACCESS_TOKEN", ""),
        help="ONEDATA_ACCESS_TOKEN; better there: a command line can be seen by others",
    )
    insecure = variables.get("ONEPROVIDER_INSECURE", "").lower() in TRUE
    add(
        "-i",
        "--insecure",
        action="store_true",
        default=insecure,
        help="ONEPROVIDER_INSECURE: believe any certificate",
    )
    add("--ca", default="", help="file with further certificate authorities (also REQUESTS_CA_BUNDLE)")
    add("--log-level", default="INFO", type=str.upper, choices=("DEBUG", "INFO", "WARNING", "ERROR"))


def _upstreams(parser: argparse.ArgumentParser, variables: Mapping[str, str]) -> None:
    add = parser.add_argument
    add("-s", "--space", default=variables.get("ONEDATA_SPACE", ""), help="ONEDATA_SPACE: name, id or name@id")
    add(
        "-w",
        "--webhook",
        default=variables.get("ONETRIGGER_WEBHOOK", ""),
        help="ONETRIGGER_WEBHOOK: where events go",
    )
    add(
        "-f",
        "--folder",
        default=variables.get("ONEDATA_SPACE_FOLDER", ""),
        help="ONEDATA_SPACE_FOLDER; default: all",
    )


def _ours(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--function", default="", help="name or ARN of the Lambda Function events go to, instead of a webhook")
    add("--state", default="", help="SQLite file, or s3://BUCKET/KEY; default: below ~/.local/state/hfaas")
    add("--settle", type=_seconds, default=watch.SETTLE_S, help="quiet seconds after which a file is finished (7)")
    add(
        "--max-wait",
        type=_seconds,
        default=watch.MAX_WAIT_S,
        help="seconds until a stuck upload is given up (3600)",
    )
    add(
        "--idle",
        type=_seconds,
        default=0.0,
        help="seconds of silence after which the stream is renewed (30; once: 2)",
    )
    add(
        "--ignore",
        action="append",
        metavar="GLOB",
        help="names to ignore, repeatable (*.part *.tmp .*); '' for none",
    )
    add("--suffix", action="append", default=[], help="only files whose names end so, repeatable")
    add("--created-only", action="store_true", help="no events for files that were there before")
    add("--once", action="store_true", help="deal with what has changed, then exit")
    add("--retry-dead", action="store_true", help="first try again what was refused")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e7:
        raise ValueError(text)
    return value
