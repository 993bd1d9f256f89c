"""Repositories: moto keeps the records; with a registry, their addresses are its."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.models import ECRBackend, ecr_backends
from moto.ecr.models import Repository as Record

from hfaas_emulator.moto_services import addresses
from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.registry.records import Repository

TOKEN_LASTS = timedelta(hours=12)


def repository(account: str, region: str, name: str) -> Repository | None:
    """Return what is known of a repository; on the moto thread."""
    backend = ecr_backends[account][region] if account in ecr_backends else None
    record = backend.repositories.get(name) if backend else None
    return None if record is None else Repository(name, account, region, immutable=record.is_tag_immutable())


def _addressed(record: Record) -> Record:
    """Say where it is now: the registry may be another after a restart."""
    record.uri = addresses.of_repository(record.name) or (
        f"{record.registry_id}.dkr.ecr.{record.region_name}.amazonaws.com/{record.name}"
    )
    return record


@patch(
    "moto.ecr.models:ECRBackend.create_repository",
    sha="abf7c221fe669df5",
    reason="its address is AWS's, which no engine reaches",
)
def create_repository(original: Any, self: ECRBackend, *args: Any, **named: Any) -> Record:
    return _addressed(original(self, *args, **named))


@patch(
    "moto.ecr.models:ECRBackend.describe_repositories",
    sha="d50e0fd601faf09e",
    reason="its address is AWS's, which no engine reaches",
)
def describe_repositories(original: Any, self: ECRBackend, *args: Any, **named: Any) -> list[Record]:
    return [_addressed(record) for record in original(self, *args, **named)]


@patch(
    "moto.ecr.models:ECRBackend.delete_repository",
    sha="34eea812454b576f",
    reason="its address is AWS's, which no engine reaches",
)
def delete_repository(original: Any, self: ECRBackend, *args: Any, **named: Any) -> Record:
    return _addressed(original(self, *args, **named))


@patch(
    "moto.ecr.responses:ECRResponse.get_authorization_token",
    sha="032758b43923ed53",
    reason="its token expired in 2015 and is for AWS's host",
)
def get_authorization_token(_original: Any, self: Any) -> ActionResult:
    expires = datetime.now(UTC) + TOKEN_LASTS
    accounts = self._get_param("registryIds") or [self.current_account]
    return ActionResult({"authorizationData": [_token(each, self.region, expires) for each in accounts]})


def _token(account: str, region: str, expires: datetime) -> dict[str, Any]:
    return {
        "authorizationToken": b64encode(f"AWS:{account}-auth-token".encode()).decode(),
        "expiresAt": expires,
        "proxyEndpoint": addresses.of_registry() or f"https://{account}.dkr.ecr.{region}.amazonaws.com",
    }
