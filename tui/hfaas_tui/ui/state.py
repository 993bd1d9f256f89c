"""What is known right now: feeds and workers write, widgets read; nobody waits for anybody.

Each kind of thing has a version that rises after the things themselves are complete, so that a widget that saw
a version and reads then never misses a change. Everything handed out is a frozen value or a copy.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from hfaas_tui.ui.model import Condition, Function, Health, Machine, Place, Run, Step, Target, Task

RUNS_KEPT = 50_000
"""Runs held; the oldest that are over go first."""

STEPS_KEPT = 200_000
MESSAGES_KEPT = 500


class Kind(StrEnum):
    """What has a version of its own."""

    TARGET = "target"
    FUNCTIONS = "functions"
    RUNS = "runs"
    STEPS = "steps"
    PLACES = "places"
    OBJECTS = "objects"  # something in a place changed: listings on screen may be old
    MACHINE = "machine"
    HEALTH = "health"
    TASKS = "tasks"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class Message:
    """One toast, kept for `:messages`."""

    time: float
    text: str
    state: Condition = Condition.OK


class Store:
    """Everything the views show, but log lines."""

    def __init__(self, target: Target | None = None) -> None:
        self._lock = threading.Lock()
        self._versions: Counter[Kind] = Counter()
        self._target = target or Target()
        self._functions: dict[str, Function] = {}
        self._runs: dict[str, Run] = {}
        self._changes: deque[str] = deque(maxlen=RUNS_KEPT)
        self._mark = 0
        self.epoch = 0
        """Rises when everything was dropped for another target."""
        self._steps: deque[Step] = deque(maxlen=STEPS_KEPT)
        self._places: tuple[Place, ...] = ()
        self._writers: dict[str, tuple[str, str]] = {}
        self._machine = Machine()
        self._machines: deque[Machine] = deque(maxlen=60)
        self._health = Health()
        self._tasks: dict[int, Task] = {}
        self._messages: deque[Message] = deque(maxlen=MESSAGES_KEPT)

    def version(self, *kinds: Kind) -> int:
        """Return a number that rises whenever something of these kinds changed; of any kind when none is named."""
        return sum(self._versions[kind] for kind in kinds or Kind)

    # --- reading

    @property
    def target(self) -> Target:
        return self._target

    @property
    def health(self) -> Health:
        return self._health

    @property
    def machine(self) -> Machine:
        return self._machine

    def machines(self) -> list[Machine]:
        """Return the last minutes of the machine, oldest first."""
        with self._lock:
            return list(self._machines)

    def functions(self) -> list[Function]:
        """Return the functions by name."""
        with self._lock:
            return sorted(self._functions.values(), key=lambda each: each.name)

    def function(self, name: str) -> Function | None:
        return self._functions.get(name)

    def runs(self) -> list[Run]:
        """Return the runs, oldest first."""
        with self._lock:
            return list(self._runs.values())

    def run(self, id: str) -> Run | None:
        return self._runs.get(id)

    def runs_since(self, mark: int) -> tuple[int, list[Run]]:
        """Return the runs that changed after `mark` (0: all), and the mark to ask with next time."""
        with self._lock:
            behind = self._mark - mark
            if behind >= len(self._changes):
                return self._mark, list(self._runs.values())
            ids = dict.fromkeys(islice(reversed(self._changes), behind))
            return self._mark, [self._runs[each] for each in reversed(ids) if each in self._runs]

    def steps(self) -> list[Step]:
        with self._lock:
            return list(self._steps)

    def places(self) -> tuple[Place, ...]:
        return self._places

    def writer(self, uri: str) -> tuple[str, str]:
        """Return the function that wrote an object and the run it did so in; empty when we did not see it."""
        return self._writers.get(uri, ("", ""))

    def tasks(self) -> list[Task]:
        with self._lock:
            return list(self._tasks.values())

    def messages(self) -> list[Message]:
        with self._lock:
            return list(self._messages)

    # --- writing

    def set_target(self, target: Target) -> None:
        self._target = target
        self._changed(Kind.TARGET)

    def set_functions(self, functions: Iterable[Function]) -> None:
        """Replace the functions; nothing happens when they are as before."""
        new = {each.name: each for each in functions}
        if new != self._functions:
            with self._lock:
                self._functions = new
            self._changed(Kind.FUNCTIONS)

    def put_runs(self, runs: Iterable[Run], steps: Iterable[Step] = ()) -> None:
        """Add runs or bring them up to date, with the steps that led there."""
        with self._lock:
            for run in runs:
                self._runs[run.id] = run
                self._changes.append(run.id)
                self._mark += 1
            self._steps.extend(steps)
            self._forget()
        self._changed(Kind.RUNS, Kind.STEPS)

    def set_places(self, places: Iterable[Place]) -> None:
        new = tuple(places)
        if new != self._places:
            self._places = new
            self._changed(Kind.PLACES)

    def note_objects(self, writers: Mapping[str, tuple[str, str]] | None = None) -> None:
        """Note that objects changed, and who wrote them: URI -> (function, run)."""
        with self._lock:
            self._writers.update(writers or {})
            while len(self._writers) > RUNS_KEPT:
                del self._writers[next(iter(self._writers))]
        self._changed(Kind.OBJECTS)

    def set_machine(self, machine: Machine) -> None:
        with self._lock:
            self._machine = machine
            self._machines.append(machine)
        self._changed(Kind.MACHINE)

    def set_health(self, health: Health) -> None:
        self._health = health
        self._changed(Kind.HEALTH)

    def put_task(self, task: Task) -> None:
        with self._lock:
            self._tasks[task.id] = task
        self._changed(Kind.TASKS)

    def drop_task(self, id: int) -> None:
        with self._lock:
            self._tasks.pop(id, None)
        self._changed(Kind.TASKS)

    def say(self, message: Message) -> None:
        with self._lock:
            self._messages.append(message)
        self._changed(Kind.MESSAGES)

    def forget_target(self) -> None:
        """Drop everything that belongs to a target, before another one is shown."""
        with self._lock:
            self._functions, self._runs, self._places = {}, {}, ()
            self._steps.clear()
            self._changes.clear()
            self.epoch += 1
            self._writers.clear()
        self._changed(*Kind)

    def _forget(self) -> None:
        excess = len(self._runs) - RUNS_KEPT
        if excess > RUNS_KEPT // 10:  # rarely and many at once: a pass over all of them costs milliseconds
            old = [name for name, run in self._runs.items() if run.is_over][:excess]
            for name in old:
                del self._runs[name]

    def _changed(self, *kinds: Kind) -> None:
        with self._lock:
            for kind in kinds:
                self._versions[kind] += 1
