"""The steps of a promotion under way: planned from the promotion, moved on by what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project.pushes import ARRIVED, Amount, Pushes
from hfaas_tui.ui.project.step import IMAGE, LAYER, RECORD, RUNNING, SMOKE, STACK, WORDS, Names, Step, planned

if TYPE_CHECKING:
    from hfaas_deploy.aws.events import Event
    from hfaas_deploy.messages import LayerMoved, Message
    from hfaas_deploy.promote.promotion import Promotion

PUSHING = 0.5
"""How much of everything the images are that have to be pushed; the steps are the rest."""


@dataclass
class Steps:
    """The steps in their order, what was tried and what has arrived; whoever has it sees to it that one thread asks."""

    promotion: Promotion
    names: Names
    clock: Callable[[], float]
    arrived: dict[str, str] = field(default_factory=dict)
    """Images that are in their repositories, by function."""
    smoked: dict[str, str] = field(default_factory=dict)
    """What came of trying each function, in words."""
    bad: set[str] = field(default_factory=set)
    """Those that did not answer as they should."""
    _steps: dict[str, Step] = field(default_factory=dict)
    _pushes: Pushes = field(init=False)
    _share: float = 0.0

    def __post_init__(self) -> None:
        self._steps = {step.id: step for step in planned(self.promotion, self.names)}
        images = [step for step in self._steps.values() if step.id.startswith(IMAGE)]
        self._pushes = Pushes({step.name: step.moved.total for step in images}, self.clock)

    def every(self) -> list[Step]:
        """Return the steps with their parts, pushes as they are now; of layers only those that move."""
        return [self._as_it_moves(step) for step in self._steps.values()]

    def _as_it_moves(self, step: Step) -> Step:
        is_push = step.state is RUNNING and step.id.startswith(IMAGE)
        return replace(step, moved=self._pushes.of(step.name).amount) if is_push else step

    @property
    def pushed(self) -> Amount | None:
        """Return how far all images are together; None while none moves."""
        return self._pushes.amount if self._pushes.has_begun and not self._are_images_there else None

    @property
    def _are_images_there(self) -> bool:
        """Tell whether the Stack has begun, too: of an image that somebody else pushed meanwhile nothing is told."""
        return self._steps[STACK].state is not Condition.PENDING or self._pushes.is_over

    def counted(self) -> tuple[int, int]:
        """Return how many steps are over, of how many."""
        found = [step for step in self._steps.values() if not step.id.startswith(LAYER)]
        return sum(_is_done(step) for step in found), len(found)

    @property
    def share(self) -> float:
        """Return how much of everything is done, 0..1: images by their bytes, all else by steps; it never goes back."""
        images = [step for step in self._steps.values() if step.id.startswith(IMAGE)]
        weight = PUSHING if images else 0.0
        others = [step for step in self._steps.values() if not step.id.startswith((IMAGE, LAYER))]
        steps = sum(map(_is_done, others)) / len(others)
        share = 1.0 if self._are_images_there else self._pushes.amount.share
        if share is None:  # of some nobody knows how large they are
            share = sum(map(_is_done, images)) / len(images)
        self._share = max(self._share, weight * share + (1 - weight) * steps)
        return self._share

    def running(self) -> set[str]:
        """Return the steps that run now, without parts."""
        return {key for key, step in self._steps.items() if step.state is RUNNING and not step.is_part}

    def end(self, state: Condition) -> None:
        """Let what runs end so; where all went well, what never began was not needed."""
        now = self.clock()
        for key, step in self._steps.items():
            if step.state is RUNNING:
                self._steps[key] = replace(step, state=state, ended=now)
            elif state is Condition.OK and not step.is_over:
                self._steps[key] = replace(step, state=Condition.NONE, about=step.about or "nothing to do")

    def take(self, message: Message) -> None:
        """Move on by what is told."""
        from hfaas_deploy import messages

        match message:
            case messages.ImageStarted(function):
                self._settle("repositories")
                self._begin(f"{IMAGE}{function}", about="building")
            case messages.ImageSaid(function):
                self._begin(f"{IMAGE}{function}", about="building")
            case messages.PushStarted(function, _, size, layers):
                self._settle("repositories")
                self._pushes.start(function, size, layers)
                self._begin(f"{IMAGE}{function}", about=f"{layers} layers")
            case messages.LayerMoved():
                self._layer(message)
            case messages.PushCut(function, _, seconds):
                self._begin(f"{IMAGE}{function}", about=f"cut off, once more in {seconds:g} s")
            case messages.ImagePushed(function, reference, sent):
                self.arrived[function] = reference
                self._pushes.of(function).end()
                self._drop_layers(function)
                self._over(f"{IMAGE}{function}", about="pushed" if sent else "there already")
            case messages.Planned(stack):
                self._begin(STACK if stack == self.promotion.preview.stack else "repositories")
            case messages.Happened(event):
                self._event(event)
            case messages.Unheard() | messages.GoesOn():
                self._begin(STACK, about="not heard of; AWS goes on by itself")
            case messages.SmokeStarted(function):
                self._begin(SMOKE, about=function)
            case messages.Smoked(function, ok, text):
                self._smoke(function, text, ok=ok)
            case messages.Recorded():
                self._over(RECORD)
            case messages.SecretStored(provider):
                self._over(f"keys {provider}", about="stored")
            case messages.SecretMissing(provider, names):
                self._over(f"keys {provider}", Condition.WARNING, about=f"{', '.join(names)} not set")
            case _:
                pass

    def _begin(self, key: str, **more: Any) -> None:
        step = self._steps.get(key)
        if step is None or step.is_over:
            return
        began = self.clock() if step.began is None else step.began
        self._steps[key] = replace(step, state=RUNNING, began=began, **more)

    def _over(self, key: str, state: Condition = Condition.OK, **more: Any) -> None:
        step = self._steps.get(key)
        if step is not None:
            now = self.clock()
            began = now if step.began is None else step.began
            self._steps[key] = replace(step, state=state, began=began, ended=now, **more)

    def _settle(self, key: str) -> None:
        """A step is over of which no end was told."""
        if (step := self._steps.get(key)) and not step.is_over:
            self._over(key)

    def _smoke(self, function: str, text: str, *, ok: bool | None) -> None:
        self.smoked[function] = text
        if ok is False:
            self.bad.add(function)
        if len(self.smoked) < len(self.promotion.pipeline.functions):
            self._begin(SMOKE, about=function)
        elif self.bad:
            self._over(SMOKE, Condition.WARNING, about=f"{', '.join(sorted(self.bad))} did not answer as it should")
        else:
            self._over(SMOKE, about=f"{len(self.smoked)} of {len(self.smoked)}")

    def _layer(self, moved: LayerMoved) -> None:
        """Show a layer as long as it moves; its image counts it then."""
        key, state = f"{LAYER}{moved.function} {moved.layer}", moved.state.value
        push = self._pushes.move(moved)
        if state in ARRIVED:
            self._steps.pop(key, None)
        elif state != "waiting":
            about, amount = "" if state == "pushing" else state, Amount(moved.done, moved.total)
            part = Step(key, "    layer", moved.layer, about, RUNNING, self.clock(), None, amount, is_part=True)
            self._insert(part, f"{IMAGE}{moved.function}")
        there, known = push.layers
        self._begin(f"{IMAGE}{moved.function}", about=f"{there} of {known} layers")

    def _insert(self, part: Step, after: str) -> None:
        """Put a part below its step, where it is not yet."""
        if part.id in self._steps:
            old = self._steps[part.id]
            self._steps[part.id] = replace(part, began=old.began)
            return
        rows = list(self._steps.values())
        at = next((n for n, step in enumerate(rows, 1) if step.id == after), len(rows))
        while at < len(rows) and rows[at].is_part:
            at += 1
        rows.insert(at, part)
        self._steps = {step.id: step for step in rows}

    def _drop_layers(self, function: str) -> None:
        self._steps = {key: step for key, step in self._steps.items() if not key.startswith(f"{LAYER}{function} ")}

    def _event(self, event: Event) -> None:
        status, is_ours = (
            event.status,
            event.resource in self.names or event.resource == self.promotion.preview.stack,
        )
        if not is_ours:
            self._begin("repositories")
            if event.own and status.endswith("_COMPLETE"):
                self._over("repositories", Condition.FAILED if "ROLLBACK" in status else Condition.OK)
            return
        key = STACK if event.own else f"resource {event.resource}"
        if key not in self._steps:
            kind, name = self.names.get(event.resource, (event.kind, event.resource))
            self._insert(Step(key, f"  {kind}", name, is_part=True), STACK)
        about = WORDS.get(status, status.lower().replace("_", " "))
        if event.failed:
            self._over(key, Condition.FAILED, about=event.reason or about)
        elif status.endswith("_COMPLETE"):
            self._over(
                key,
                Condition.STOPPED if "ROLLBACK" in status or self._is_undone(key) else Condition.OK,
                about=about,
            )
        else:
            step = self._steps[key]
            if step.is_over and step.state is Condition.FAILED:
                return
            self._steps[key] = replace(step, ended=None)
            self._begin(key, about=about)

    def _is_undone(self, key: str) -> bool:
        """Tell whether the Stack is being rolled back: what is deleted then was made by it."""
        stack = self._steps.get(STACK)
        return key != STACK and stack is not None and "rolling back" in stack.about


def _is_done(step: Step) -> bool:
    return step.is_over or step.state is Condition.NONE
