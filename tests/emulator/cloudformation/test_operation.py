"""Operations end as AWS's do, and leave what AWS would leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.emulator.cloudformation import templates as t


def test_creates_every_resource_of_a_pipeline(cfn: Any, aws: Callable[..., Any]) -> None:
    stack = cfn.create("mask", t.pipeline())
    assert stack["StackStatus"] == "CREATE_COMPLETE", cfn.events("mask")
