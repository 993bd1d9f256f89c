"""Every patch still fits the moto that is installed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType

import pytest

from hfaas_emulator.errors import EmulatorError
from hfaas_emulator.moto_services import patch
from hfaas_emulator.s3.api import SERVICES


@pytest.fixture(scope="module")
def modules() -> Iterator[list[ModuleType]]:
    from hfaas_emulator.moto_services.boot import OURS  # imports moto

    names = ("hfaas_emulator.moto_services.dispatcher", *OURS, *SERVICES)
    yield [importlib.import_module(name) for name in names]


def test_moto_is_the_code_that_the_patches_were_written_for(modules: list[ModuleType]) -> None:
    assert patch.drifted() == []


def test_each_patch_says_why_it_is_there(modules: list[ModuleType]) -> None:
    assert [each.target for each in patch.declared() if len(each.reason) < 10] == []


def test_each_target_is_patched_once(modules: list[ModuleType]) -> None:
    targets = [each.target for each in patch.declared()]
    assert len(targets) == len(set(targets))


def test_another_moto_is_refused_with_what_to_install(modules: list[ModuleType]) -> None:
    with pytest.raises(EmulatorError) as refused:
        modules[0].check_version("4.0.0")
    assert "4.0.0" in refused.value.message
    assert "moto[server]==5.2.5" in refused.value.hint
