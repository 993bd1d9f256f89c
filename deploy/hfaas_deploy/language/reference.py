"""The reference page of the pipeline file's keys, made from the table of keys.

`python -m hfaas_deploy.language.reference` prints it; docs/fdl-keys.md is that text.
"""

from __future__ import annotations

import sys

from hfaas_deploy.language.keys import KEYS, Key, Kind, Status, at

HEAD = """# Keys of the pipeline file

Made by `python -m hfaas_deploy.language.reference`; do not edit. `*` = required, `+` = extension that scar does not know.
"""


def text() -> str:
    places = dict.fromkeys(key.place for key in KEYS)
    return "\n".join([HEAD, *(_section(place, list(at(place).values())) for place in places)])


def _section(place: str, keys: list[Key]) -> str:
    rows = (f"| {_name(key)} | {_type(key)} | {_cell(_effect(key))} |" for key in keys)
    return "\n".join([f"## {place or 'top'}", "", "| Key | Type, default | Effect |", "|---|---|---|", *rows, ""])


def _name(key: Key) -> str:
    return f"{key.name}{'*' if key.required else ''}{'+' if key.extension or key.place.endswith('hfaas') else ''}"


def _type(key: Key) -> str:
    kind = _cell(" ".join(key.choices)) if key.choices else str(key.kind)
    limits = f" {key.low if key.low is not None else ''}..{key.high if key.high is not None else ''}"
    default = (
        "" if key.default is None else f", {str(key.default).lower() if key.kind is Kind.TRUTH else key.default}"
    )
    return f"{kind}{limits if key.low is not None or key.high is not None else ''}{default}"


def _effect(key: Key) -> str:
    return f"ignored: {key.because}" if key.status is Status.IGNORED else key.effect


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(text())
