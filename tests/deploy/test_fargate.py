"""Pairs of vCPUs and memory, held against what botocore's documentation of Batch lists."""

from __future__ import annotations

import re

import pytest
from botocore.loaders import Loader

from hfaas_deploy import fargate


def documented() -> dict[float, set[int]]:
    shapes = Loader().load_service_model("batch", "service-2")["shapes"]
    text = re.sub(r"<[^>]+>", " ", shapes["ResourceRequirement"]["members"]["value"]["documentation"])
    rows = re.findall(r"value = ([\d.]+)\s+MEMORY\s+= ([\d, or]+)", text)
    return {float(vcpus): {int(one) for one in re.findall(r"\d+", amounts)} for vcpus, amounts in rows}


def test_the_pairs_are_those_of_aws() -> None:
    assert {vcpus: set(amounts) for vcpus, amounts in fargate.PAIRS.items()} == documented()


@pytest.mark.parametrize(
    ("vcpus", "wanted", "given"),
    [
        (1, 1024, 2048),
        (1, 2048, 2048),
        (1, 2049, 3072),
        (0.25, 1500, 2048),
        (8, 61_440, 61_440),
        (1, 9000, None),
        (3, 4096, None),
    ],
)
def test_the_next_amount_that_is_sold_is_taken(vcpus: float, wanted: int, given: int | None) -> None:
    assert fargate.memory(vcpus, wanted) == given


@pytest.mark.parametrize(("wanted", "vcpus"), [(9000, 2), (100_000, 16), (200_000, 32), (300_000, None)])
def test_more_memory_needs_more_vcpus(wanted: int, vcpus: float | None) -> None:
    assert fargate.vcpus_for(wanted) == vcpus
