"""The page of all keys, made from the registry of actions.

`python -m hfaas_tui.ui.reference` prints it; docs/tui-keys.md is that text.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

from hfaas_tui.ui import actions
from hfaas_tui.ui.actions import Action
from hfaas_tui.ui.screens.view import TABS

HEAD = """# Keys of hfaas-tui

Made by `python -m hfaas_tui.ui.reference`; do not edit. The name of an action is what `keys.toml` calls it
([how](tui.md#your-own-keys)). `*` = changes something: not there while read-only. `^x` is ctrl and x, `⏎` the enter
key, `⌫` backspace. Upper case is with shift.
"""
COLUMNS = ("| Key | Does | Action |", "|---|---|---|")


def text() -> str:
    """Return the page."""
    numbers = {name: (number, title) for number, (name, title, _) in enumerate(TABS, 1)}
    sections = [
        _section("Everywhere", actions.EVERYWHERE),
        "\n".join(["## In lists", "", *COLUMNS, *_moves(), ""]),
        *(_section(f"{numbers[view][0]} {numbers[view][1]}", each) for view, each in actions.VIEWS.items()),
        *(_section(view.capitalize(), each) for view, each in actions.OTHERS.items()),
    ]
    return "\n".join([HEAD, *sections])


def _section(title: str, there: Iterable[Action]) -> str:
    rows = (f"| {_keys(each)} | {_cell(each.help)}{'*' if each.danger else ''} | `{each.id}` |" for each in there)
    return "\n".join([f"## {title}", "", *COLUMNS, *rows, ""])


def _moves() -> Iterator[str]:
    for keys, words in actions.MOVES:
        yield f"| {' '.join(f'`{key}`' for key in keys.split())} | {words} | |"


def _keys(action: Action) -> str:
    """Return every key of an action, not only the one that the last row shows."""
    return " ".join(f"`{replace(action, key=key, shown='').label}`" for key in action.key.split(","))


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(text())
