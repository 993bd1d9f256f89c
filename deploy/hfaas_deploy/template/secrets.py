"""The secrets of storage providers: unnamed and empty.

A deploy puts the keys in when the Stack is up, so that they are in no template, parameter, change set or event. They
have no name, because the name of a deleted secret stays taken for weeks.
"""

from __future__ import annotations

from hfaas_deploy import names
from hfaas_deploy.pipeline import Pipeline, Provider
from hfaas_deploy.template.policies import Json


def resources(pipeline: Pipeline) -> Json:
    """One secret for each storage that has keys of its own."""
    return {names.secret(one.kind, one.id): _secret(one) for one in pipeline.used_providers}


def outputs(pipeline: Pipeline) -> Json:
    """Where the secrets are, for whoever puts the keys in."""
    secrets = [names.secret(one.kind, one.id) for one in pipeline.used_providers]
    return {secret: {"Value": {"Ref": secret}} for secret in secrets}


def _secret(provider: Provider) -> Json:
    return {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "Description": f"Keys of storage_providers.{provider.name}",
            "Tags": [{"Key": "createdby", "Value": "hfaas"}],
        },
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }
