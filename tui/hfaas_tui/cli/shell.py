"""`hfaas completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: `eval "$(hfaas completion bash)"`."""
    from hfaas_tui.cli import hfaas

    complete = get_completion_class(shell)
    if complete is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(complete(hfaas, {}, "hfaas", "_HFAAS_COMPLETE").source())
