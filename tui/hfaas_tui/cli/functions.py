"""`hfaas check`, `deploy`, `ls`, `invoke` and `rm`: functions from file to running and away."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import click

from hfaas_tui import watch
from hfaas_tui.cli import options
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.location import parse
from hfaas_tui.output import console, errors, print_json, print_news, print_text, size, table

ACCEPTED = 202


@click.command()
@options.pipeline
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@options.as_json
def check(file: Path, *, strict: bool, as_json: bool) -> int:
    """Check a pipeline file and print every finding; exit code 2 when there are errors."""
    from hfaas_deploy import checks, fdl, template

    pipeline = fdl.parse(file)
    findings = checks.check(pipeline)
    if not any(finding.is_error for finding in findings):
        template.render(pipeline)  # says whether it fits
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        for finding in findings:
            print_text(str(finding))
        if not findings:
            print_text(f"{file}: no findings")
    return 2 if any(finding.is_error or strict for finding in findings) else 0


@click.command()
@options.pipeline
@options.endpoint
@options.state
@options.build_arg
@options.as_json
def deploy(
    file: Path, endpoint: str | None, state: Path | None, build_args: tuple[str, ...], *, as_json: bool
) -> int:
    """Deploy a pipeline to the emulator: images, one template, one change set."""
    from hfaas_deploy import fdl
    from hfaas_tui import local

    pipeline = fdl.read(file)
    emulator = watch.find(endpoint, state)
    say = print_news
    deployed = local.deploy(pipeline, emulator, options.pairs(build_args, "--build-arg"), say)
    if as_json:
        print_json(
            {
                "stack": deployed.stack,
                "changed": deployed.changed,
                "template": deployed.template.sha256,
                "images": dict(deployed.images),
                "outputs": dict(deployed.outputs),
            }
        )
    else:
        print_text(f"{deployed.stack}: {'deployed' if deployed.changed else 'no changes'}")
    return 0


@click.command(name="ls")
@click.argument("place", required=False, metavar="[s3://BUCKET/FOLDER]")
@options.endpoint
@options.state
@options.as_json
def ls(place: str | None, endpoint: str | None, state: Path | None, as_json: bool) -> int:
    """List the functions, or the objects of a bucket."""
    emulator = watch.find(endpoint, state)
    rows = _objects(emulator, place) if place else _functions(emulator)
    if as_json:
        print_json(rows)
    elif rows:
        console().print(table([*rows[0]], (tuple(row.values()) for row in rows)))
    else:
        print_text("nothing there" if place else "no functions; deploy some with `hfaas deploy -f pipeline.yaml`")
    return 0


def _functions(emulator: watch.Emulator) -> list[dict[str, Any]]:
    from hfaas_tui.transfer import client

    api = client(emulator.endpoint, "lambda")
    return [
        {
            "function": each["FunctionName"],
            "memory": each["MemorySize"],
            "timeout": each["Timeout"],
            "image": api.get_function(FunctionName=each["FunctionName"])["Code"].get("ImageUri", ""),
            "modified": each["LastModified"][:19],
        }
        for page in api.get_paginator("list_functions").paginate()
        for each in page["Functions"]
    ]


def _objects(emulator: watch.Emulator, place: str) -> list[dict[str, Any]]:
    from hfaas_tui import transfer

    found = transfer.listing(transfer.s3(emulator.endpoint), parse(place))
    return [{"object": str(each.at), "size": size(each.size)} for each in found]


@click.command()
@click.argument("function")
@click.option("-e", "--event", default="{}", help="JSON, @FILE, or - for standard input.", show_default=True)
@click.option("--async", "asynchronous", is_flag=True, help="Return when it is queued.")
@click.option("--log", is_flag=True, help="Print the end of the log on standard error.")
@options.endpoint
@options.state
@options.as_json
def invoke(
    function: str,
    event: str,
    endpoint: str | None,
    state: Path | None,
    *,
    asynchronous: bool,
    log: bool,
    as_json: bool,
) -> int:
    """Invoke a function and print its answer; exit code 1 when it failed."""
    from botocore.exceptions import ClientError

    from hfaas_tui.transfer import client

    api = client(watch.find(endpoint, state).endpoint, "lambda")
    kind = "Event" if asynchronous else "RequestResponse"
    tail = "Tail" if log and not asynchronous else "None"
    try:
        answer = api.invoke(FunctionName=function, Payload=_event(event), InvocationType=kind, LogType=tail)
    except ClientError as error:
        raise CliError(error.response["Error"]["Message"], "`hfaas ls` shows the functions") from error
    if answer.get("LogResult"):
        errors().print(base64.b64decode(answer["LogResult"]).decode(errors="replace"), markup=False)
    payload = answer["Payload"].read().decode()
    failed = answer.get("FunctionError", "")
    job = delegated_to(_parsed(payload))
    if as_json:
        about = {"status": answer["StatusCode"], "error": failed, "payload": _parsed(payload)}
        print_json({**about, "job": job} if job else about)
    elif job:
        print_text(f"delegated to Batch: job {job}")
        print_text(f"`hfaas job {job}` shows how far it is, `hfaas logs --job {job} -f` follows it")
    elif payload:
        print_text(payload)
    return 1 if failed else 0


def delegated_to(answer: Any) -> str:
    """Return the job that our supervisor handed the event over to; empty when the answer is an ordinary one."""
    if not isinstance(answer, dict) or answer.get("statusCode") != ACCEPTED:
        return ""
    headers = answer.get("headers")
    return str(headers.get("hfaas-job-id", "")) if isinstance(headers, dict) else ""


def _event(text: str) -> bytes:
    if text == "-":
        raw = sys.stdin.buffer.read()
    elif text.startswith("@"):
        raw = Path(text[1:]).read_bytes()
    else:
        raw = text.encode()
    try:
        json.loads(raw)
    except ValueError as error:
        raise UsageError(f"the event is no JSON: {error}", "give JSON, @FILE, or - for standard input") from error
    return raw


def _parsed(payload: str) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload


@click.command()
@options.pipeline
@options.endpoint
@options.state
def rm(file: Path, endpoint: str | None, state: Path | None) -> int:
    """Remove what a pipeline deployed; its buckets and what is in them stay."""
    from hfaas_deploy import fdl
    from hfaas_tui import local

    pipeline = fdl.read(file)
    local.remove(pipeline, watch.find(endpoint, state), print_news)
    print_text(f"{pipeline.stack}: removed; buckets stay")
    return 0
