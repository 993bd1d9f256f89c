"""How functions hang together: functions and the places they read and write, in layers from where files come in.

    functions -> nodes and edges -> pipelines (what is connected) -> layers

A place is what a function names: a bucket or space with its prefix. What a function writes into a place also
arrives in places that lie in it, or that it lies in: an edge of its own says so.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hfaas_tui.ui.model import Function

What = Literal["event", "poll", "output", "inside"]

ALONE = "On their own"
SWEEPS = 4
"""Passes over the layers that bring neighbours side by side; more do not help."""


@dataclass(frozen=True, slots=True)
class Node:
    """A function, or a place when there is none; `key` is the function's name or the place's URI."""

    key: str
    function: Function | None = None

    @property
    def scheme(self) -> str:
        """Return `s3`, `onedata`, ... of a place; empty for a function."""
        return "" if self.function else self.key.partition("://")[0]

    @property
    def name(self) -> str:
        return self.key if self.function else self.key.partition("://")[2]


@dataclass(frozen=True, slots=True)
class Edge:
    """Files go from one node to another; `is_loop` for the one that closes a circle."""

    source: str
    target: str
    what: What
    is_loop: bool = False


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Nodes that are connected, in layers: edges that are no loops go to later layers only."""

    name: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    layers: tuple[tuple[str, ...], ...]

    @property
    def functions(self) -> list[str]:
        return [key for key, node in self.nodes.items() if node.function]

    @property
    def sources(self) -> list[str]:
        """Return the places that no function writes to: where files come in; all places when there is none."""
        fed = {edge.target for edge in self.edges if not edge.is_loop}
        places = [key for layer in self.layers for key in layer if not self.nodes[key].function]
        return [key for key in places if key not in fed] or places

    def after(self, key: str) -> list[Edge]:
        """Return the edges that leave a node, without loops."""
        return [edge for edge in self.edges if edge.source == key and not edge.is_loop]

    def loops(self, key: str) -> list[Edge]:
        """Return the edges that close a circle at a node."""
        return [edge for edge in self.edges if edge.is_loop and edge.source == key]


def pipelines(functions: Iterable[Function]) -> tuple[Pipeline, ...]:
    """Return what is connected, the largest first; functions without storage come last, together."""
    found = list(functions)
    triggers = [each for each in found if each.is_onetrigger]
    nodes, edges = _connect([each for each in found if not each.is_onetrigger], triggers)
    groups = sorted(_connected(nodes, edges), key=lambda keys: (-len(keys), sorted(keys)))
    alone = sorted(key for keys in groups if len(keys) == 1 for key in keys)
    stacks = [_stack(keys, nodes) for keys in groups if len(keys) > 1]
    made = [_pipeline(keys, nodes, edges, stacks) for keys in groups if len(keys) > 1]
    if alone:
        made.append(Pipeline(ALONE, {key: nodes[key] for key in alone}, (), tuple((key,) for key in alone)))
    return tuple(made)


def is_in(uri: str, place: str) -> bool:
    """Tell whether an object or a place lies in a place."""
    return uri == place or uri.startswith(place.rstrip("/") + "/")


def place_of(uri: str, places: Iterable[str]) -> str:
    """Return the innermost of some places that an object lies in; empty for none."""
    return max((each.rstrip("/") for each in places if is_in(uri, each.rstrip("/"))), key=len, default="")


# --- nodes and edges


def _connect(functions: Sequence[Function], triggers: Sequence[Function]) -> tuple[dict[str, Node], list[Edge]]:
    nodes: dict[str, Node] = {each.name: Node(each.name, each) for each in functions}
    edges: dict[tuple[str, str], Edge] = {}
    polled = {each.name.partition("-onetrigger")[0] for each in triggers}
    inputs, outputs = [], []
    for each in functions:
        for uri in (uri.rstrip("/") for uri in each.inputs):
            inputs.append(uri)
            is_polled = uri.startswith("onedata://") and each.name in polled
            edges[uri, each.name] = Edge(uri, each.name, "poll" if is_polled else "event")
        for uri in (uri.rstrip("/") for uri in each.outputs):
            outputs.append(uri)
            edges[each.name, uri] = Edge(each.name, uri, "output")
    for source in dict.fromkeys(outputs):
        for target in dict.fromkeys(inputs):
            if source != target and (is_in(source, target) or is_in(target, source)):
                edges.setdefault((source, target), Edge(source, target, "inside"))
    for uri in (*inputs, *outputs):
        nodes.setdefault(uri, Node(uri))
    return nodes, list(edges.values())


