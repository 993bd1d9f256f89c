"""The user's own keys: `~/.config/hfaas/keys.toml` says `id = "key"`, and may use several, `"x,ctrl+x"`."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from hfaas_tui.ui import actions, settings
from hfaas_tui.ui.actions import Action

FILE = "keys.toml"
_ALIASES = {
    "⏎": "enter",
    "esc": "escape",
    "⌫": "backspace",
    "↑": "up",
    "↓": "down",
    "←": "left",
    "→": "right",
    "/": "slash",
    ":": "colon",
    "?": "question_mark",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "+": "plus",
    "-": "minus",
    " ": "space",
}


def load(file: Path | None = None) -> tuple[dict[str, str], list[str]]:
    """Return the keys of the user by action, and what is wrong with them: none of it is fatal."""
    file = file or settings.config_folder() / FILE
    told, problems = settings.document(file)
    known = {each.id: each for each in actions.everything()}
    keys: dict[str, str] = {}
    for name, key in _flat(told):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else "; `hfaas-tui --keys` shows all"
            problems.append(f"{file.name}: there is no action {name}{hint}")
        elif not isinstance(key, str) or not key:
            problems.append(f'{file.name}: the key of {name} must be a text, like "ctrl+x"')
        else:
            keys[name] = ",".join(_normal(each) for each in _split(key))
    return keys, [*problems, *clashes(keys)]


def clashes(keys: Mapping[str, str]) -> list[str]:
    """Say which of the user's keys do two things in the same view."""
    found: dict[str, None] = {}
    for view in (*actions.VIEWS, *actions.OTHERS):
        on: dict[str, list[str]] = defaultdict(list)
        for each in (*actions.EVERYWHERE, *actions.of(view)):
            for key in keys.get(each.id, each.key).split(","):
                on[key].append(each.id)
        for key, names in on.items():
            if len(names) > 1 and any(name in keys for name in names):
                found[f"{FILE}: {' and '.join(names)} are both on {key}"] = None
    return list(found)


def listing(keys: Mapping[str, str]) -> Iterator[str]:
    """Yield every action with its key, as `keys.toml` writes them; a `#` stands before what is as usual."""
    yield f"# {settings.config_folder() / FILE}: take a line over without its #, and change the key"
    view = ""
    for each in actions.everything():
        if each.id.partition(".")[0] != view:
            view = each.id.partition(".")[0]
            yield ""
        yield _line(each, keys.get(each.id))


def _line(action: Action, own: str | None) -> str:
    text = f'"{action.id}" = "{own or action.key}"'
    return f"{'' if own else '# '}{text:<46}# {action.help}"


def _flat(told: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Yield names and values; `[functions] invoke = "I"` says the same as `"functions.invoke" = "I"`."""
    for name, value in told.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _split(key: str) -> list[str]:
    return [key] if key.strip() in {"", ","} else [each for each in key.split(",") if each]


def _normal(key: str) -> str:
    """Return a key as Textual calls it: `^x` is `ctrl+x`."""
    key = key if key == " " else key.strip()
    if key.startswith("^") and len(key) > 1:
        return f"ctrl+{key[1:].lower()}"
    return _ALIASES.get(key, key.lower() if len(key) > 1 else key)
