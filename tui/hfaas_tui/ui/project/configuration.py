"""The configuration of a function as YAML, as the pipeline file would say it."""

from __future__ import annotations

from typing import Any

from hfaas_tui.ui.model import Function


def as_yaml(function: Function) -> str:
    """Return what is deployed, in the keys of the pipeline file."""
    import yaml

    inside: dict[str, Any] = {
        "name": function.name,
        "memory": function.memory_mb,
        "timeout": function.timeout_s,
        "execution_mode": function.mode,
    }
    if function.script:
        inside["init_script"] = function.script
    inside["container"] = {"image": function.image}
    if function.environment:
        inside["environment"] = {"variables": dict(function.environment)}
    for key, uris in (("input", function.inputs), ("output", function.outputs)):
        if uris:
            inside[key] = [_storage(uri) for uri in uris]
    entry: dict[str, Any] = {"lambda": inside}
    if function.gpus:
        entry["batch"] = {"enable_gpu": True}
    text: str = yaml.safe_dump({"functions": {"aws": [entry]}}, sort_keys=False, allow_unicode=True)
    return f"# as deployed: {function.stack or 'no stack'}, {function.digest or 'no digest'}\n{text}"


def _storage(uri: str) -> dict[str, str]:
    kind, _, path = uri.partition("://")
    if kind == "onedata":
        space, _, path = path.partition("/")
        kind = f"onedata.{space}"
    return {"storage_provider": kind, "path": path}
