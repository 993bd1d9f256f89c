"""Changes to moto, each with its target, its reason and the digest of the code it was written for.

A patch is declared where it belongs (`s3.py`, `sqs.py`, ...) and put in place by `apply` when that module is
loaded at start. The digest is no run-time check: `drifted` compares it in the tests, so that a new moto cannot be
adopted without somebody looking at every place we reach into.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

DIGITS = 16

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Patch:
    """`target` and each of `also` is `module:Name.name`; `also` are other places that bound the same thing by name."""

    target: str
    sha: str
    reason: str
    replacement: Callable[..., Any]
    also: tuple[str, ...]


_declared: dict[str, list[Patch]] = {}
_originals: dict[str, Any] = {}


def patch(target: str, *, sha: str, reason: str, also: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Declare a patch.

    A replacement function gets the original as its first argument, then what the original would get; for a
    property both are its getter. A replacement class stands in as it is.
    """

    def declare(replacement: F) -> F:
        patches = _declared.setdefault(replacement.__module__, [])
        patches.append(Patch(target, sha, reason, replacement, also))
        return replacement

    return declare


def declared() -> tuple[Patch, ...]:
    """Return the patches of all modules loaded so far."""
    return tuple(patch for patches in _declared.values() for patch in patches)


def apply(module: str) -> None:
    """Put the patches that `module` declares in place; a second time is no error."""
    for patch in _declared.get(module, ()):
        if patch.target in _originals:
            continue
        holder, name = _find(patch.target)
        original = inspect.getattr_static(holder, name)
        _originals[patch.target] = original
        replacement = _replacement(original, patch.replacement)
        for place in (patch.target, *patch.also):
            holder, name = _find(place)
            setattr(holder, name, replacement)


def original(target: str) -> Any:
    """Return what moto has, or had, at `target`."""
    if target in _originals:
        return _originals[target]
    holder, name = _find(target)
    return inspect.getattr_static(holder, name)


def digest(target: str) -> str:
    """Return the first digits of the SHA-256 of the source that moto has at `target`."""
    thing = original(target)
    if isinstance(thing, property):
        thing = thing.fget
    if isinstance(thing, staticmethod | classmethod):
        thing = thing.__func__
    return hashlib.sha256(inspect.getsource(thing).encode()).hexdigest()[:DIGITS]


def drifted() -> list[str]:
    """Return a sentence for each declared patch whose target is not the code it was written for."""
    return [
        f"{patch.target} is {found}, the patch was written for {patch.sha}: {patch.reason}"
        for patch in declared()
        if (found := digest(patch.target)) != patch.sha
    ]


def _find(target: str) -> tuple[Any, str]:
    module, _, path = target.partition(":")
    *holders, name = path.split(".")
    return functools.reduce(getattr, holders, importlib.import_module(module)), name


def _replacement(original: Any, replacement: Callable[..., Any]) -> Any:
    if inspect.isclass(replacement):
        return replacement
    if isinstance(original, property):
        return property(_around(original.fget, replacement), original.fset, original.fdel)
    if isinstance(original, staticmethod):
        return staticmethod(_around(original.__func__, replacement))
    if isinstance(original, classmethod):
        return classmethod(_around(original.__func__, replacement))
    return _around(original, replacement)


def _around(original: Any, replacement: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def patched(*args: Any, **kwargs: Any) -> Any:
        return replacement(original, *args, **kwargs)

    return patched
