"""Failures of AWS's clients and of the disk, in words for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hfaas_tui import aws
from hfaas_tui.errors import CliError

Words = Callable[[Exception], tuple[str, str] | None]


@contextmanager
def told(what: str = "", words: Words = aws.words) -> Iterator[None]:
    """Turn what AWS's clients or the disk say into a CliError that begins with `what`."""
    begin = f"{what}: " if what else ""
    try:
        yield
    except CliError:
        raise
    except OSError as error:
        raise CliError(f"{begin}{error.strerror or error}") from error
    except Exception as error:
        found = words(error)
        if found is None:
            raise
        raise CliError(begin + found[0], found[1]) from error