def _connected(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> Iterator[set[str]]:
    beside: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        beside[edge.source].add(edge.target)
        beside[edge.target].add(edge.source)
    left = dict.fromkeys(nodes)
    while left:
        group, todo = set(), [next(iter(left))]
        while todo:
            key = todo.pop()
            if key not in group:
                group.add(key)
                left.pop(key, None)
                todo += beside[key]
        yield group


def _stack(keys: Iterable[str], nodes: Mapping[str, Node]) -> str:
    """Return the stack that all functions are of; empty when they are of several."""
    stacks = {function.stack for key in keys if (function := nodes[key].function)}
    return stacks.pop() if len(stacks) == 1 else ""


def _pipeline(keys: set[str], nodes: Mapping[str, Node], edges: Iterable[Edge], stacks: Sequence[str]) -> Pipeline:
    own = _with_loops(sorted(keys), [edge for edge in edges if edge.source in keys])
    layers = _ordered(_layers(sorted(keys), own), own)
    stack = _stack(keys, nodes)
    first = next(key for layer in layers for key in layer)
    name = stack if stack and stacks.count(stack) == 1 else nodes[first].name.partition("/")[0]
    return Pipeline(name, {key: nodes[key] for layer in layers for key in layer}, tuple(own), layers)


# --- circles and layers


def _with_loops(keys: Sequence[str], edges: Sequence[Edge]) -> list[Edge]:
    """Mark the edges that lead back to where a walk came from; walks begin where nothing comes in."""
    out: dict[str, list[int]] = defaultdict(list)
    fed = {edge.target for edge in edges}
    for number, edge in enumerate(edges):
        out[edge.source].append(number)
    loops: set[int] = set()
    done: set[str] = set()
    # a circle without a beginning is entered at a place: that is where the user puts files
    for start in sorted(keys, key=lambda key: (key in fed, "://" not in key)):
        path, walk = {start: None}, [(start, iter(out[start]))]
        while walk and start not in done:
            key, ahead = walk[-1]
            number = next(ahead, -1)
            if number < 0:
                done.add(key)
                del path[key]
                walk.pop()
                continue
            target = edges[number].target
            if target in path:
                loops.add(number)
            elif target not in done:
                path[target] = None
                walk.append((target, iter(out[target])))
    return [replace(edge, is_loop=number in loops) for number, edge in enumerate(edges)]


def _layers(keys: Sequence[str], edges: Sequence[Edge]) -> list[list[str]]:
    """Put each node after all that lead to it; where files come in stands right before who takes them."""
    ahead, waits = defaultdict(list), dict.fromkeys(keys, 0)
    for edge in edges:
        if not edge.is_loop:
            ahead[edge.source].append(edge.target)
            waits[edge.target] += 1
    sources = [key for key in keys if not waits[key]]
    at, todo = dict.fromkeys(keys, 0), deque(sources)
    while todo:
        key = todo.popleft()
        for target in ahead[key]:
            at[target] = max(at[target], at[key] + 1)
            waits[target] -= 1
            if not waits[target]:
                todo.append(target)
    for key in sources:
        if ahead[key]:
            at[key] = min(at[target] for target in ahead[key]) - 1
    layers: list[list[str]] = [[] for _ in range(max(at.values()) + 1)]
    for key in keys:
        layers[at[key]].append(key)
    return layers


def _ordered(layers: list[list[str]], edges: Sequence[Edge]) -> tuple[tuple[str, ...], ...]:
    """Order each layer by where the neighbours of its nodes stand, so that few edges cross."""
    before, after = defaultdict(list), defaultdict(list)
    for edge in edges:
        if not edge.is_loop:
            before[edge.target].append(edge.source)
            after[edge.source].append(edge.target)
    for sweep in range(SWEEPS):
        beside = after if sweep % 2 else before
        place = {key: n / len(layer) for layer in layers for n, key in enumerate(layer)}
        for layer in reversed(layers) if sweep % 2 else layers:
            means = {key: _mean([place[each] for each in beside[key]], place[key]) for key in layer}
            layer.sort(key=lambda key: means[key])
            place |= {key: n / len(layer) for n, key in enumerate(layer)}
    return tuple(tuple(layer) for layer in layers)


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
