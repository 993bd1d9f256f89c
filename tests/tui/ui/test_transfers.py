"""Files on their way to objects and back, and what they are called here."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.tui.ui.world import FakeBackend, until

from hfaas_tui.errors import CliError
from hfaas_tui.ui.backend import Moved
from hfaas_tui.ui.filenames import is_safe, safe_name, safe_path, targets
from hfaas_tui.ui.model import Condition, Task
from hfaas_tui.ui.state import Store
from hfaas_tui.ui.transfers import KEPT, Order, Transfers


class Slow(FakeBackend):
    """A target whose transfers go on piece by piece, as the test lets them."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Semaphore(0)
        self.now = 0
        self.most = 0
        self._count = threading.Lock()

    def download(self, uri: str, target: Path, moved: Moved) -> None:
        with self._count:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            with target.open("wb") as file:
                for _ in range(4):
                    self.go.acquire(timeout=60)
                    file.write(b"x" * 25)
                    moved(25)
        finally:
            with self._count:
                self.now -= 1


def state(transfers: Transfers, id: int) -> Condition:
    return next(task.state for task in transfers.tasks() if task.id == id)


def test_two_run_at_once_and_the_others_wait(tmp_path: Path) -> None:
    store, backend = Store(), Slow()
    transfers = Transfers(store)
    transfers.add(backend, [Order("download", f"s3://b/{n}", tmp_path / f"{n}", 100) for n in range(5)])
    until(lambda: backend.now == 2)
    assert [task.state for task in transfers.tasks()].count(Condition.QUEUED) == 3
    backend.go.release(100)
    until(lambda: transfers.pending == 0)
    assert backend.most == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == list("01234")
    assert {task.state for task in store.tasks()} == {Condition.OK}


def test_progress_is_in_the_store(tmp_path: Path) -> None:
    store, backend = Store(), Slow()
    transfers = Transfers(store)
    transfers.add(backend, [Order("download", "s3://b/x", tmp_path / "x", 100)])
    backend.go.release(1)
    until(lambda: any(task.done == 25 for task in store.tasks()))
    backend.go.release(100)
    transfers.close()


def test_a_cancelled_download_leaves_nothing(tmp_path: Path) -> None:
    store, backend = Store(), Slow()
    transfers = Transfers(store)
    first, second, third = transfers.add(
        backend, [Order("download", f"s3://b/{n}", tmp_path / f"{n}", 100) for n in range(3)]
    )
    until(lambda: backend.now == 2)
    assert transfers.cancel(third)
    assert state(transfers, third) is Condition.STOPPED
    assert transfers.cancel(first)
    assert transfers.cancel(second)
    backend.go.release(100)
    until(lambda: transfers.pending == 0)
    assert list(tmp_path.iterdir()) == []
    assert not transfers.cancel(first)


def test_a_failure_says_why_and_can_be_tried_again(tmp_path: Path) -> None:
    store, backend = Store(), FakeBackend()
    transfers = Transfers(store)
    backend.broken = "the emulator does not answer"
    (number,) = transfers.add(backend, [Order("upload", "s3://b/x", tmp_path / "x")])
    until(lambda: state(transfers, number) is Condition.FAILED)
    assert transfers.tasks()[0].message == "the emulator does not answer: start it with S"
    backend.broken = ""
    assert transfers.retry(number)
    until(lambda: state(transfers, number) is Condition.FAILED)
    assert "No such file" in transfers.tasks()[0].message
    (tmp_path / "x").write_bytes(b"hi")
    transfers.retry(number)
    until(lambda: state(transfers, number) is Condition.OK)
    assert backend.objects["s3://b/x"] == b"hi"


def test_nothing_is_replaced_unless_the_user_said_so(tmp_path: Path) -> None:
    store, backend = Store(), FakeBackend()
    backend.objects["s3://b/x"] = b"new"
    (tmp_path / "x").write_bytes(b"old")
    transfers = Transfers(store)
    (number,) = transfers.add(backend, [Order("download", "s3://b/x", tmp_path / "x")])
    until(lambda: state(transfers, number) is Condition.FAILED)
    assert (tmp_path / "x").read_bytes() == b"old"
    (number,) = transfers.add(backend, [Order("download", "s3://b/x", tmp_path / "x", overwrite=True)])
    until(lambda: state(transfers, number) is Condition.OK)
    assert (tmp_path / "x").read_bytes() == b"new"


