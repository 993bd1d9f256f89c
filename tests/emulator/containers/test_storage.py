from __future__ import annotations

import asyncio
import os
from pathlib import Path

from hfaas_emulator.containers.storage import StorageWatch, Watched, used
from hfaas_emulator.containers.threads import Threads


def fill(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))


def test_bytes_on_disk_are_counted_in_all_folders(tmp_path: Path) -> None:
    fill(tmp_path / "a", 100_000)
    fill(tmp_path / "deep" / "er" / "b", 200_000)
    assert 300_000 <= used(tmp_path) <= 350_000


def test_links_are_not_followed(tmp_path: Path) -> None:
    fill(tmp_path / "outside", 1_000_000)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path / "outside")
    assert used(tmp_path / "inside") < 100_000


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert used(tmp_path / "nowhere") == 0


async def test_a_folder_over_its_limit_is_told_once(tmp_path: Path) -> None:
    fill(tmp_path / "a", 200_000)
    threads = Threads(1)
    watch = StorageWatch(threads, period_s=0.01)
    told: asyncio.Queue[int] = asyncio.Queue()
    watch.add("x", Watched(tmp_path, 100_000, told.put_nowait))
    assert await asyncio.wait_for(told.get(), 60) >= 200_000
    await asyncio.sleep(0.05)
    await watch.close()
    threads.close()
    assert told.empty()


async def test_a_dropped_folder_is_watched_no_longer(tmp_path: Path) -> None:
    fill(tmp_path / "a", 200_000)
    fill(tmp_path / "b" / "c", 200_000)
    threads = Threads(1)
    watch = StorageWatch(threads, period_s=0.01)
    told: asyncio.Queue[str] = asyncio.Queue()
    watch.add("dropped", Watched(tmp_path / "b", 1, lambda size: told.put_nowait("dropped")))
    watch.drop("dropped")
    watch.add("kept", Watched(tmp_path, 1, lambda size: told.put_nowait("kept")))
    assert await asyncio.wait_for(told.get(), 60) == "kept"
    await watch.close()
    threads.close()
