"""Variables that hold secrets: by their names, unless `hfaas.plain` says that one is none.

They are in no template. The ones of a Function are one secret of Secrets Manager, by who gets them: the script wherever
it runs, in Lambda only, or in jobs only. The supervisor reads it before the script starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hfaas_deploy.pipeline import Function, Pipeline, Provider

NAME = re.compile(r".*(SECRET|TOKEN|PASSWORD).*|.*_KEY", re.IGNORECASE)
KIND = "variables"
"""Stands where a storage has its type: the secret of a Function's variables is made and filled as those of storages."""

BOTH, LAMBDA, BATCH = "both", "lambda", "batch"
POINTER = "HFAAS_SECRET_VARIABLES"
"""The variable in which the supervisor finds the ARN of that secret."""


def is_secret(function: Function, name: str) -> bool:
    """Say whether the value of a variable is kept out of the template; only our supervisor could fetch it."""
    return function.create_image and name not in function.plain and bool(NAME.fullmatch(name))


def told(function: Function, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that may stand in the template."""
    return {name: text for name, text in variables.items() if not is_secret(function, name)}


def kept(function: Function) -> dict[str, dict[str, str]]:
    """What the Function's secret is to hold; nothing when it needs none."""
    groups = {
        BOTH: function.variables,
        LAMBDA: function.environment,
        BATCH: function.batch.variables if function.has_jobs else {},
    }
    found = {
        group: {name: text for name, text in variables.items() if is_secret(function, name)}
        for group, variables in groups.items()
    }
    return {group: variables for group, variables in found.items() if variables}


def store(function: Function) -> Provider | None:
    """What stands for the Function's secret among those of storages; None when it needs none."""
    return Provider(KIND, function.name) if kept(function) else None


def stores(pipeline: Pipeline) -> tuple[Provider, ...]:
    """Those of all Functions that need one."""
    return tuple(one for one in map(store, pipeline.functions) if one)
