"""Which storage an address is of, at an emulator or on AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from hfaas_tui import transfer
from hfaas_tui.errors import CliError
from hfaas_tui.location import ONEDATA, S3, Location
from hfaas_tui.transfer import Storage
from hfaas_tui.watch import Emulator
from hfaas_tui.where import Where


@contextmanager
def opened(emulator: Emulator, place: Location) -> Iterator[Storage]:
    """Give the emulator's storage that an address is of while the block runs."""
    storage = STORAGES[place.storage](emulator)
    try:
        yield storage
    finally:
        storage.close()


@contextmanager
def reached(where: Where, place: Location) -> Iterator[Storage]:
    """Give the storage that an address is of, wherever a command goes; CliError for a space that is not played."""
    if place.storage == ONEDATA:
        if not where.is_local:
            raise CliError(
                f"{place}: a space is reached at its Oneprovider, and --target is {where.kind}",
                "use the Oneprovider's own web page or client; without --target the emulator's space is meant",
            )
        with opened(where.emulator(), place) as space:
            yield space
        return
    buckets = transfer.Buckets(where.s3())
    try:
        yield buckets
    finally:
        buckets.close()


def _buckets(emulator: Emulator) -> Storage:
    return transfer.Buckets(transfer.s3(emulator.endpoint))


def _spaces(emulator: Emulator) -> Storage:
    from hfaas_tui.spaces import Spaces

    return Spaces(emulator)


STORAGES: Mapping[str, Callable[[Emulator], Storage]] = {S3: _buckets, ONEDATA: _spaces}
