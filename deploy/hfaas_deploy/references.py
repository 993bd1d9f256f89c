"""`${NAME}` in values of the pipeline file: taken from the environment when it is deployed, never before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hfaas_deploy import secret_variables
from hfaas_deploy.errors import MissingVariable
from hfaas_deploy.pipeline import Function, Pipeline

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def missing(text: str, environ: Mapping[str, str]) -> Iterator[str]:
    """The names that `text` refers to and that are not set."""
    return (name for name in REFERENCE.findall(text) if name not in environ)


def resolve(pipeline: Pipeline, environ: Mapping[str, str]) -> Pipeline:
    """The pipeline with every reference replaced but those of secrets; MissingVariable names those that are not set."""
    texts = [text for function in pipeline.functions for text in _texts(function)]
    if absent := sorted({name for text in texts for name in missing(text, environ)}):
        raise MissingVariable(f"not set in the environment: {', '.join(absent)}", f"export {absent[0]}=...")
    return replace(
        pipeline,
        functions=tuple(_resolved(function, environ) for function in pipeline.functions),
        providers=_told(pipeline, environ),
    )


def fill(text: str, environ: Mapping[str, str]) -> str:
    """The text with its references replaced, all of which are set."""
    return REFERENCE.sub(lambda found: environ[found[1]], text)


def _texts(function: Function) -> Iterator[str]:
    yield function.image
    for values in (function.variables, function.environment, function.batch.variables):
        yield from secret_variables.told(function, values).values()
    yield from function.build_args.values()
    for provider in function.providers:
        yield from (value for value in provider.settings.values() if isinstance(value, str))


def _resolved(function: Function, environ: Mapping[str, str]) -> Function:
    return replace(
        function,
        image=fill(function.image, environ),
        variables=_opened(function, function.variables, environ),
        environment=_opened(function, function.environment, environ),
        build_args=_filled(function.build_args, environ),
        batch=replace(function.batch, variables=_opened(function, function.batch.variables, environ)),
        inputs=tuple(replace(path, root=fill(path.root, environ)) for path in function.inputs),
        outputs=tuple(replace(path, root=fill(path.root, environ)) for path in function.outputs),
        providers=tuple(replace(one, settings=_settled(one.settings, environ)) for one in function.providers),
    )


def _told(pipeline: Pipeline, environ: Mapping[str, str]) -> dict[str, dict[str, dict[str, Any]]]:
    """The providers, with what may be told of those in use filled in; their secrets stay references."""
    known = {kind: {name: dict(own) for name, own in ids.items()} for kind, ids in pipeline.providers.items()}
    for one in pipeline.used_providers:
        known[one.kind][one.id].update(_settled(one.settings, environ))
    return known


def _opened(function: Function, values: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables filled in, but those that hold secrets."""
    return {**values, **_filled(secret_variables.told(function, values), environ)}


def _filled(values: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    return {name: fill(text, environ) for name, text in values.items()}


def _settled(values: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    return {name: fill(value, environ) if isinstance(value, str) else value for name, value in values.items()}
