"""moto's exceptions as refusals in AWS's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.exceptions import JsonRESTError, ServiceException

from hfaas_emulator.errors import AwsError


@contextmanager
def translated() -> Iterator[None]:
    """Turn what moto raises inside the block into AwsError."""
    try:
        yield
    except JsonRESTError as error:
        status: Any = error.code or 400
        raise AwsError(str(error.error_type), str(error.message), int(status)) from error
    except ServiceException as error:
        raise AwsError(str(error.code), str(error.message)) from error
