"""The steps of a promotion under way: planned from the promotion, moved on by what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hfaas_tui.ui.model import Condition

if TYPE_CHECKING:
    from hfaas_deploy.aws.stack import Event
    from hfaas_deploy.messages import LayerMoved, Message
    from hfaas_deploy.promote.promotion import Promotion

STACK, SMOKE, RECORD = "stack", "smoke", "record"
RUNNING = Condition.RUNNING
Names = Mapping[str, tuple[str, str]]
"""Kind and name of each resource of the template, by what the template calls it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A line of what is done; Unix times. `done` of `total` are bytes of a push; a part belongs to the step above."""

    id: str
    what: str
    name: str
    about: str = ""
    state: Condition = Condition.PENDING
    began: float | None = None
    ended: float | None = None
    done: int = 0
    total: int = 0
    is_part: bool = False

    def seconds(self, now: float) -> float | None:
        """Return how long it took, or has taken by now; None before it began."""
        return None if self.began is None else (now if self.ended is None else self.ended) - self.began

    @property
    def is_over(self) -> bool:
        return self.ended is not None


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
    _layers: dict[str, dict[str, tuple[int, int, bool]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._steps = {step.id: step for step in planned(self.promotion, self.names)}

    def every(self) -> list[Step]:
        """Return the steps with their parts; of layers only those that move."""
        return [*self._steps.values()]

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
                self._begin(f"image {function}", about="building")
            case messages.ImageSaid(function):
                self._begin(f"image {function}", about="building")
            case messages.PushStarted(function, _, size, layers):
                self._settle("repositories")
                self._begin(f"image {function}", about=f"{layers} layers", total=size)
            case messages.LayerMoved():
                self._layer(message)
            case messages.PushCut(function, _, seconds):
                self._begin(f"image {function}", about=f"cut off, once more in {seconds:g} s")
            case messages.ImagePushed(function, reference, sent):
                self.arrived[function] = reference
                self._drop_layers(function)
                self._over(f"image {function}", about="pushed" if sent else "there already")
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
        key, state = f"layer {moved.function} {moved.layer}", moved.state.value
        known = self._layers.setdefault(moved.function, {})
        is_there = state in {"pushed", "there already"}
        known[moved.layer] = (moved.total if is_there else moved.done, moved.total, is_there)
        if is_there:
            self._steps.pop(key, None)
        elif state != "waiting":
            about = "" if state == "pushing" else state
            part = Step(
                key,
                "    layer",
                moved.layer,
                about,
                RUNNING,
                self.clock(),
                None,
                moved.done,
                moved.total,
                is_part=True,
            )
            self._insert(part, f"image {moved.function}")
        there = sum(is_there for _, _, is_there in known.values())
        done = sum(done for done, _, _ in known.values())
        self._begin(f"image {moved.function}", about=f"{there} of {len(known)} layers", done=done)

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
        self._steps = {key: step for key, step in self._steps.items() if not key.startswith(f"layer {function} ")}

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


WORDS = {
    "CREATE_IN_PROGRESS": "creating…",
    "UPDATE_IN_PROGRESS": "updating…",
    "DELETE_IN_PROGRESS": "deleting…",
    "IMPORT_IN_PROGRESS": "taking over…",
    "CREATE_COMPLETE": "created",
    "UPDATE_COMPLETE": "updated",
    "DELETE_COMPLETE": "deleted",
    "DELETE_SKIPPED": "kept",
    "IMPORT_COMPLETE": "taken over",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "cleaning up…",
    "ROLLBACK_IN_PROGRESS": "rolling back…",
    "UPDATE_ROLLBACK_IN_PROGRESS": "rolling back…",
    "ROLLBACK_COMPLETE": "rolled back",
    "UPDATE_ROLLBACK_COMPLETE": "rolled back",
}


def planned(promotion: Promotion, names: Names) -> Iterator[Step]:
    """Yield the steps that a plan comes to."""
    if promotion.repositories:
        yield Step("repositories", "Repositories", ", ".join(promotion.repositories))
    for image in promotion.images:
        if image.upload.value != "there":
            words = "Build and push image" if image.upload.value.startswith("build") else "Push image"
            yield Step(f"image {image.function}", words, image.function, total=image.size)
    yield Step(STACK, "Stack", promotion.preview.stack)
    for change in promotion.changes:
        kind, name = names.get(change.resource, (change.kind, change.resource))
        yield Step(f"resource {change.resource}", f"  {kind}", name, is_part=True)
    for secret in promotion.secrets:
        if secret.is_new or secret.missing:
            yield Step(f"keys {secret.provider}", "Keys", secret.provider)
    yield Step(SMOKE, "Verify", "every function answers")
    yield Step(RECORD, "Record", "what was promoted, by whom, when")
