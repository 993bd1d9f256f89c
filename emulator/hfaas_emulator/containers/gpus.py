"""Who has which GPU: one pool for Batch jobs and Lambda's environments, taken and given on the event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from hfaas_emulator.containers.engine import Gpu


class GpuMode(StrEnum):
    """How GPUs are handed out."""

    EXCLUSIVE = "exclusive"  # one GPU, one holder
    SHARE = "share"  # whoever asks sees all of them
    FALLBACK = "fallback"  # as exclusive; without any GPU here the work runs on the CPU


class GpuPool:
    """Counts GPUs out and in. `on_free` is called when some came back, `on_short` when somebody got none."""

    def __init__(
        self, gpus: Sequence[Gpu] = (), mode: GpuMode = GpuMode.EXCLUSIVE, detail: str = "no GPU is known"
    ) -> None:
        self.mode = mode
        self.detail = detail
        self.on_free: list[Callable[[], None]] = []
        self.on_short: list[Callable[[], None]] = []
        self._all = tuple(each.uuid for each in gpus)
        self._free = dict.fromkeys(self._all)
        self._short = False

    @property
    def total(self) -> int:
        return len(self._all)

    @property
    def free(self) -> int:
        return len(self._free)

    @property
    def is_short(self) -> bool:
        """Tell whether somebody was refused since the last GPU came back."""
        return self._short

    @property
    def falls_back(self) -> bool:
        """Tell whether those who ask for a GPU run on the CPU instead."""
        return self.mode is GpuMode.FALLBACK and not self._all

    def can_ever(self, count: int) -> bool:
        """Tell whether so many may come free, be it by ends of others."""
        return count <= self.total or self.falls_back

    def refusal(self, count: int) -> str:
        """Say why so many can never be had here, and what to do."""
        here = f"there are {self.total}: {self.detail}" if self.total else f"no NVIDIA GPU here ({self.detail})"
        todo = "ask for fewer" if self.total else "start the emulator with --gpu fallback to run it on CPU"
        return f"needs {_gpus(count)}: {here}; {todo}"

    def fallback_note(self, count: int) -> str:
        """Say what is degraded under fallback."""
        return f"on CPU instead of {_gpus(count)}"

    def take(self, count: int) -> tuple[str, ...] | None:
        """Take GPUs, by uuid; None when they are not free now, none at all where the CPU does instead."""
        if count == 0 or self.falls_back:
            return ()
        if self.mode is GpuMode.SHARE:
            return self._all if count <= self.total else None
        if count > self.free:
            self._refuse(count)
            return None
        taken = tuple(self._free)[:count]
        self.claim(taken)
        return taken

    def claim(self, uuids: Iterable[str]) -> None:
        """Note that somebody who outlived an emulator has these already."""
        if self.mode is not GpuMode.SHARE:
            for each in uuids:
                self._free.pop(each, None)

    def give(self, uuids: Iterable[str]) -> None:
        """Give GPUs back and call those who wait."""
        back = [each for each in uuids if each in self._all and each not in self._free]
        if not back:
            return
        self._free.update(dict.fromkeys(back))
        self._short = False
        for call in list(self.on_free):
            call()

    def _refuse(self, count: int) -> None:
        if self.can_ever(count) and not self._short:
            self._short = True
            for call in list(self.on_short):
                call()


def _gpus(count: int) -> str:
    return f"{count} GPU" if count == 1 else f"{count} GPUs"
