"""`hfaas image build`."""

from __future__ import annotations

from pathlib import Path

import click

from hfaas_tui.cli import options
from hfaas_tui.errors import UsageError
from hfaas_tui.output import print_json, print_news, print_text


@click.group()
def image() -> None:
    """Build function images."""


@image.command()
@options.pipeline
@options.defaults
@options.build_arg
@options.as_json
@click.argument("functions", nargs=-1)
def build(
    file: Path, defaults: Path | None, functions: tuple[str, ...], build_args: tuple[str, ...], *, as_json: bool
) -> int:
    """Derive the images of a pipeline's functions: the user's image, our supervisor, the script."""
    from hfaas_deploy import fdl
    from hfaas_deploy.building.images import DockerImages
    from hfaas_deploy.steps import source
    from hfaas_tui import local

    pipeline = local.with_build_args(fdl.read(file, defaults), options.pairs(build_args, "--build-arg"))
    known = {each.name for each in pipeline.functions}
    if unknown := set(functions) - known:
        raise UsageError(
            f"{file} has no function {', '.join(sorted(unknown))}", f"it has {', '.join(sorted(known))}"
        )
    builder = DockerImages()
    wanted = [each for each in pipeline.functions if not functions or each.name in functions]
    built = {each.name: builder.build(source(each), print_news) for each in wanted}
    if as_json:
        print_json(built)
    else:
        for name, reference in built.items():
            print_text(f"{name}  {reference}")
    return 0
