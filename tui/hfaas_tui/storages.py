"""Which storage an address is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from hfaas_tui import transfer
from hfaas_tui.location import ONEDATA, S3, Location
from hfaas_tui.transfer import Storage
from hfaas_tui.watch import Emulator


@contextmanager
def opened(emulator: Emulator, place: Location) -> Iterator[Storage]:
    """Give the emulator's storage that an address is of while the block runs."""
    storage = STORAGES[place.storage](emulator)
    try:
        yield storage
    finally:
        storage.close()


def _buckets(emulator: Emulator) -> Storage:
    return transfer.Buckets(transfer.s3(emulator.endpoint))


def _spaces(emulator: Emulator) -> Storage:
    from hfaas_tui.spaces import Spaces

    return Spaces(emulator)


STORAGES: Mapping[str, Callable[[Emulator], Storage]] = {S3: _buckets, ONEDATA: _spaces}
