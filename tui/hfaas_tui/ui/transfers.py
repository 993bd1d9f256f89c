"""Files on their way to objects and back: a queue, two at a time, whose progress is in the store's tasks.

A download is there whole or not at all: it grows under another name beside its own.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Literal

from hfaas_tui.errors import CliError
from hfaas_tui.ui.backend import Backend, Cancelled, Moved
from hfaas_tui.ui.model import Condition, Task
from hfaas_tui.ui.state import Store

AT_ONCE = 2
KEPT = 20
"""Transfers that went well and still stand in the list."""

TELL_S = 0.1

Way = Literal["upload", "download", "delete"]
_WAITS = (Condition.QUEUED, Condition.RUNNING)
_NUMBERS = count(1_000_000)  # other tasks of the store have small numbers; two views move files


@dataclass(frozen=True, slots=True)
class Order:
    """One object to move: `path` is the file here; a delete has none."""

    way: Way
    uri: str
    path: Path = Path()
    size: int = 0
    overwrite: bool = False

    @property
    def name(self) -> str:
        """Return what the list calls it."""
        return self.uri.rstrip("/").rpartition("/")[2] + ("/" if self.uri.endswith("/") else "")


@dataclass(slots=True)
class _Transfer:
    order: Order
    task: Task
    backend: Backend
    lock: threading.Lock = field(default_factory=threading.Lock)
    began: float = 0
    told: float = 0
    is_cancelled: bool = False


class Transfers:
    """All transfers of this session; `over` is called from a thread after each one that ended well."""

    def __init__(self, store: Store, over: Callable[[Order], None] = lambda _: None) -> None:
        self._store = store
        self._over = over
        self._all: dict[int, _Transfer] = {}
        self._queue: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._ids = _NUMBERS
        self._lock = threading.Lock()

    # --- what the view asks

    def add(self, backend: Backend, orders: Iterable[Order]) -> list[int]:
        """Queue transfers; returns their numbers."""
        added = []
        for order in orders:
            number = next(self._ids)
            task = Task(number, order.way, order.name, 0, order.size, Condition.QUEUED)
            with self._lock:
                self._all[number] = _Transfer(order, task, backend)
            self._store.put_task(task)
            self._queue.put(number)
            added.append(number)
        self._start()
        return added

    def tasks(self) -> list[Task]:
        """Return the transfers: what runs first, then what failed, waits, and what is over, the last one first."""
        order = (Condition.RUNNING, Condition.FAILED, Condition.QUEUED, Condition.STOPPED, Condition.OK)
        over = order[3:]
        with self._lock:
            tasks = [each.task for each in self._all.values()]
        return sorted(
            tasks, key=lambda task: (order.index(task.state), -task.id if task.state in over else task.id)
        )

    def order(self, id: int) -> Order | None:
        """Return what a transfer moves."""
        found = self._all.get(id)
        return found.order if found else None

    def coming(self, folder: str) -> dict[str, Task]:
        """Return the uploads into a folder that are on their way, by URI."""
        with self._lock:
            return {
                each.order.uri: each.task
                for each in self._all.values()
                if each.order.way == "upload"
                and each.task.state in _WAITS
                and each.order.uri.rpartition("/")[0] == folder.rstrip("/")
            }

    def speed(self, id: int, now: float | None = None) -> float:
        """Return bytes per second since it began."""
        found = self._all.get(id)
        if found is None or not found.began:
            return 0.0
        return found.task.done / max(0.001, (now or time.monotonic()) - found.began)

    def cancel(self, id: int) -> bool:
        """End a transfer that waits or runs; False when it is over or is a delete under way."""
        found = self._all.get(id)
        if found is None or found.task.state not in _WAITS:
            return False
        if found.order.way == "delete" and found.task.state is Condition.RUNNING:
            return False
        found.is_cancelled = True
        with found.lock:
            if found.task.state is Condition.QUEUED:
                self._tell(found, state=Condition.STOPPED, message="cancelled")
        return True

    def retry(self, id: int) -> bool:
        """Queue a transfer again that failed or was cancelled."""
        found = self._all.get(id)
        if found is None or found.task.state not in {Condition.FAILED, Condition.STOPPED}:
            return False
        found.is_cancelled = False
        self._tell(found, state=Condition.QUEUED, message="", done=0)
        self._queue.put(id)
        self._start()
        return True

    @property
    def pending(self) -> int:
        """Return how many wait or run."""
        with self._lock:
            return sum(each.task.state in _WAITS for each in self._all.values())

    def close(self, patience: float = 2.0) -> None:
        """Cancel everything and wait a little until nothing half done lies about."""
        with self._lock:
            for each in self._all.values():
                each.is_cancelled = True
            threads, self._threads = self._threads, []
        for _ in threads:
            self._queue.put(0)
        deadline = time.monotonic() + patience
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    # --- in the threads

    def _start(self) -> None:
        with self._lock:
            while len(self._threads) < AT_ONCE:
                thread = threading.Thread(target=self._work, daemon=True, name="hfaas-transfer")
                self._threads.append(thread)
                thread.start()

    def _work(self) -> None:
        while number := self._queue.get():
            found = self._all.get(number)
            if found is None:
                continue
            with found.lock:
                if found.is_cancelled or found.task.state is not Condition.QUEUED:
                    continue
                found.began = time.monotonic()
                self._tell(found, state=Condition.RUNNING)
            self._one(found)
            self._forget()

    def _one(self, found: _Transfer) -> None:
        try:
            _move(found.order, found.backend, self._moved(found))
        except Cancelled:
            self._tell(found, state=Condition.STOPPED, message="cancelled")
        except CliError as error:
            self._fail(found, error.message + (f": {error.hint}" if error.hint else ""))
        except OSError as error:
            self._fail(found, _words(error))
        except Exception as error:  # noqa: BLE001 - a thread that dies would leave the queue standing
            self._fail(found, f"{type(error).__name__}: {error}")
        else:
            done = found.task.done
            self._tell(found, state=Condition.OK, done=done, total=done or found.task.total)
            self._over(found.order)

    def _fail(self, found: _Transfer, message: str) -> None:
        if found.is_cancelled:  # clients wrap what a callback raises
            self._tell(found, state=Condition.STOPPED, message="cancelled")
        else:
            self._tell(found, state=Condition.FAILED, message=message)

    def _moved(self, found: _Transfer) -> Moved:
        def moved(count: int) -> None:
            if found.is_cancelled:
                raise Cancelled
            with found.lock:
                done = found.task.done + count
                now = time.monotonic()
                if now - found.told >= TELL_S:
                    found.told = now
                    self._tell(found, done=done)
                else:
                    found.task = replace(found.task, done=done)

        return moved

    def _tell(
        self,
        found: _Transfer,
        *,
        state: Condition | None = None,
        message: str | None = None,
        done: int | None = None,
        total: int | None = None,
    ) -> None:
        task = found.task
        task = replace(
            task,
            state=task.state if state is None else state,
            message=task.message if message is None else message,
            done=task.done if done is None else done,
            total=task.total if total is None else total,
        )
        self._store.put_task(task)
        found.task = task  # last: one that is over is forgotten, in the store too, by whichever thread comes next

    def _forget(self) -> None:
        """Drop the oldest that went well: a folder of 10,000 files is no list to read."""
        with self._lock:
            good = [number for number, each in self._all.items() if each.task.state is Condition.OK]
            for number in good[:-KEPT]:
                del self._all[number]
        for number in good[:-KEPT]:
            self._store.drop_task(number)


def _words(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)


def _move(order: Order, backend: Backend, moved: Moved) -> None:
    match order.way:
        case "upload":
            backend.upload(order.path, order.uri, moved)
        case "delete":
            if order.uri.count("/") == 2:  # targets remove empty places only
                backend.delete(order.uri + "/")
            backend.delete(order.uri)
        case "download":
            _download(order, backend, moved)


def _download(order: Order, backend: Backend, moved: Moved) -> None:
    """Copy an object to a file that appears when all of it is there."""
    order.path.parent.mkdir(parents=True, exist_ok=True)
    part = order.path.with_name(f".{order.path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        backend.download(order.uri, part, moved)
        if order.overwrite:
            part.replace(order.path)
        else:
            _publish(part, order.path)
    finally:
        part.unlink(missing_ok=True)


def _publish(part: Path, path: Path) -> None:
    """Give a file its name unless another has it by now."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise CliError(f"{path} is there by now", "save it again to be asked") from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise CliError(f"{path} is there by now", "save it again to be asked") from None
        part.rename(path)
