"""What the Promote view has to read: the template with the lines that bring it up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from textual.containers import Vertical

from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Problem
from hfaas_tui.ui.project import promotion
from hfaas_tui.ui.project.promotion import Proposal
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.sheet import Sheet
from hfaas_tui.ui.widgets.textpane import Line


class TemplateSheet(Sheet):
    """The template: pretty to read, copied and saved byte for byte as its SHA-256 has it."""

    def __init__(self, proposal: Proposal, command: Sequence[str]) -> None:
        super().__init__(f"Template of {proposal.stack}", template_lines(proposal, command), text=proposal.body)
        self._proposal = proposal

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Vertical).border_subtitle = "esc close  / search  c copy  ^s save the template"

    def action_save(self) -> None:
        try:
            path = promotion.save(self._proposal, self.hfaas.settings.folder)
        except CliError as error:
            self.hfaas.report(Problem(error.message, error.hint))
        else:
            self.hfaas.say(f"saved {path}: {len(self._proposal.body)} bytes, SHA-256 {self._proposal.sha256[:12]}")

    def action_copy(self) -> None:
        self.hfaas.copy(self._proposal.body, "the template")


def template_lines(proposal: Proposal, command: Sequence[str]) -> Iterator[Line]:
    """Yield the hash, the command lines and the template."""
    yield (Part("SHA-256  ", "head"), Part(proposal.sha256))
    yield (
        Part("size     ", "head"),
        Part(f"{len(proposal.body.encode()):,} of 51,200 bytes, one line as it is saved"),
    )
    yield ()
    yield (Part("In a shell in the project's folder, the same promotion:", "dim"),)
    yield from _shell([command[0], *(f"  {option}" for option in command[1:])])
    yield (Part("Without hfaas, after ^s here:", "dim"),)
    yield from _shell(_pieces(promotion.command(proposal)))
    yield ()
    for text in json.dumps(proposal.document, indent=2, sort_keys=True, ensure_ascii=False).splitlines():
        yield (Part(text),)


def _pieces(command: str) -> list[str]:
    """Return a command, an option a line."""
    first, *options = command.split(" --")
    words = [first]
    for option in options:
        name, _, values = option.partition(" ")
        if name == "parameter-overrides":
            words += [f"  --{name}", *(f"    {value}" for value in values.split(" "))]
        else:
            words.append(f"  --{option}")
    return words


def _shell(words: Sequence[str]) -> Iterator[Line]:
    """Yield a command as a shell takes it."""
    for number, text in enumerate(words, 1):
        yield (Part(f"  {text}" + (" \\" if number < len(words) else ""), "key"),)
