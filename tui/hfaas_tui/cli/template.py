"""`hfaas template`: the CloudFormation template that a deploy sends, here as on AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfaas_tui.cli import options
from hfaas_tui.output import print_json, print_news

if TYPE_CHECKING:
    from hfaas_deploy.template import Template


@click.command()
@options.pipeline
@options.defaults
@click.option("--pretty", is_flag=True, help="Indent it; CloudFormation gets it without blanks.")
@options.as_json
def template(file: Path, defaults: Path | None, *, pretty: bool, as_json: bool) -> int:
    """Print the CloudFormation template of a pipeline, byte for byte as `hfaas deploy` sends it.

    Images and networks are parameters; keys and secret variables are not in it. Any tool of AWS takes it.
    """
    from hfaas_deploy import fdl, steps
    from hfaas_deploy import template as templates

    rendered = templates.render(steps.checked(fdl.read(file, defaults), lambda _: None))
    if as_json:
        document = json.loads(rendered.body)
        print_json(
            {
                "sha256": rendered.sha256,
                "bytes": rendered.size,
                "needs_bucket": rendered.needs_bucket,
                "resources": len(document["Resources"]),
                "parameters": {name: one["Description"] for name, one in document["Parameters"].items()},
                "template": document,
            }
        )
        return 0
    click.echo(templates.pretty(rendered) if pretty else rendered.body, nl=pretty)
    for line in told(rendered):
        print_news(line)
    return 0


def told(rendered: Template) -> list[str]:
    """What a person wants to know beside the text: how large it is, and what it asks for."""
    from hfaas_deploy.template import BODY_LIMIT

    document = json.loads(rendered.body)
    asks = ", ".join(f"{name} ({one['Description']})" for name, one in document["Parameters"].items())
    bucket = f", more than the {BODY_LIMIT} of a request: it must lie in a bucket" if rendered.needs_bucket else ""
    return [
        f"template {rendered.sha256[:12]}: {len(document['Resources'])} resources, {rendered.size} bytes{bucket}",
        f"parameters: {asks}",
    ]
