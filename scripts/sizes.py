"""Print lengths of files and functions of each package: medians, 95th percentiles and the longest."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("supervisor/hfaas_supervisor", "deploy/hfaas_deploy", "emulator/hfaas_emulator", "tui/hfaas_tui")


def functions(tree: ast.AST, name: str) -> Iterator[tuple[int, str]]:
    """Yield (lines without docstring, place) of every function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            yield (node.end_lineno or 0) - first.lineno + 1, f"{name}:{node.lineno} {node.name}"


def row(name: str, numbers: list[int]) -> str:
    """Return one line of the table."""
    ordered = sorted(numbers)
    return f"{name:<22}{len(ordered):>6}{statistics.median(ordered):>8.0f}{ordered[int(len(ordered) * 0.95)]:>6}{ordered[-1]:>6}"


def main() -> None:
    """Print the table and the outliers."""
    print(f"{'':<22}{'count':>6}{'median':>8}{'p95':>6}{'max':>6}")
    longest: list[tuple[int, str]] = []
    for package in PACKAGES:
        files = sorted((ROOT / package).rglob("*.py"))
        sizes = [len(file.read_text().splitlines()) for file in files]
        found = [f for file in files for f in functions(ast.parse(file.read_text()), str(file.relative_to(ROOT)))]
        print(row(f"{files[0].parent.name} files", sizes))
        print(row("  functions", [lines for lines, _ in found] or [0]))
        longest += found + [
            (size, str(file.relative_to(ROOT))) for file, size in zip(files, sizes, strict=True) if size > 350
        ]
    for lines, place in sorted(longest, reverse=True)[:12]:
        print(f"{lines:>6}  {place}")


if __name__ == "__main__":
    main()
