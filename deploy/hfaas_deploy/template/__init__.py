"""Renders a pipeline to ONE CloudFormation template.

It is the same byte for byte for the emulator and for AWS; only its parameters, images and network, differ. Its
SHA-256 is what "the thing you tested" means, so nothing of an account, a region or a clock is in it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from hfaas_deploy import names
from hfaas_deploy.errors import TemplateTooLarge
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.template import batch, functions, http, onedata, secrets, storage
from hfaas_deploy.template.policies import Json

BODY_LIMIT = 51_200


@dataclass(frozen=True, slots=True)
class Template:
    """The text that CloudFormation gets, the parameters it wants, and its fingerprint."""

    body: str
    parameters: tuple[str, ...]
    sha256: str


def render(pipeline: Pipeline) -> Template:
    """The template of a checked pipeline; TemplateTooLarge when it does not fit into one request."""
    body = json.dumps(document(pipeline), sort_keys=True, separators=(",", ":"))
    if len(body.encode()) > BODY_LIMIT:
        raise TemplateTooLarge(
            f"the template of {pipeline.stack} has {len(body.encode())} bytes; CloudFormation takes {BODY_LIMIT}",
            "split the pipeline into two files; about 20 functions fit into one, or 7 that use Batch",
        )
    return Template(body, tuple(_parameters(pipeline)), hashlib.sha256(body.encode()).hexdigest())


def document(pipeline: Pipeline) -> Json:
    """The template as data."""
    shared = (storage, batch, secrets, onedata)
    resources = {name: one for kind in shared for name, one in kind.resources(pipeline).items()}
    for function in pipeline.functions:
        resources.update({**functions.resources(function), **http.resources(function)})
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"hfaas pipeline {pipeline.stack}",
        "Parameters": _parameters(pipeline),
        "Resources": resources,
        "Outputs": {
            **storage.outputs(pipeline),
            **batch.outputs(pipeline),
            **secrets.outputs(pipeline),
            **http.outputs(pipeline),
            **{names.logical(f.name, "Function"): {"Value": functions.arn(f)} for f in pipeline.functions},
        },
    }


def _parameters(pipeline: Pipeline) -> Json:
    images = {names.image_parameter(f.name): _image_parameter(f.name) for f in pipeline.functions}
    return {**images, **batch.parameters(pipeline)}


def _image_parameter(function: str) -> Json:
    return {"Type": "String", "Description": f"Image of {function}"}
