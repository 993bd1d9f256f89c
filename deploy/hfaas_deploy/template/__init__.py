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
from hfaas_deploy.template import batch, file_systems, functions, http, network, onedata, secrets, storage
from hfaas_deploy.template.policies import Json

BODY_LIMIT = 51_200
"""Bytes that travel in the request itself; a larger template must lie in a bucket."""

DOCUMENT_LIMIT = 1_000_000
MOST = {"Resources": 500, "Parameters": 200, "Outputs": 200}


@dataclass(frozen=True, slots=True)
class Template:
    """The text that CloudFormation gets, the parameters it wants, and its fingerprint."""

    body: str
    parameters: tuple[str, ...]
    sha256: str

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return len(self.body.encode())

    @property
    def needs_bucket(self) -> bool:
        """Tell whether it is too large for a request, and CloudFormation must fetch it."""
        return self.size > BODY_LIMIT


def render(pipeline: Pipeline) -> Template:
    """The template of a checked pipeline; TemplateTooLarge when CloudFormation takes none so large."""
    whole = document(pipeline)
    body = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    _check_size(pipeline.stack, len(body.encode()), whole)
    return Template(body, tuple(_parameters(pipeline)), hashlib.sha256(body.encode()).hexdigest())


def pretty(rendered: Template) -> str:
    """The same document for people; its bytes are others."""
    return json.dumps(json.loads(rendered.body), indent=1, sort_keys=True)


def _check_size(stack: str, size: int, whole: Json) -> None:
    counts = ((f"{len(whole[part])} {part.lower()}", len(whole[part]), most) for part, most in MOST.items())
    for what, count, most in (*counts, (f"{size} bytes", size, DOCUMENT_LIMIT)):
        if count > most:
            raise TemplateTooLarge(
                f"the template of {stack} has {what}; CloudFormation takes {most}",
                "split the pipeline into two files; about 90 functions fit into one, or 45 that use Batch",
            )


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
    return {**images, **network.parameters(pipeline), **file_systems.parameters(pipeline)}


def _image_parameter(function: str) -> Json:
    return {"Type": "String", "Description": f"Image of {function}"}
