"""A promotion under way: its steps, what was said, what came of it. It runs in a thread of its own.

    promoter's messages -> steps, log, outputs (behind a lock) -> the view looks at them when `version` changed

The thread ends with the program: AWS goes on with what it was told by itself, and promoting again takes it up.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hfaas_tui import promotions
from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project.promoting import Agree, Promoter, Refused, Stopped
from hfaas_tui.ui.project.pushes import Amount
from hfaas_tui.ui.project.step import RUNNING, Names, Step
from hfaas_tui.ui.project.steps import Steps
from hfaas_tui.where import Where

if TYPE_CHECKING:
    from hfaas_deploy.messages import Message
    from hfaas_deploy.promote.promotion import Promoted, Promotion

LINES_KEPT = 2000


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
    failure: Refused | None = None
    defect: BaseException | None = None
    promoted: Promoted | None = None
    is_stopped: bool = False
    is_running: bool = True
    began: float = 0
    ended: float | None = None
    _steps: Steps = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.began = self.clock()
        self._steps = Steps(self.promotion, self.names, self.clock)

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
            self._steps.end(state)
            self.version += 1

    # --- what is known

    @property
    def steps(self) -> Sequence[Step]:
        """Return the steps with their parts; of layers only those that move."""
        with self._lock:
            return self._steps.every()

    @property
    def arrived(self) -> Mapping[str, str]:
        """Return the images that are in their repositories, by function."""
        with self._lock:
            return dict(self._steps.arrived)

    @property
    def smoked(self) -> Mapping[str, str]:
        """Return what came of trying each function, in words."""
        with self._lock:
            return dict(self._steps.smoked)

    @property
    def bad(self) -> frozenset[str]:
        """Return the functions that did not answer as they should."""
        with self._lock:
            return frozenset(self._steps.bad)

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
        with self._lock:
            return self._steps.counted()

    @property
    def share(self) -> float:
        """Return how much of everything is done, 0..1; it never goes back."""
        with self._lock:
            return self._steps.share

    @property
    def pushed(self) -> Amount | None:
        """Return how far the images are on their way; None while none is."""
        with self._lock:
            return self._steps.pushed if self.is_running else None

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
            before = self._steps.running()
            self._steps.take(message)
            bad = promotions.failed(message)
            self.log.extend(Said(self.clock(), line, bad) for line in promotions.lines(message))
            self.version += 1
            is_due = self._stop.is_set() and not before & self._steps.running()
        if is_due:
            raise Stopped
