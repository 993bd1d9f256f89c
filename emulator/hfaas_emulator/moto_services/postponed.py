"""Stands in for modules that moto imports at the top of others and hardly ever uses: 0.2 s and 25 MB of each start.

While the block of `postponed` runs, importing one of them gives names that stand for what they will be; the first
use of such a name imports the real module. After the block everybody gets the real ones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

POSTPONED = {
    "cryptography": (  # certificates of IAM users, signatures of SNS
        "cryptography",
        "cryptography.x509",
        "cryptography.x509.oid",
        "cryptography.hazmat.backends",
        "cryptography.hazmat.primitives",
        "cryptography.hazmat.primitives.asymmetric",
    ),
    "moto.ec2": (  # where SSM and Batch would start machines: 1 to 2 s and 100 MB
        "moto.ec2",
        "moto.ec2.exceptions",
        "moto.ec2.models",
        "moto.ec2.models.instance_types",
        "moto.ec2.models.instances",
    ),
    "moto.ecs": ("moto.ecs", "moto.ecs.models"),  # where Batch would keep a cluster of them
    "moto.iam.aws_managed_policies": ("moto.iam.aws_managed_policies",),  # `iam.py` reads them its own way
    "moto.dynamodb": ("moto.dynamodb",),  # sources of events
    "moto.dynamodbstreams": ("moto.dynamodbstreams",),
    "moto.kinesis.models": ("moto.kinesis.models",),
    "openapi_spec_validator": (  # documents that APIs are imported from: 0.5 s
        "openapi_spec_validator",
        "openapi_spec_validator.validation",
        "openapi_spec_validator.validation.exceptions",
    ),
}
"""By what tells that the real one is there already, the modules to stand in for."""


_postponing = False


class Later:
    """What `path` names, imported when something is done with it after the block."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        if _postponing:
            return Later(f"{self._path}.{name}")  # of an annotation, say
        return getattr(resolve_name(self._path), name)

    def __getitem__(self, key: Any) -> Any:
        return resolve_name(self._path)[key]

    def __call__(self, *args: Any, **named: Any) -> Any:
        return resolve_name(self._path)(*args, **named)


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(Later(self.__name__), name)


@contextmanager
def postponed() -> Iterator[None]:
    """Have the modules above imported when they are used, not by the imports of the block."""
    absent = [name for sign, names in POSTPONED.items() if sign not in sys.modules for name in names]
    stand_ins = {name: _Module(name) for name in absent}
    sys.modules.update(stand_ins)
    global _postponing  # noqa: PLW0603  the stand-ins know no other place to look at
    _postponing = True
    try:
        yield
    finally:
        _postponing = False
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
