"""A promotion under way: its steps, what was said, what came of it. It runs in a thread of its own.

    promoter's messages -> steps, log, outputs (behind a lock) -> the view looks at them when `version` changed

The thread ends with the program: AWS goes on with what it was told by itself, and promoting again takes it up.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hfaas_tui import promotions
from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project.promoting import Agree, Promoter, Refused, Stopped
from hfaas_tui.where import Where

if TYPE_CHECKING:
    from hfaas_deploy.messages import LayerMoved, Message
    from hfaas_deploy.promote.promotion import Promoted, Promotion
    from hfaas_deploy.stack import Event

LINES_KEPT = 2000
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


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the log."""

    time: float
    text: str
    is_bad: bool = False


@dataclass
class Undertaking:
    """Everything that is known of one promotion that was begun."""

    promotion: Promotion
    where: Where
    names: Names
    clock: Callable[[], float]
    version: int = 0
    log: deque[Said] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    outputs: Mapping[str, str] = field(default_factory=dict)
    arrived: dict[str, str] = field(default_factory=dict)
    """Images that are in their repositories, by function."""
    smoked: dict[str, str] = field(default_factory=dict)
    """What came of trying each function, in words."""
    bad: set[str] = field(default_factory=set)
    """Those that did not answer as they should."""
    failure: Refused | None = None
    defect: BaseException | None = None
    promoted: Promoted | None = None
    is_stopped: bool = False
    is_running: bool = True
    began: float = 0
    ended: float | None = None
    _steps: dict[str, Step] = field(default_factory=dict)
    _layers: dict[str, dict[str, tuple[int, int, bool]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.began = self.clock()
        self._steps = {step.id: step for step in planned(self.promotion, self.names)}

    # --- running

    def begin(self, promoter: Promoter, keys: Mapping[str, str], agree: Agree, ended: Callable[[], None]) -> None:
        """Promote in a thread, which calls `ended` in the end; `keys` are not kept."""

        def run() -> None:
            try:
                self._end(promoter.promote(self.promotion, self.where, keys, self.tell, agree))
            except Stopped:
                self.is_stopped = True
                self._end()
            except Refused as refusal:
                self.failure = refusal
                self._end()
            except CliError as error:
                self.failure = Refused(error.message, error.hint)
                self._end()
            except Exception as error:  # noqa: BLE001 - a defect of ours ends the promotion, not the UI
                self.defect = error
                self.failure = Refused(f"unexpected: {type(error).__name__}", "this is a fault of hfaas")
                self._end()
            ended()

        threading.Thread(target=run, name="promotion", daemon=True).start()

    def stop(self) -> None:
        """Have it end once the step that runs now is over."""
        self._stop.set()
        self.version += 1

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set() and self.is_running

    def _end(self, promoted: Promoted | None = None) -> None:
        now = self.clock()
        with self._lock:
            self.promoted, self.ended, self.is_running = promoted, now, False
            if promoted:
                self.outputs = promoted.outputs
            state = Condition.OK if promoted else Condition.STOPPED if self.is_stopped else Condition.FAILED
            for key, step in self._steps.items():
                if step.state is RUNNING:
                    self._steps[key] = replace(step, state=state, ended=now)
                elif promoted and not step.is_over:
                    self._steps[key] = replace(step, state=Condition.NONE, about=step.about or "nothing to do")
            self.version += 1

    # --- what is known

    @property
    def steps(self) -> Sequence[Step]:
        """Return the steps with their parts; of layers only those that move."""
        with self._lock:
            return list(self._steps.values())

    @property
    def lines(self) -> Sequence[Said]:
        with self._lock:
            return list(self.log)

    @property
    def current(self) -> Step | None:
        """Return the step that runs now, the innermost; of a failure the first."""
        steps = self.steps
        if self.failure and (failed := next((step for step in steps if step.state is Condition.FAILED), None)):
            return failed
        running = [step for step in steps if step.state is RUNNING]
        return running[-1] if running else None

    def progress(self) -> tuple[int, int]:
        """Return how many steps are over, of how many."""
        found = [step for step in self.steps if not (step.is_part and step.id.startswith("layer"))]
        return sum(step.is_over or step.state is Condition.NONE for step in found), len(found)

    def report(self) -> dict[str, Any]:
        """Return all of it for a file; there is no secret in it."""
        now = self.clock()
        promoted = self.promoted
        identity = self.promotion.identity
        return {
            "stack": self.promotion.preview.stack,
            "template": self.promotion.template.sha256,
            "account": identity.account,
            "region": identity.region,
            "by": identity.arn,
            "began": self.began,
            "ended": self.ended,
            "state": "running" if self.is_running else self.outcome,
            "failure": {"message": self.failure.message, "hint": self.failure.hint} if self.failure else None,
            "images": dict(promoted.images) if promoted else {},
            "ids": dict(promoted.ids) if promoted else {},
            "outputs": dict(self.outputs),
            "smoke": dict(self.smoked),
            "steps": [
                {"what": step.what, "name": step.name, "state": step.state.value, "seconds": step.seconds(now)}
                for step in self.steps
            ],
            "log": [{"time": one.time, "text": one.text} for one in self.lines],
        }

    @property
    def outcome(self) -> str:
        """Return in a word how it ended."""
        return "promoted" if self.promoted else "stopped" if self.is_stopped else "failed"

    # --- messages

    def tell(self, message: Message) -> None:
        """Take a message, from the thread of the promotion; Stopped when the user wanted no further step."""
        with self._lock:
            before = {key for key, step in self._steps.items() if step.state is RUNNING and not step.is_part}
            self._take(message)
            bad = promotions.failed(message)
            self.log.extend(Said(self.clock(), line, bad) for line in promotions.lines(message))
            self.version += 1
            still = any(self._steps[key].state is RUNNING for key in before if key in self._steps)
            is_due = self._stop.is_set() and not still
        if is_due:
            raise Stopped

    def _take(self, message: Message) -> None:
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
