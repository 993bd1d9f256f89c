"""Confirm: what is about to happen to a real account, the keys that nobody has set, and a person's word.

The first promotion to an account wants its last digits, one that destroys something the Stack's name, others one key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from hfaas_tui import promotions
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.screens.promote import accounts, plan_checks
from hfaas_tui.ui.screens.promote.checks import SHA

if TYPE_CHECKING:
    from hfaas_deploy.promote.promotion import Promotion

MOST_DANGERS, FEW_DANGERS = 6, 3
TALL = 32
Keys = Mapping[str, str]
"""Values of variables that the environment lacks, by name; they are in memory for one promotion only."""


class Agree(ModalScreen["Keys | None"]):
    """Answers the keys that were typed in once the user agreed; None when they did not."""

    DEFAULT_CSS = """
    Agree { align: center middle; }
    Agree > Vertical { width: 76; max-width: 94%; height: auto; max-height: 96%; padding: 1 2;
                       border: heavy $error; background: $surface; border-title-style: bold; }
    Agree:nocolor > Vertical { border: heavy $foreground; }
    Agree VerticalScroll { height: auto; max-height: 1fr; }
    Agree Static { width: 1fr; height: auto; }
    Agree .danger { color: $text-error; text-style: bold; }
    Agree Input { height: 1; border: none; padding: 0 1; background: $panel; }
    Agree #buttons { height: auto; margin-top: 1; align: center middle; }
    Agree Button { margin: 0 2; min-width: 12; }
    Agree.-short > Vertical { padding: 0 1; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "refuse", "Cancel"),
        Binding("n", "refuse", "No", show=False),
        Binding("y", "agree", "Yes", show=False),
    ]

    def __init__(
        self,
        promotion: Promotion,
        now: float,
        *,
        is_changed: bool = False,
        left: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.is_agreed = False
        self._left = left
        self._now = now
        self._promotion = promotion
        self._phrase = phrase(promotion)
        self._names = () if is_changed else asked(promotion)
        self._is_changed = is_changed

    def compose(self) -> ComposeResult:
        promotion, identity = self._promotion, self._promotion.identity
        place = f"{accounts.account(identity.account)} {identity.region}"
        with Vertical() as box:
            played = " (played)" if identity.is_stand_in else ""
            box.border_title = Text(clean(f"Deploy to AWS LIVE {place}{played}", 70))
            box.border_subtitle = "esc cancel"
            with VerticalScroll(can_focus=False):
                if self._is_changed:
                    yield Static("AWS would do something else by now than was planned:\n", markup=False)
                yield Static("\n".join(map(clean, summary(promotion, self._now))), markup=False)
                if found := list(plan_checks.dangers(promotion, self._most)):
                    yield Static(
                        "\n".join(map(clean, ("", *(f"✗ {each}" for each in found)))),
                        markup=False,
                        classes="danger",
                    )
                for number, (provider, name) in enumerate(self._names):
                    lead = "\n" if number == 0 else ""
                    empty = (
                        "not set yet" if promotions.is_needed(promotion, provider) else "empty keeps what AWS has"
                    )
                    yield Static(f"{lead}{clean(name)} for {clean(provider)}, {empty}:", markup=False)
                    yield Input(placeholder="not shown, not kept", password=True, id=f"key-{number}", compact=True)
                if self._phrase:
                    yield Static(f"\n{self._asks()}", markup=False)
                    yield Input(placeholder="▸", id="phrase", compact=True)
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="no", compact=True)
                if self._phrase:
                    yield Button("Deploy", id="yes", compact=True, variant="error", disabled=True)
                else:
                    yield Button("Deploy (y)", id="yes", compact=True, variant="error")

    def _asks(self) -> str:
        if self._promotion.is_first:
            return "The first time to this account. Type the last 4 digits of its number:"
        return f"Type {clean(self._phrase)} to have this destroyed:"

    @property
    def _most(self) -> int:
        return MOST_DANGERS if self.app.size.height >= TALL else FEW_DANGERS

    def on_resize(self, event: events.Resize) -> None:
        """Leave room for the buttons."""
        around = 8 if event.size.height >= TALL else 5
        self.query_one(VerticalScroll).styles.max_height = max(3, event.size.height - around)

    def on_mount(self) -> None:
        fields = list(self.query(Input))
        (fields[0] if fields else self.query_one("#no", Button)).focus()

    def on_unmount(self) -> None:
        """Tell whoever waits that there will be no other answer."""
        self._left()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one("#yes", Button).disabled = not self._may

    @property
    def _may(self) -> bool:
        return not self._phrase or self.query_one("#phrase", Input).value.strip() == self._phrase

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "phrase":
            self.action_agree()
        else:
            self.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self.action_agree()
        else:
            self.action_refuse()

    def action_agree(self) -> None:
        if self._may:
            typed = {name: self.query_one(f"#key-{n}", Input).value for n, (_, name) in enumerate(self._names)}
            self.is_agreed = True
            self.dismiss({name: value for name, value in typed.items() if value})

    def action_refuse(self) -> None:
        self.dismiss(None)


def phrase(promotion: Promotion) -> str:
    """Return what a person types to agree; empty where one key is enough."""
    if promotion.is_first:
        return promotion.identity.last_digits
    return promotion.preview.stack if promotion.dangers else ""


def asked(promotion: Promotion) -> Sequence[tuple[str, str]]:
    """Return the variables to ask for, each with who needs it; keys that the file leaves out have no variable."""
    unique = {
        name: provider
        for provider, name in reversed(promotions.missing(promotion))
        if name not in left_out(promotion, provider)
    }
    return [(provider, name) for name, provider in reversed(unique.items())]


def left_out(promotion: Promotion, provider: str) -> set[str]:
    """Return the keys that are empty in the file: no variable fills them."""
    kind, _, name = provider.partition(".")
    written = promotion.pipeline.providers.get(kind, {}).get(name)
    if written is None:
        return set()
    from hfaas_deploy import providers

    return {key for key in providers.CREDENTIALS.get(kind, ()) if not written.get(key)}


def summary(promotion: Promotion, now: float) -> Iterator[str]:
    """Yield in words what is about to happen, and to whom."""
    identity, tested = promotion.identity, promotion.rehearsal
    alias = f"({identity.alias}) " if identity.alias else ""
    yield f"account    {accounts.account(identity.account)} {alias}{identity.region}"
    yield f"as         {identity.arn}"
    yield f"host       {identity.host}"
    yield f"template   {promotion.template.sha256[:SHA]}" + (
        f", rehearsed at {plan_checks.clock(tested.at, now)}" if tested else ", NOT REHEARSED"
    )
    yield ""
    if promotion.is_empty:
        yield "AWS has exactly this already. What was cut off is finished, and every"
        yield "function is tried once more."
        return
    found = promotions.counted(promotion)
    new, changed, gone = found["add"], found["change"] + found["replace"], found["remove"]
    taken = f" takes over {found['take over']}," if found["take over"] else ""
    real = "an account that is played here" if promotion.identity.is_stand_in else "a real account"
    yield f"This creates {new},{taken} changes {changed}, deletes {gone} of {promotion.preview.stack} in {real}."
    uploads = sum(image.upload.value != "there" for image in promotion.images)
    told = [f"{uploads} image{'s go' if uploads != 1 else ' goes'} to its registry."] if uploads else []
    if granted := plan_checks.permissions(promotion):
        told.append(f"{granted[:1].upper()}{granted[1:]}.")
    if told:
        yield "  ".join(told)
    if not promotion.dangers:
        yield "Nothing is destroyed. If it fails, AWS rolls back what it did."
