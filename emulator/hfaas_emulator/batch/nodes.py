"""The nodes of a multi-node job: which of them take which container."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from hfaas_emulator.batch.limits import check_container, mapping, number, objects, refusal

NODES = 1000
RANGES = 5
_RANGE = re.compile(r"([0-9]*):([0-9]*)|([0-9]+)")


def check(properties: Mapping[str, Any]) -> None:
    """Refuse `nodeProperties` that AWS would not take."""
    count = number(properties, "numNodes", 1, NODES)
    number(properties, "mainNode", 0, count - 1)
    ranges = objects(properties, "nodeRangeProperties")
    if len(ranges) > RANGES:
        raise refusal(f"nodeRangeProperties takes at most {RANGES} entries, not {len(ranges)}")
    for each in ranges:
        if each.get("eksProperties") or each.get("ecsProperties"):
            raise refusal("nodeRangeProperties: nodes on EKS and nodes of several containers are not emulated")
        check_container(mapping(each, "container"), fargate=False)
    containers(properties, count)


def containers(properties: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Return the container of each node; where ranges overlap, the narrower one counts."""
    ranges = [
        (span(each, count), mapping(each, "container")) for each in objects(properties, "nodeRangeProperties")
    ]
    ranges.sort(key=lambda each: len(each[0]), reverse=True)
    found: dict[int, dict[str, Any]] = {}
    for nodes, container in ranges:
        found.update(dict.fromkeys(nodes, container))
    missing = [node for node in range(count) if node not in found]
    if missing:
        raise refusal(f"nodeRangeProperties: no targetNodes has node {missing[0]} of {count}")
    return [found[node] for node in range(count)]


def span(holder: Mapping[str, Any], count: int) -> range:
    """Return the nodes that `targetNodes` names: `0:3`, `:3`, `2:` or `2`, both ends included."""
    text = holder.get("targetNodes")
    found = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise refusal(f"targetNodes {json.dumps(text)} must look like 0:3, :3, 2: or 2")
    first, last, only = found.groups()
    start = int(only or first or 0)
    end = int(only or last or count - 1)
    if start > end:
        raise refusal(f"targetNodes {text}: the first node comes after the last")
    return range(start, min(end, count - 1) + 1)
