"""`hfaas up`, `down`, `status` and `doctor`: the emulator and the machine under it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from hfaas_emulator.state import held, running
from hfaas_tui import watch
from hfaas_tui.cli import options
from hfaas_tui.errors import CliError, NoEmulator
from hfaas_tui.output import console, print_json, print_text, table
from hfaas_tui.units import size
from hfaas_tui.where import Where

STOP_TIMEOUT_S = 60
SHOWN_PENDING = 10
DELAY = re.compile(r"\d+(\.\d+)?(,\d+(\.\d+)?)?")


def _delay(_: click.Context, __: click.Parameter, text: str) -> str:
    if text and not DELAY.fullmatch(text):
        raise click.BadParameter(f"{text!r} is neither a number of seconds nor two of them")
    return text


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=4566, show_default=True, help="0 takes a free one.")
@options.state
@options.engine
@options.concurrency
@options.gpu
@options.scale_down
@click.option(
    "--onedata-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The Oneprovider's port [default: a free one, then always that].",
)
@click.option(
    "--flush-delay",
    default="",
    metavar="LOW,HIGH",
    callback=_delay,
    help="Seconds until a change in a space is told, as 3,5 for a real Oneprovider's [default: 0].",
)
@click.option(
    "--registry",
    default="",
    metavar="HOST:PORT",
    help="A registry of images (plain HTTP) that stands for ECR, to rehearse a promotion.",
)
@click.option("--detach", is_flag=True, help="Return when it is ready and leave it running.")
def up(
    port: int,
    state: Path | None,
    engine: str,
    concurrency: int | None,
    gpu: str,
    *,
    scale_down: bool,
    onedata_port: int,
    flush_delay: str,
    registry: str,
    detach: bool,
) -> int:
    """Start the emulator, in the foreground unless --detach."""
    from hfaas_tui import rehearsal

    place = state or watch.PROJECT_STATE
    if about := running(place):
        raise CliError(
            f"an emulator (pid {about.pid}) runs on {place} already, at {about.endpoint}",
            "stop it with `hfaas down`, or use another --state",
        )
    chosen = rehearsal.Options(
        place,
        port,
        engine,
        concurrency,
        gpu=gpu,
        scale_down=scale_down,
        onedata_port=onedata_port,
        flush_delay=flush_delay,
        registry=registry,
    )
    if not detach:
        command = chosen.arguments()
        os.execv(command[0], command)  # noqa: S606 - our own interpreter, no shell wanted
    emulator = rehearsal.detach(chosen)
    _print_status(emulator.status())
    return 0


@click.command()
@options.state
def down(state: Path | None) -> int:
    """Stop the emulator of a state directory; everything acknowledged stays in it."""
    place = state or watch.PROJECT_STATE
    about = running(place)
    if about is None:
        raise NoEmulator(f"no emulator runs on the state in {place}", "")
    emulator = watch.Emulator(about.endpoint)
    jobs = sum(each["kind"] == "job" for each in emulator.idle()["pending"])
    emulator.stop()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while held(place):  # longer than it answers: containers go last
        if time.monotonic() > deadline:
            raise CliError(f"the emulator (pid {about.pid}) has not ended within {STOP_TIMEOUT_S} s")
        time.sleep(0.02)
    print_text(f"stopped the emulator on {place}")
    if jobs:
        print_text(
            f"unfinished jobs: {jobs}; they go on at the next `hfaas up`, those that ran from their beginning"
        )
    return 0


@click.command()
@click.option(
    "-f",
    "--file",
    type=click.Path(path_type=Path),
    help="With --target aws: the pipeline to compare with what is there.",
)
@options.where
@options.as_json
def status(file: Path | None, where: Where, *, as_json: bool) -> int:
    """Show the emulator that runs: address, engine, state, what is pending; elsewhere what was promoted."""
    if where.kind == "oscar":
        from hfaas_tui import oscar

        return oscar.ls(where, file=file, as_json=as_json)
    if not where.is_local:
        from hfaas_tui.cli import standing

        return standing.status(where, file, as_json=as_json)
    emulator = where.emulator()
    about = emulator.status()
    pending = emulator.idle()
    spaces = [{name: each[name] for name in ("name", "bytes")} for each in emulator.spaces()]
    if as_json:
        print_json({**about, "spaces": spaces, **pending})
    else:
        _print_status(about)
        _print_spaces(spaces)
        _print_pending(pending["pending"])
    return 0


def _print_spaces(spaces: Sequence[Mapping[str, Any]]) -> None:
    told = [f"{each['name']} ({size(each['bytes'])})" for each in spaces]
    if told:
        print_text(f"spaces: {', '.join(told)}")


def _print_pending(pending: Sequence[Mapping[str, str]]) -> None:
    """Say what is going on, and what each thing waits for."""
    jobs = sum(each["kind"] == "job" for each in pending)
    told = f", {jobs} of them job{'s' * (jobs != 1)} of Batch" if jobs else ""
    print_text(f"{len(pending)} pending{told}:" if pending else "idle")
    for each in pending[:SHOWN_PENDING]:
        print_text(f"  {each['what']}")
    if left := len(pending[SHOWN_PENDING:]):
        print_text(f"  ... and {left} more" + ("; `hfaas jobs` lists the jobs" if jobs else ""))


def _print_status(about: Mapping[str, Any]) -> None:
    engine = about.get("engine")
    described = dict(engine) if isinstance(engine, dict) else {}
    print_text(f"LOCAL emulator at {about.get('endpoint')} (pid {about.get('pid')})")
    print_text(f"engine {described.get('name')}: {described.get('detail', '')}".rstrip(": "))
    print_text(
        f"state {about.get('state')}, account {about.get('account')}, concurrency {about.get('concurrency')}"
    )
    for line in _resources(about):
        print_text(line)


def _resources(about: Mapping[str, Any]) -> Iterator[str]:
    """Say what jobs can get; an emulator of another version may not tell."""
    if machine := about.get("machine"):
        less = ", larger jobs are scaled down to it" if about.get("scale_down") else ""
        yield f"jobs get up to {machine.get('vcpus'):g} vCPU and {machine.get('memory_mb')} MB{less}"
    if gpus := about.get("gpus"):
        names = ", ".join(gpus.get("names") or ())
        yield f"GPUs ({gpus.get('mode')}): {names or 'none: ' + (gpus.get('detail') or 'there is no NVIDIA GPU')}"


@click.command()
@options.as_json
def doctor(as_json: bool) -> int:
    """Tell what this machine can run and what to mend; exit code 1 when something stands in the way."""
    from hfaas_tui.doctor import examine

    findings = examine()
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        mark = {"ok": "ok", "note": "note", "bad": "BAD"}
        rows = [(mark[each.level], each.subject, each.text) for each in findings]
        console().print(table(("", "what", "found"), rows))
    return 1 if any(finding.level == "bad" for finding in findings) else 0
