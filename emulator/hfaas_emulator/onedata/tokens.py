"""Access tokens: random, kept as hashes, with what they allow."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from hfaas_emulator.onedata.errors import forbidden, posix, unauthorized
from hfaas_emulator.onedata.store import Store

LONGEST = 16 << 10
NAMED = 32
"""So many digits of a token's hash are its id, as Onezone's ids have."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows: writing or only reading, all spaces (None) or some, by id; `id` tells tokens apart."""

    id: str
    readonly: bool = False
    spaces: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """Return the id by which it is named where the token itself is not for the eyes."""
        return self.id[:NAMED]

    @property
    def is_owners(self) -> bool:
        """Tell whether it is that of whoever owns the state directory: it may do everything."""
        return self.spaces is None and not self.readonly

    def covers(self, space: str) -> bool:
        """Tell whether a space may be seen."""
        return self.spaces is None or space in self.spaces

    def check(self, space: str) -> None:
        """Refuse a space that may not be seen; OnedataError forbidden."""
        if not self.covers(space):
            raise forbidden()

    def check_write(self) -> None:
        """Refuse to write; posix/eacces."""
        if self.readonly:
            raise posix("eacces")


class Tokens:
    """All tokens of a state directory; issued on the store's thread, looked up anywhere."""

    def __init__(self, store: Store) -> None:
        self._store = store
        rows = store.query("SELECT hash, readonly, spaces FROM token")
        self._grants = {row[0]: _grant(*row) for row in rows}

    def owner(self) -> str:
        """Return the token of whoever owns the state directory, which is kept readable beside the data it opens."""
        kept = self._store.query("SELECT secret FROM token WHERE secret != ''")
        return str(kept[0][0]) if kept else self._issue(readonly=False, spaces=None, keep=True)

    def issue(self, space: str, *, readonly: bool) -> str:
        """Return a new token for one space; it is told once."""
        return self._issue(readonly=readonly, spaces=[space], keep=False)

    def _issue(self, *, readonly: bool, spaces: list[str] | None, keep: bool) -> str:
        secret = f"hfaas{secrets.token_urlsafe(48)}"
        digest, text = _hash(secret), None if spaces is None else json.dumps(spaces)
        self._store.query("INSERT INTO token VALUES (?, ?, ?, ?)", digest, readonly, text, secret if keep else "")
        self._grants[digest] = _grant(digest, readonly, text)
        return secret

    def issued(self) -> list[Grant]:
        """Return what the tokens allow that were issued for spaces and not revoked."""
        return [each for each in self._grants.values() if not each.is_owners]

    def revoke(self, name: str) -> bool:
        """Let a token of this id open nothing any more; False when none that was issued has it."""
        found = next((each for each in self.issued() if each.name == name), None)
        if found is None:
            return False
        self._store.query("DELETE FROM token WHERE hash = ?", found.id)
        del self._grants[found.id]
        return True

    def read(self, secret: str) -> Grant | None:
        """Return what a token allows; None when it is not ours."""
        if len(secret) > LONGEST:
            return None
        digest = _hash(secret)
        found = self._grants.get(digest)
        return found if found and hmac.compare_digest(found.id, digest) else None

    def of(self, headers: Mapping[str, str]) -> Grant:
        """Return what the token in a request's headers allows; OnedataError unauthorized."""
        secret = headers.get("x-auth-token", "")
        if not secret:
            authorization = headers.get("authorization", "")
            secret = authorization[7:] if authorization.startswith("Bearer ") else headers.get("macaroon", "")
        if not secret:
            raise unauthorized()
        grant = self.read(secret)
        if grant is None:
            raise unauthorized("badToken")
        return grant


def _grant(hash: str, readonly: int | bool, spaces: str | None) -> Grant:
    return Grant(hash, bool(readonly), None if spaces is None else frozenset(json.loads(spaces)))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
