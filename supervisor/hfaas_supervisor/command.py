"""What runs: the Event's script, its arguments for the image, the Function's script, or the image's own command."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from hfaas_supervisor.console import Console
from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.layer import Layer

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""In the bundle: the folder that holds `app`, `bin` and `etc`."""
SHELL = "/bin/sh"


def argv(
    script: str, arguments: Sequence[str] | None, layer: Layer, environment: Mapping[str, str], console: Console
) -> list[str]:
    """Return the command line; `script` is the Event's own (a path), `arguments` its cmd_args."""
    if script:
        return interpret(script, environment, console)
    if arguments is not None:
        return _started([*layer.entrypoint, *arguments])
    if layer.script:
        return interpret(layer.script, environment, console)
    return _started([*layer.entrypoint, *layer.command])


def interpret(script: str, environment: Mapping[str, str], console: Console) -> list[str]:
    """Return how to run a script file: by its `#!` line, else by the shell.

    The line is read here instead of leaving it to the kernel, so it works on noexec /tmp and with Windows line ends.
    """
    interpreter = _shebang(script)
    if not interpreter:
        return [*shell(), script]
    if missing := _missing(interpreter, environment):
        console.warning(f"{missing}, which the script asks for, is not in the image; running it with {SHELL}")
        return [*shell(), script]
    return [*interpreter, script]


def shell() -> list[str]:
    """Return the image's shell, or the one in our bundle where there is none."""
    busybox = f"{HOME}/bin/busybox"
    return [busybox, "sh"] if not os.path.exists(SHELL) and os.path.exists(busybox) else [SHELL]


def _shebang(script: str) -> list[str]:
    with open(script, "rb") as file:
        line = file.readline(4096)
    if not line.startswith(b"#!"):
        return []
    return os.fsdecode(line[2:].strip()).split(None, 1)


def _missing(interpreter: Sequence[str], environment: Mapping[str, str]) -> str:
    program = interpreter[0]
    if not os.access(program, os.X_OK):
        return program
    asked = interpreter[1] if len(interpreter) > 1 else ""
    if os.path.basename(program) == "env" and asked and not asked.startswith("-") and "=" not in asked:
        import shutil  # late: seldom needed, and it loads the compressors

        path = environment.get("PATH", os.defpath)
        return "" if shutil.which(asked.split()[0], path=path) else asked
    return ""


def _started(words: list[str]) -> list[str]:
    if not words:
        raise ConfigError(
            "there is nothing to run: the Function has no init_script and the image no ENTRYPOINT or CMD"
        )
    return words
