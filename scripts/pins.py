"""Resolve all dependencies anew and rewrite `constraint-dependencies` in pyproject.toml; names and versions only."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
PINS = re.compile(r"(?<=^constraint-dependencies = \[\n).*?(?=^\])", re.MULTILINE | re.DOTALL)
EXPORT = [
    "uv",
    "export",
    "--no-hashes",
    "--no-emit-project",
    "--no-header",
    "--no-annotate",
    "--all-groups",
    "--upgrade",
]


def main() -> None:
    """Let uv choose freely, then write down what it chose."""
    kept = PROJECT.read_text()
    PROJECT.write_text(PINS.sub("", kept))
    try:
        lines = subprocess.run(EXPORT, cwd=PROJECT.parent, capture_output=True, text=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        PROJECT.write_text(kept)
        raise SystemExit(error.stderr) from error
    PROJECT.write_text(PINS.sub("".join(f'  "{line}",\n' for line in lines.splitlines() if line), kept))


if __name__ == "__main__":
    main()
