"""What permissions ask of moto's records, remembered for as long as no control plane changes."""

from __future__ import annotations

from typing import Any

from hfaas_emulator.moto_services.control import MotoControl
from hfaas_emulator.permissions.decision import Granted, Resource
from hfaas_emulator.permissions.session import Session


class MotoPermissions(MotoControl):
    """The guard's `Records`; moto is imported by the first question."""

    async def session(self, access_key: str) -> Session | None:
        """Return whose session an access key is, None when it is none that is known."""
        found: Session | None = await self._recall(("session", access_key), _ask, "session", access_key)
        return found

    async def granted(self, role: str) -> Granted:
        """Return what speaks for a role (ARN)."""
        found: Granted = await self._recall(("granted", role), _ask, "granted", role)
        return found

    async def resource(self, arn: str) -> Resource:
        """Return the own policy and the owner of a function, queue, topic, secret or role (trust policy)."""
        found: Resource = await self._recall(("resource", arn), _ask, "resource", arn)
        return found

    async def bucket(self, name: str) -> Resource | None:
        """Return the policy and the owner of a bucket; None when there is none."""
        found: Resource | None = await self._recall(("bucket", name), _ask, "bucket", name)
        return found

    async def secret(self, account: str, region: str, id: str) -> str:
        """Return the whole ARN of a secret; nothing when there is none."""
        found: str = await self._recall(("secret", account, region, id), _ask, "secret", account, region, id)
        return found


def _ask(question: str, *about: Any) -> Any:
    from hfaas_emulator.moto_services import permission_records

    return getattr(permission_records, question)(*about)
