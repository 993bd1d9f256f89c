"""`hfaas`: every command, each in the module of its subject; none is imported before it is called."""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import click

COMMANDS = {
    "cancel": "jobs",
    "check": "functions",
    "completion": "shell",
    "convert": "convert",
    "cost": "cost",
    "demo": "run",
    "deploy": "functions",
    "destroy": "destroy",
    "doctor": "emulator",
    "down": "emulator",
    "get": "storage",
    "image": "images",
    "invoke": "calls",
    "job": "jobs",
    "jobs": "jobs",
    "logs": "logs",
    "ls": "functions",
    "plan": "promote",
    "promote": "promote",
    "put": "storage",
    "rm": "functions",
    "run": "run",
    "space": "spaces",
    "status": "emulator",
    "template": "template",
    "up": "emulator",
    "url": "calls",
    "why": "why",
}


class Lazy(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"hfaas_tui.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"there is no command '{args[0]}'{hint}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, HELP[name]) for name in sorted(COMMANDS)])


HELP = {
    "cancel": "Cancel jobs, or terminate those that run.",
    "check": "Check a pipeline file and print every finding.",
    "completion": "Print the completion script of a shell.",
    "convert": "Print an old pipeline file in today's form.",
    "cost": "Estimate what AWS would ask for what the emulator has seen.",
    "demo": "Run the video sample on a generated clip.",
    "deploy": "Deploy a pipeline to the emulator.",
    "destroy": "Remove from AWS, or a cluster, what was promoted.",
    "doctor": "Tell what this machine can run and what to mend.",
    "down": "Stop the emulator of a state directory.",
    "get": "Copy files from a bucket or a space.",
    "image": "Build function images.",
    "invoke": "Invoke a function, directly or over HTTP.",
    "job": "Show everything of one job.",
    "jobs": "List the jobs of Batch.",
    "logs": "Show the log of a function or a job.",
    "ls": "List functions, or the files of a bucket or a space.",
    "plan": "Show what a promotion would do.",
    "promote": "Bring to AWS what was rehearsed.",
    "put": "Copy files into a bucket or a space.",
    "rm": "Remove what a pipeline deployed.",
    "run": "Run a pipeline on input files, offline, and bring the outputs back.",
    "space": "Make spaces of Onedata and use them.",
    "status": "Show the emulator that runs, or what was promoted.",
    "template": "Print the CloudFormation template of a pipeline.",
    "up": "Start the emulator.",
    "url": "Show the URLs of functions.",
    "why": "Tell what became of a file.",
}


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hfaas", prog_name="hfaas")
def hfaas() -> None:
    """Develop serverless data-processing pipelines offline: any container image and a shell script."""


def main() -> None:
    """Run a command; failures end in one sentence and an exit code."""
    _bear_streams()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    sys.exit(execute(sys.argv[1:]))


def _bear_streams() -> None:
    """Have something at the numbers of standard streams that were closed: else the next connection gets them.

    What a terminal has no character for is written as its number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - as long as the program runs
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _terminated(number: int, _frame: object) -> None:
    """Leave as after Ctrl-C, so that everything is put away; one more signal meanwhile changes nothing."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.stderr.write(f"ended by {signal.Signals(number).name}\n")
    raise SystemExit(128 + number)


def execute(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    as_json = "--json" in arguments
    try:
        code: Any = hfaas.main(arguments, prog_name="hfaas", standalone_mode=False)
        return int(code or 0)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as wrong:
        _show(wrong)
        _as_json(wrong.format_message(), asked=as_json)
        return wrong.exit_code
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("interrupted\n")
        _as_json("interrupted", asked=as_json)
        return 130
    except BrokenPipeError:
        return _unread()
    except Exception as error:  # noqa: BLE001 - the border where every failure gets its words
        return _report(error, as_json=as_json)


def _show(wrong: click.ClickException) -> None:
    """Print what click says; it repeats arguments, which may hold what a terminal obeys."""
    from hfaas_tui.clean import clean

    said = io.StringIO()
    wrong.show(said)
    sys.stderr.write(clean(said.getvalue()))


def _unread() -> int:
    """Whoever read our output has left; the flush at exit must not complain of it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _report(error: Exception, *, as_json: bool) -> int:
    """Print a failure that has words for people; anything else is a defect of ours and keeps its traceback."""
    words = _words(error)
    if words is None:
        raise error
    from hfaas_tui.output import print_error, print_findings

    message, hint = words
    findings = getattr(error, "findings", ())
    if findings:
        print_findings(findings, hint)
    else:
        print_error(message, hint)
    _as_json(message, hint, [finding.as_dict() for finding in findings], asked=as_json)
    return getattr(error, "exit_code", 2 if findings else 1)


def _as_json(message: str, hint: str = "", findings: Sequence[Mapping[str, Any]] = (), *, asked: bool) -> None:
    """Print the failure as the document a program waits for; on one line, as it may end a stream of lines."""
    if asked:
        about = {"message": message, "hint": hint, **({"findings": findings} if findings else {})}
        with suppress(OSError):  # it may be why there is a failure to tell
            sys.stdout.write(json.dumps({"ok": False, "error": about}) + "\n")
            sys.stdout.flush()


def _words(error: Exception) -> tuple[str, str] | None:
    if hasattr(error, "message") and hasattr(error, "hint"):
        return error.message, error.hint
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror, ""
    from hfaas_tui import aws

    return aws.words(error)
