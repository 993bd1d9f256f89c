"""The secrets of storage providers and of variables: unnamed and empty.

A deploy puts the keys in when the Stack is up, so that they are in no template, parameter, change set or event. They
have no name, because the name of a deleted secret stays taken for weeks.
"""

from __future__ import annotations

from hfaas_deploy import names, secret_variables
from hfaas_deploy.pipeline import Pipeline, Provider
from hfaas_deploy.template.policies import Json


def resources(pipeline: Pipeline) -> Json:
    """One secret for each storage that has keys of its own, and for each Function that has secret variables."""
    return {names.secret(one.kind, one.id): _secret(one) for one in _all(pipeline)}


def outputs(pipeline: Pipeline) -> Json:
    """Where the secrets are, for whoever puts the keys in."""
    secrets = [names.secret(one.kind, one.id) for one in _all(pipeline)]
    return {secret: {"Value": {"Ref": secret}} for secret in secrets}


def _all(pipeline: Pipeline) -> tuple[Provider, ...]:
    return (*pipeline.used_providers, *secret_variables.stores(pipeline))


def _secret(provider: Provider) -> Json:
    is_storage = provider.kind != secret_variables.KIND
    what = f"Keys of storage_providers.{provider.name}" if is_storage else f"Variables of {provider.id}"
    return {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "Description": what,
            "Tags": [{"Key": "createdby", "Value": "hfaas"}],
        },
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }
