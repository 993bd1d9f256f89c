"""What the Promote view has to read: the template with the line that brings it up, and what there is of promotion."""

from __future__ import annotations

import json
from collections.abc import Iterator

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

    def __init__(self, proposal: Proposal) -> None:
        super().__init__(f"Template of {proposal.stack}", template_lines(proposal), text=proposal.body)
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


def template_lines(proposal: Proposal) -> Iterator[Line]:
    """Yield the hash, the command line and the template."""
    yield (Part("SHA-256  ", "head"), Part(proposal.sha256))
    yield (
        Part("size     ", "head"),
        Part(f"{len(proposal.body.encode()):,} of 51,200 bytes, one line as it is saved"),
    )
    yield ()
    yield (Part("In a shell, after ^s here; hfaas does not run it:", "dim"),)
    yield from _shell(promotion.command(proposal))
    yield ()
    for text in json.dumps(proposal.document, indent=2, sort_keys=True, ensure_ascii=False).splitlines():
        yield (Part(text),)


def _shell(command: str) -> Iterator[Line]:
    """Yield a command, an option a line, as a shell takes it."""
    first, *options = command.split(" --")
    words = [first]
    for option in options:
        name, _, values = option.partition(" ")
        if name == "parameter-overrides":
            words += [f"  --{name}", *(f"    {value}" for value in values.split(" "))]
        else:
            words.append(f"  --{option}")
    for number, text in enumerate(words, 1):
        yield (Part(f"  {text}" + (" \\" if number < len(words) else ""), "key"),)


class NotYet(Sheet):
    """Says that there is no promotion yet, and what to do without."""

    def __init__(self, proposal: Proposal) -> None:
        super().__init__("Promote: not in this version yet", not_yet(proposal), name="promotion")


def not_yet(proposal: Proposal) -> Iterator[Line]:
    """Yield what promotion is going to do, and what there is today."""
    name = promotion.file_name(proposal)
    yield (Part("! Nothing was promoted, and nothing here calls AWS.", "warn"),)
    yield (Part("Promotion comes with a later version: it will look at the account, push"),)
    yield (Part("images by digest, show the change set, ask, apply it and try it out."),)
    yield ()
    yield (Part("Today", "head"), Part("  the template is complete, and every tool of AWS takes it:"))
    yield (Part("  1  ^s  ", "key"), Part(f"on the view saves {name}"))
    yield (Part("  2      ", "key"), Part("push each image to a repository of the account (ECR):"))
    for image in proposal.seen.images:
        reference = image.deployed or image.wanted
        told = "no image was made: it ran as a process" if image.is_process else reference or "not built here yet"
        yield (Part(f"         {image.function}  ", "dim"), Part(told))
    yield (Part("  3  y   ", "key"), Part("shows the command line; put the digests of the images in"))
    if proposal.secrets:
        yield (Part("  4      ", "key"), Part("put keys into the secrets that the Stack has made:"))
        yield (Part("         "), Part(", ".join(each.provider for each in proposal.secrets)))
