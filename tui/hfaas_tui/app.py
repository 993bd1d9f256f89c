"""The way into `hfaas-tui`."""

from __future__ import annotations

import sys


def main() -> int:
    """Say where the terminal UI is; the commands of `hfaas` do its work until then."""
    sys.stderr.write(
        "hfaas-tui comes with the TUI issue; until then use `hfaas run`, `hfaas logs -f` and `hfaas why`\n"
    )
    return 1
