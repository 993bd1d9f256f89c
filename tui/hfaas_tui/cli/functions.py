"""`hfaas check`, `deploy`, `ls` and `rm`: functions from file to running and away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hfaas_tui import watch
from hfaas_tui.cli import options
from hfaas_tui.location import parse
from hfaas_tui.output import console, print_json, print_news, print_text, size, table


@click.command()
@options.pipeline
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@options.as_json
def check(file: Path, *, strict: bool, as_json: bool) -> int:
    """Check a pipeline file and print every finding; exit code 2 when there are errors."""
    from hfaas_deploy import checks, fdl, proof, template

    pipeline = fdl.parse(file)
    findings = checks.check(pipeline)
    if not any(finding.is_error for finding in findings):
        template.render(pipeline)  # says whether it fits
        proof.prove(template.document(pipeline))
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
@click.argument("place", required=False, metavar="[s3://BUCKET/FOLDER|onedata://SPACE/FOLDER]")
@options.endpoint
@options.state
@options.as_json
def ls(place: str | None, endpoint: str | None, state: Path | None, as_json: bool) -> int:
    """List the functions, or the files of a bucket or a space."""
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
    from hfaas_tui import storages

    at = parse(place)
    with storages.opened(emulator, at) as storage:
        found = storage.listing(at)
    return [{"object": str(each.at), "size": size(each.size)} for each in found]


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
