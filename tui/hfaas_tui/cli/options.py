"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from hfaas_tui.errors import UsageError

endpoint = click.option(
    "--endpoint",
    metavar="URL",
    help="The emulator to talk to; else AWS_ENDPOINT_URL, else the one running for this project.",
)
state = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="The state directory [default: .hfaas].",
)
target = click.option(
    "--target",
    type=click.Choice(["local", "aws", "oscar"]),
    default="local",
    show_default=True,
    help="Where to: the emulator, AWS, or an OSCAR cluster.",
)
remote = click.option(
    "--target",
    type=click.Choice(["aws", "oscar"]),
    default="aws",
    show_default=True,
    help="Where to: AWS, or an OSCAR cluster.",
)
cluster = click.option(
    "--endpoint", metavar="URL", help="With --target oscar: the cluster  [default: the pipeline's]"
)
cluster_id = click.option(
    "--cluster", default="", metavar="ID", help="With --target oscar: which one, where the pipeline knows several."
)
profile = click.option(
    "--profile", default="", metavar="NAME", help="Of your AWS configuration; with --target aws."
)
region = click.option("--region", default="", metavar="REGION", help="As eu-west-1; with --target aws.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
pipeline = click.option(
    "-f",
    "--file",
    "file",
    type=click.Path(path_type=Path),
    default=Path("pipeline.yaml"),
    show_default=True,
    help="The pipeline file.",
)
defaults = click.option(
    "--defaults",
    type=click.Path(path_type=Path),
    metavar="SCAR.CFG",
    help="A scar.cfg whose `aws` block lies under every function of the file.",
)
engine = click.option(
    "--engine",
    type=click.Choice(["auto", "docker", "process"]),
    default="auto",
    show_default=True,
    help="What runs functions: containers, or plain processes (images are not used then).",
)
concurrency = click.option(
    "--concurrency", type=click.IntRange(1, 1000), help="Concurrent executions of the account [default: by CPUs]."
)
gpu = click.option(
    "--gpu",
    type=click.Choice(["exclusive", "share", "fallback"]),
    default="exclusive",
    show_default=True,
    help="A GPU is one job's alone; or all jobs see all GPUs; or jobs run on CPU where there is none, which is noted.",
)
scale_down = click.option(
    "--scale-down", is_flag=True, help="Give jobs that are larger than this machine what it has, which is noted."
)
build_arg = click.option(
    "--build-arg",
    "build_args",
    multiple=True,
    metavar="NAME=VALUE",
    help="A build argument for functions built from a Dockerfile; may be given again.",
)


def where(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command one parameter, `where`, instead of five options that say where it goes."""

    @wraps(command)
    def called(
        *arguments: Any,
        target: str,
        endpoint: str | None,
        state: Path | None,
        profile: str,
        region: str,
        cluster: str,
        **rest: Any,
    ) -> Any:
        from hfaas_tui.where import Where

        _fit(target, endpoint, state, profile, region, cluster)
        _warn(target)
        return command(*arguments, where=Where(target, endpoint, state, profile, region, cluster), **rest)  # type: ignore[arg-type]

    for option in (state, endpoint, cluster_id, region, profile, target):
        called = option(called)
    return called


def away(command: Callable[..., Any]) -> Callable[..., Any]:
    """Do the same for a command that goes away from this machine: to AWS unless an OSCAR cluster is named."""

    @wraps(command)
    def called(
        *arguments: Any, target: str, endpoint: str | None, profile: str, region: str, cluster: str, **rest: Any
    ) -> Any:
        from hfaas_tui.where import Where

        _fit(target, endpoint, None, profile, region, cluster)
        _warn(target)
        return command(*arguments, where=Where(target, endpoint, None, profile, region, cluster), **rest)  # type: ignore[arg-type]

    for option in (cluster, cluster_id, region, profile, remote):
        called = option(called)
    return called


def _fit(target: str, endpoint: str | None, state: Path | None, profile: str, region: str, cluster: str) -> None:
    """UsageError for options that another target would take, so that nobody is elsewhere than he believes."""
    if target != "oscar" and cluster:
        raise UsageError("--cluster is for OSCAR", "add --target oscar")
    if target != "aws" and (profile or region):
        raise UsageError("--profile and --region are for AWS", "add --target aws")
    if target != "local" and state is not None:
        raise UsageError("--state is an emulator's", f"leave it out, or leave out --target {target}")
    if target == "aws" and endpoint is not None:
        raise UsageError("--endpoint is an emulator's, or a cluster's", "leave it out, or leave out --target aws")


def _warn(target: str) -> None:
    """Say loudly that AWS is played, lest somebody takes a trial for the real thing."""
    from hfaas_tui.where import stand_in

    if target == "aws" and (url := stand_in()):
        from hfaas_tui import promotions
        from hfaas_tui.clean import clean
        from hfaas_tui.output import errors

        shown = clean(url.rpartition("@")[2])  # what stands before it is not for the screen, and is refused later
        errors().print(promotions.stands_in(shown), style="bold red reverse", markup=False)


def pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    """Split NAME=VALUE options; the first `=` divides."""
    result = {}
    for value in values:
        name, divider, rest = value.partition("=")
        if not name or not divider:
            raise click.UsageError(f"{option} {value!r} is not NAME=VALUE")
        result[name] = rest
    return result
