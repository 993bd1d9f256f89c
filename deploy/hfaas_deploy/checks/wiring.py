"""How Functions are joined by folders, and where that would go wrong: inputs that meet, and loops."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from hfaas_deploy.findings import Finding, error
from hfaas_deploy.pipeline import Pipeline


def meeting_inputs(pipeline: Pipeline) -> Iterator[Finding]:
    """S3 refuses notifications of which two would match one key."""
    inputs = [(function, source) for function in pipeline.functions for source in function.triggers if source.path]
    for (first, one), (second, other) in combinations(inputs, 2):
        if one.meets(other):
            spot = pipeline.spot(f"{other.place}.path")
            whose = "itself" if first is second else first.name
            line = pipeline.spot(f"{one.place}.path").line
            yield error(
                spot,
                "overlap",
                f"{other.path!r} meets {one.path!r} of {whose} (line {line}); S3 refuses two triggers for one "
                "object: use other folders, or suffixes that differ",
            )
    for function, source in inputs:
        for one_end, other_end in combinations(source.suffix, 2):
            if one_end.endswith(other_end) or other_end.endswith(one_end):
                message = f"suffixes {one_end!r} and {other_end!r} of {function.name} match the same files"
                yield error(pipeline.spot(f"{source.place}.suffix"), "overlap", message)


def loops(pipeline: Pipeline) -> Iterator[Finding]:
    """A cycle of Functions would call itself for ever."""
    feeds = {
        (a.name, b.name): output
        for a, b in product(pipeline.functions, repeat=2)
        for output in a.outputs
        for source in b.inputs
        if (output.path or output.root) and output.feeds(source)
    }
    for cycle in _cycles([function.name for function in pipeline.functions], list(feeds)):
        output = feeds[cycle[-1], cycle[0]]
        spot = pipeline.spot(f"{output.place}.path")
        if len(cycle) == 1:
            message = f"{cycle[0]} writes to {output.path!r}, inside its own input: it would call itself for ever"
        else:
            message = f"{' -> '.join((*cycle, cycle[0]))} is a loop; a suffix on an input or an output breaks it"
        yield error(spot, "loop", message)


def _cycles(nodes: list[str], edges: list[tuple[str, str]]) -> list[tuple[str, ...]]:
    """One shortest cycle for each group of nodes that reach each other, beginning at its first node."""
    order = {name: index for index, name in enumerate(nodes)}
    cycles: dict[frozenset[str], tuple[str, ...]] = {}
    for start in nodes:
        path = _way_back(start, edges)
        if path and not any(set(path) & known for known in cycles):
            first = path.index(min(path, key=order.__getitem__))
            cycles[frozenset(path)] = path[first:] + path[:first]
    return list(cycles.values())


def _way_back(start: str, edges: list[tuple[str, str]]) -> tuple[str, ...]:
    queue: list[tuple[str, ...]] = [(start,)]
    seen = set()
    for path in queue:
        for a, b in edges:
            if a != path[-1] or b in seen:
                continue
            if b == start:
                return path
            seen.add(b)
            queue.append((*path, b))
    return ()