def test_a_download_does_not_follow_a_link_that_has_its_name(tmp_path: Path) -> None:
    backend = FakeBackend()
    backend.objects["s3://b/x"] = b"new"
    (tmp_path / "precious").write_bytes(b"old")
    (tmp_path / "x").symlink_to(tmp_path / "precious")
    transfers = Transfers(Store())
    (number,) = transfers.add(backend, [Order("download", "s3://b/x", tmp_path / "x", overwrite=True)])
    until(lambda: state(transfers, number) is Condition.OK)
    assert (tmp_path / "precious").read_bytes() == b"old"


def test_a_place_is_emptied_before_it_is_removed() -> None:
    backend = FakeBackend()
    transfers = Transfers(Store())
    transfers.add(backend, [Order("delete", "s3://b")])
    until(lambda: transfers.pending == 0)
    assert [call[1] for call in backend.calls if call[0] == "delete"] == ["s3://b/", "s3://b"]


def test_those_that_went_well_are_forgotten_in_time(tmp_path: Path) -> None:
    store, backend = Store(), FakeBackend()
    (tmp_path / "x").write_bytes(b"hi")
    transfers = Transfers(store)
    transfers.add(backend, [Order("upload", f"s3://b/{n}", tmp_path / "x") for n in range(KEPT + 10)])
    until(lambda: transfers.pending == 0 and len(store.tasks()) <= KEPT)
    assert len(backend.objects) == KEPT + 10


def test_a_transfer_is_over_once_the_store_knows(tmp_path: Path) -> None:
    class Asking(Store):
        def put_task(self, task: Task) -> None:
            if task.state is Condition.OK:
                pending.append(transfers.pending)
            super().put_task(task)

    pending: list[int] = []
    (tmp_path / "x").write_bytes(b"hi")
    transfers = Transfers(Asking())
    transfers.add(FakeBackend(), [Order("upload", "s3://b/x", tmp_path / "x")])
    until(lambda: transfers.pending == 0)
    assert pending == [1]


def test_an_exception_nobody_thought_of_does_not_stop_the_queue(tmp_path: Path) -> None:
    class Broken(FakeBackend):
        def upload(self, source: Path, uri: str, moved: Moved) -> None:
            raise ZeroDivisionError if uri.endswith("0") else CliError("no")

    transfers = Transfers(Store())
    transfers.add(Broken(), [Order("upload", f"s3://b/{n}") for n in (0, 0, 0, 1)])
    until(lambda: transfers.pending == 0)
    assert {task.message for task in transfers.tasks()} == {"ZeroDivisionError: ", "no"}


HOSTILE = [
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/../../b",
    "C:\\Windows\\system32",
    "\\\\host\\share",
    "a\x00b",
    "a\x1b]52;c;aGk=\x07b",
    "\u202egnp.exe",
    "con",
    "x" * 5000,
    "ä" * 300 + ".jpeg",
    "a\nb",
    "  ",
    "\udcff",
    "a/./b",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_outside_stay_below_the_folder(tmp_path: Path, name: str) -> None:
    path = safe_path(tmp_path, name)
    assert path.is_relative_to(tmp_path)
    assert path != tmp_path
    assert ".." not in path.parts
    assert all(part.isprintable() and "\\" not in part for part in path.parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    assert path.resolve().is_relative_to(tmp_path.resolve())
    assert not is_safe(name)


@pytest.mark.parametrize("name", ["a.png", "a/b c/ä.txt", "result (2).csv", ".hidden", "a-b_c~d"])
def test_usual_names_stay_as_they_are(name: str) -> None:
    assert is_safe(name)


def test_a_long_name_keeps_its_suffix_and_stays_different() -> None:
    one, other = safe_name("x" * 500 + "1.png"), safe_name("x" * 500 + "2.png")
    assert one != other
    assert one.endswith(".png")
    assert len(one.encode()) <= 200


def test_no_two_objects_become_one_file(tmp_path: Path) -> None:
    paths = targets(tmp_path, ["a:b", "a_b", "A_b", "a", "a/b", "x/y", "x"])
    low = [str(path).lower() for path in paths]
    assert len(set(low)) == len(low)
    assert not any(str(parent).lower() in low for path in paths for parent in path.parents)
