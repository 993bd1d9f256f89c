"""`hfaas check`, `deploy`, `ls` and `rm`: functions from file to running and away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hfaas_tui import watch
from hfaas_tui.cli import options
from hfaas_tui.location import parse
from hfaas_tui.output import console, print_json, print_news, print_text, table
from hfaas_tui.units import size
from hfaas_tui.where import Where

AT_ONCE = 8
"""Functions that AWS is asked of at once."""


@click.command()
@options.pipeline
@options.defaults
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@options.as_json
def check(file: Path, defaults: Path | None, *, strict: bool, as_json: bool) -> int:
    """Check a pipeline file and print every finding; exit code 2 when there are errors."""
    from hfaas_deploy import checks, fdl, proof, template

    pipeline = fdl.parse(file, defaults)
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
@options.defaults
@options.endpoint
@options.state
@options.build_arg
@options.as_json
def deploy(
    file: Path,
    defaults: Path | None,
    endpoint: str | None,
    state: Path | None,
    build_args: tuple[str, ...],
    *,
    as_json: bool,
) -> int:
    """Deploy a pipeline to the emulator: images, one template, one change set."""
    from hfaas_deploy import fdl
    from hfaas_tui import local

    pipeline = fdl.read(file, defaults)
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
@click.option("--all", "everything", is_flag=True, help="With --target aws: also functions that are not of hfaas.")
@options.where
@options.as_json
def ls(place: str | None, where: Where, *, everything: bool, as_json: bool) -> int:
    """List the functions, or the files of a bucket or a space."""
    if where.kind == "oscar" and not place:
        from hfaas_tui import oscar

        return oscar.ls(where, as_json=as_json)
    rows = _objects(where, place) if place else _functions(where, everything=everything)
    if as_json:
        print_json(rows)
    elif rows:
        console().print(table([*rows[0]], (tuple(row.values()) for row in rows)))
    else:
        print_text("nothing there" if place else f"no functions; {_bring_up(where)}")
    return 0


def _bring_up(where: Where) -> str:
    command = "deploy" if where.is_local else "promote"
    return f"bring some up with `hfaas {command} -f pipeline.yaml{where.again}`"


def _functions(where: Where, *, everything: bool) -> list[dict[str, Any]]:
    """Return the functions; on AWS with their Stacks, and those of hfaas unless all are wanted."""
    from concurrent.futures import ThreadPoolExecutor

    from hfaas_tui.stacks import functions

    api = where.client("lambda")
    stacks = {} if where.is_local else functions(where.client("cloudformation"))
    found = [each for page in api.get_paginator("list_functions").paginate() for each in page["Functions"]]
    shown = [each for each in found if where.is_local or everything or each["FunctionName"] in stacks]
    names = [str(each["FunctionName"]) for each in shown]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        images = list(pool.map(lambda name: _image(api, name), names))
    return [
        {
            "function": each["FunctionName"],
            **({} if where.is_local else {"stack": stacks.get(each["FunctionName"], "")}),
            "memory": each["MemorySize"],
            "timeout": each["Timeout"],
            "image": image,
            "modified": each["LastModified"][:19],
        }
        for each, image in zip(shown, images, strict=True)
    ]


def _image(api: Any, name: str) -> str:
    """Return the image of a function; empty when it has none, or is gone meanwhile."""
    try:
        return str(api.get_function(FunctionName=name)["Code"].get("ImageUri", ""))
    except api.exceptions.ResourceNotFoundException:
        return ""


def _objects(where: Where, place: str) -> list[dict[str, Any]]:
    from hfaas_tui import storages

    at = parse(place)
    with storages.reached(where, at) as storage:
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
