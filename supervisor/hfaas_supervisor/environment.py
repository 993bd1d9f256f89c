"""The script's environment, built anew for each Item from a snapshot taken at start.

Image and Lambda variables < container.environment.Variables < the names below. Nothing survives into the next one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from hfaas_supervisor.folder import Folder
from hfaas_supervisor.job import Job
from hfaas_supervisor.layer import Layer

EVENT_LIMIT = 131_000  # of one variable with its name; the kernel refuses 128 KiB
GIVEN_BACK = (
    "LD_PRELOAD",
    "LD_AUDIT",
    "GLIBC_TUNABLES",
)  # the launcher renames them to HFAAS_... for our own start
HIDDEN = frozenset({"EVENT", "FDL", "FUNCTION_CONFIG", "SCRIPT", "CONTEXT", "_HANDLER"})
PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
DENIED = re.compile(
    r"(PATH|HOME|IFS|ENV|SHELL|TZ|TMPDIR|LANG|LC_.*|LD_.*|BASH.*|PS4|PYTHON.*|PERL.*|RUBY.*|NODE_.*|JAVA.*|GIT_.*"
    r"|.*_PROXY|.*_CA_BUNDLE|SSL_.*|AWS_.*|CUDA_.*|NVIDIA_.*|HFAAS_.*)",
    re.IGNORECASE,
)


class Facts(NamedTuple):
    """What is known of one Item of one invocation."""

    request: str
    leg: str
    folder: Folder
    item: int = 0
    input: str = ""
    key: str = ""
    time: str = ""
    event: str = ""
    api: str = ""
    trace: str = ""
    parameters: Mapping[str, str] = {}


def snapshot() -> dict[str, str]:
    """Return what the script may see of our own environment."""
    kept = {name: value for name, value in os.environ.items() if not _hidden(name)}
    for name in GIVEN_BACK:
        if f"HFAAS_{name}" in os.environ:
            kept[name] = os.environ[f"HFAAS_{name}"]
    return kept


def build(base: Mapping[str, str], job: Job, layer: Layer, facts: Facts) -> dict[str, str]:
    """Return the environment of one script run."""
    variables = {**base, **job.environment}
    variables.update(_documented(base, job, layer, facts))
    _add_parameters(variables, facts.parameters)
    home = variables.get("HOME", "")
    if not home or not os.access(home, os.W_OK):
        variables["HOME"] = facts.folder.scratch
    return variables


def _documented(base: Mapping[str, str], job: Job, layer: Layer, facts: Facts) -> dict[str, str]:
    region = base.get("AWS_REGION") or base.get("AWS_DEFAULT_REGION") or job.region
    values = {
        "INPUT_FILE_PATH": facts.input,
        "SCAR_INPUT_FILE": facts.input,
        "TMP_INPUT_DIR": facts.folder.input,
        "TMP_OUTPUT_DIR": facts.folder.output,
        "SCAR_OUTPUT_DIR": facts.folder.output,
        "TMPDIR": facts.folder.scratch,
        "STORAGE_OBJECT_KEY": facts.key,
        "EVENT_TIME": facts.time,
        "EVENT": facts.event if len(facts.event.encode()) <= EVENT_LIMIT else "",
        "EVENT_FILE": facts.folder.event,
        "REQUEST_ID": facts.request,
        "AWS_LAMBDA_REQUEST_ID": facts.request,
        "INSTANCE_IP": address(),
        "EXTRA_PAYLOAD": layer.task if job.extra_payload else "",
        "IMAGE_ID": job.image,
        "API_GATEWAY_ID": facts.api,
        "AWS_LAMBDA_FUNCTION_NAME": base.get("AWS_LAMBDA_FUNCTION_NAME") or job.name,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "_X_AMZN_TRACE_ID": facts.trace,
        "HFAAS_LEG": facts.leg,
        "HFAAS_GPUS": str(gpus()),
        "HFAAS_ITEM": str(facts.item),
    }
    return {name: value for name, value in values.items() if value}


def _add_parameters(variables: dict[str, str], parameters: Mapping[str, str]) -> None:
    for name, value in parameters.items():
        if not PARAMETER.fullmatch(name) or "\0" in value:
            continue
        variables[f"CONT_VAR_{name}"] = value
        if name not in variables and not DENIED.fullmatch(name):
            variables[name] = value


def _hidden(name: str) -> bool:
    if name in HIDDEN or name.startswith("HFAAS_"):
        return True
    return "_SECRET_" in name and not name.startswith("AWS_")  # the role's own key must arrive


_address: str | None = None


def address() -> str:
    """Return this machine's first IPv4 address that is not loopback, or an empty text."""
    global _address  # noqa: PLW0603 - it cannot change while we live
    if _address is None:
        _address = _find_address()
    return _address


def _find_address() -> str:
    import socket  # late: not before the first event

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing, only picks the way out
            found = str(probe.getsockname()[0])
        except OSError:
            return ""
    return "" if found.startswith("127.") else found


def gpus(devices: str = "/dev") -> int:
    """Return how many NVIDIA GPUs a script here may use; a plain process sees devices that it was not given."""
    if os.environ.get("NVIDIA_VISIBLE_DEVICES", "all") in ("", "void", "none"):
        return 0
    seen = sum(1 for name in os.listdir(devices) if name.startswith("nvidia") and name[6:].isdigit())
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return seen if given is None else min(seen, _valid(given.split(",")))


def _valid(names: Sequence[str]) -> int:
    """Count as CUDA does: what follows an invalid entry is not seen either."""
    valid = (name.strip().isdigit() or name.strip().startswith(("GPU-", "MIG-")) for name in names)
    return sum(1 for _ in takewhile(bool, valid))
