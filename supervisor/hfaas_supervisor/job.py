"""The job document: what one Function reads, runs and writes; written by deploy, read in the container.

It travels as base64 of compact JSON in FUNCTION_CONFIG. The keys are scar's for one function, ours are under `hfaas`,
and what equals its default is left out, since Lambda's whole environment is 4 KB.

These are NamedTuples, not frozen dataclasses: `dataclasses` imports `inspect`, which costs 5-10 ms of each cold start.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from hfaas_supervisor.errors import ConfigError

MODES = ("lambda", "lambda-batch", "batch")
LAYOUTS = ("flat", "mirror", "request")
ON_FAILURE = ("discard", "keep", "upload")
CAUSES = ("time", "memory", "space", "exit", "gpu")
LOG_LEVELS = ("NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

Providers = Mapping[str, Mapping[str, Mapping[str, Any]]]
_NONE: Mapping[str, Any] = MappingProxyType({})


class Input(NamedTuple):
    """One place whose new Objects are inputs; `provider` is `type` or `type.id`, `path` is `bucket[/folder]`."""

    provider: str = "s3"
    path: str = ""
    suffix: tuple[str, ...] = ()


class Output(NamedTuple):
    """One place results go to; prefix and suffix filter the files by their relative path."""

    provider: str = "s3"
    path: str = ""
    prefix: tuple[str, ...] = ()
    suffix: tuple[str, ...] = ()
    layout: str = "flat"


class Job(NamedTuple):
    """Everything the supervisor must know of one Function.

    `environment` is the script's own (container.environment.Variables). `region` is that of the Function's buckets,
    `buckets` names those that are elsewhere. `image` is what the user wrote; `extra_payload` tells that it has one.
    `nodes` is the number of nodes of a multi-node parallel Job, 0 for a plain one.
    """

    name: str
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    storage_providers: Providers = _NONE
    execution_mode: str = "lambda"
    log_level: str = "INFO"
    file_stage_in: bool = False
    environment: Mapping[str, str] = _NONE
    timeout_threshold: float = 10
    on_failure: str = "discard"
    delegate: tuple[str, ...] = CAUSES
    invoke_script: bool = False
    region: str = ""
    buckets: Mapping[str, str] = _NONE
    image: str = ""
    extra_payload: bool = False
    wants_gpu: bool = False
    nodes: int = 0

    def encode(self) -> str:
        """Return the text of FUNCTION_CONFIG."""
        document = json.dumps(_document(self), separators=(",", ":"), ensure_ascii=False, sort_keys=True)
        return b64encode(document.encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Job:
        """Read FUNCTION_CONFIG; ConfigError names the key that cannot be used."""
        return _job(_Node("", _parse(text)))


def _document(job: Job) -> dict[str, Any]:
    container = _without_defaults(
        environment={"Variables": dict(job.environment)} if job.environment else None,
        timeout_threshold=job.timeout_threshold if job.timeout_threshold != 10 else None,
        image=job.image,
    )
    ours = _without_defaults(
        on_failure=job.on_failure if job.on_failure != "discard" else None,
        invoke_script=job.invoke_script,
        region=job.region,
        buckets=dict(job.buckets),
        extra_payload=job.extra_payload,
    )
    if job.delegate != CAUSES:
        ours["delegate"] = list(job.delegate)
    return _without_defaults(
        name=job.name,
        input=[
            _without_defaults(storage_provider=i.provider, path=i.path, suffix=list(i.suffix)) for i in job.inputs
        ],
        output=[_output_document(output) for output in job.outputs],
        storage_providers={
            kind: {name: dict(keys) for name, keys in named.items()}
            for kind, named in job.storage_providers.items()
        },
        execution_mode=job.execution_mode if job.execution_mode != "lambda" else None,
        log_level=job.log_level if job.log_level != "INFO" else None,
        file_stage_in=job.file_stage_in,
        container=container,
        batch=_without_defaults(enable_gpu=job.wants_gpu, multi_node_parallel=_nodes_document(job.nodes)),
        hfaas=ours,
    )


def _nodes_document(nodes: int) -> dict[str, Any]:
    return {"enabled": True, "number_nodes": nodes} if nodes else {}


def _output_document(output: Output) -> dict[str, Any]:
    return _without_defaults(
        storage_provider=output.provider,
        path=output.path,
        prefix=list(output.prefix),
        suffix=list(output.suffix),
        layout=output.layout if output.layout != "flat" else None,
    )


def _without_defaults(**keys: Any) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if value or (value == 0 and value is not False)}


def _parse(text: str) -> Any:
    try:
        data = b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError("FUNCTION_CONFIG is not base64; deploy the Function again with hfaas") from None
    try:
        return json.loads(data)
    except ValueError:
        raise ConfigError(
            "FUNCTION_CONFIG is not JSON (scar writes YAML there, which is not read); deploy it again with hfaas"
        ) from None


def _job(root: _Node) -> Job:
    container, batch, ours = root.node("container"), root.node("batch"), root.node("hfaas")
    providers = root.node("storage_providers")
    return Job(
        name=root.text("name"),
        inputs=tuple(_input(node) for node in root.nodes("input")),
        outputs=tuple(_output(node) for node in root.nodes("output")),
        storage_providers={kind: _ids(providers.node(kind)) for kind in providers.value},
        execution_mode=root.word("execution_mode", MODES, "lambda"),
        log_level=root.text("log_level", "INFO").upper(),
        file_stage_in=root.boolean("file_stage_in"),
        environment=container.node("environment").node("Variables").texts(),
        timeout_threshold=container.number("timeout_threshold", 10),
        on_failure=ours.word("on_failure", ON_FAILURE, "discard"),
        delegate=ours.list("delegate", CAUSES),
        invoke_script=ours.boolean("invoke_script"),
        region=ours.text("region", ""),
        buckets=ours.node("buckets").texts(),
        image=container.text("image", ""),
        extra_payload=ours.boolean("extra_payload"),
        wants_gpu=batch.boolean("enable_gpu"),
        nodes=_nodes(batch.node("multi_node_parallel")),
    )


def _nodes(node: _Node) -> int:
    return int(node.number("number_nodes", 0)) if node.boolean("enabled") else 0


def _ids(node: _Node) -> dict[str, Mapping[str, Any]]:
    return {name: node.node(name).value for name in node.value}


def _input(node: _Node) -> Input:
    return Input(node.text("storage_provider"), node.text("path"), node.list("suffix"))


def _output(node: _Node) -> Output:
    return Output(
        provider=node.text("storage_provider"),
        path=node.text("path"),
        prefix=node.list("prefix"),
        suffix=node.list("suffix"),
        layout=node.word("layout", LAYOUTS, "flat"),
    )


class _Node:
    """One map of the document, which knows its own place for error messages."""

    def __init__(self, place: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise ConfigError(
                f"FUNCTION_CONFIG: {place or 'the document'} must be a map, not {type(value).__name__}"
            )
        self.place = place
        self.value: dict[str, Any] = value

    def node(self, key: str) -> _Node:
        value = self.value.get(key)
        return _Node(self._at(key), {} if value is None else value)

    def nodes(self, key: str) -> tuple[_Node, ...]:
        value = self.value.get(key)
        value = [] if value is None else value
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return tuple(_Node(f"{self._at(key)}[{index}]", entry) for index, entry in enumerate(value))

    def text(self, key: str, default: str | None = None) -> str:
        return str(self._scalar(key, str, "text", default))

    def boolean(self, key: str) -> bool:
        return bool(self._scalar(key, bool, "true or false", default=False))

    def number(self, key: str, default: float) -> float:
        if isinstance(self.value.get(key), bool):
            raise self._wrong(key, "a number")
        return float(self._scalar(key, (int, float), "a number", default))

    def word(self, key: str, words: Sequence[str], default: str) -> str:
        value = self.text(key, default)
        if value not in words:
            raise self._wrong(key, f"one of {', '.join(words)}")
        return value

    def list(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self.value.get(key, default)
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
            raise self._wrong(key, "a list of texts")
        return tuple(value)

    def texts(self) -> dict[str, str]:
        """Return the map with every scalar as text, as a shell would see it."""
        return {key: _as_text(value) for key, value in self.value.items()}

    def _scalar(self, key: str, kind: type | tuple[type, ...], words: str, default: Any) -> Any:
        value = self.value.get(key)
        if value is None:
            value = default
        if value is None:
            raise ConfigError(f"FUNCTION_CONFIG: {self._at(key)} is missing")
        if not isinstance(value, kind):
            raise self._wrong(key, words)
        return value

    def _at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def _wrong(self, key: str, expected: str) -> ConfigError:
        return ConfigError(f"FUNCTION_CONFIG: {self._at(key)} must be {expected}, not {self.value.get(key)!r}")


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else "" if value is None else str(value)
