"""What the data routes tell of a node, key by key."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from hfaas_emulator.onedata.errors import OnedataError, bad
from hfaas_emulator.onedata.node import Kind, Node
from hfaas_emulator.onedata.provider import Provider

INTERNAL = ("cdmi_", "onedata_")
"""Beginnings of the names that Oneprovider keeps for itself."""

OWNER = 1000
"""Numeric user and group of all files."""

_PLAIN: dict[str, Callable[[Provider, Node], Any]] = {
    "fileId": lambda _, node: node.id,
    "parentFileId": lambda _, node: node.parent_id,
    "name": lambda _, node: node.name,
    "posixPermissions": lambda _, node: f"{node.mode & 0o777:03o}",
    "atime": lambda _, node: node.atime,
    "mtime": lambda _, node: node.mtime,
    "ctime": lambda _, node: node.ctime,
    "type": lambda _, node: str(node.kind),
    "size": lambda _, node: None if node.is_directory else node.size,
    "directShareIds": lambda _, __: [],
    "index": lambda _, node: index(node.name),
    "displayGid": lambda _, __: OWNER,
    "displayUid": lambda _, __: OWNER,
    "ownerUserId": lambda provider, _: provider.user,
    "originProviderId": lambda provider, _: provider.id,
    "hardlinkCount": lambda _, __: 1,
}
DEFAULTS = tuple(_PLAIN)

_MORE: dict[str, Callable[[Provider, Node], Any]] = {
    "activePermissionsType": lambda _, __: "posix",
    "acl": lambda _, __: [],
    "conflictingName": lambda _, __: None,
    "path": lambda provider, node: provider.records.tree.path(node),
    "creationTime": lambda _, node: node.birth,
    "isFullyReplicatedLocally": lambda _, node: node.is_file or None,
    "localReplicationRate": lambda _, __: 1.0,
    "symlinkValue": lambda _, node: node.target if node.kind is Kind.LINK else None,
    "hasCustomMetadata": lambda provider, node: bool(public(provider.records.store.custom(node.uuid))),
    "effProtectionFlags": lambda _, __: [],
    "effDatasetProtectionFlags": lambda _, __: [],
    "effDatasetInheritancePath": lambda _, __: "none",
    "effQosInheritancePath": lambda _, __: "none",
    "aggregateQosStatus": lambda _, __: "fulfilled",
    "archiveRecallRootFileId": lambda _, __: None,
}
SNAKES = {
    "file_id": "fileId",
    "parent_id": "parentFileId",
    "mode": "posixPermissions",
    "storage_group_id": "displayGid",
    "storage_user_id": "displayUid",
    "shares": "directShareIds",
    "owner_id": "ownerUserId",
    "provider_id": "originProviderId",
    "hardlinks_count": "hardlinkCount",
}
_KEYS = {**_PLAIN, **_MORE}


def chosen(body: dict[str, Any], query: dict[str, list[str]]) -> list[str] | None:
    """Return the keys that a request asks for, None when it names none; OnedataError for unknown ones."""
    asked = body.get("attributes", query.get("attribute"))
    if asked is None:
        return None
    asked = [asked] if isinstance(asked, str) else asked
    if not isinstance(asked, list) or not all(isinstance(key, str) for key in asked):
        raise bad("ListOfStrings", "attributes", "is not a list of strings")
    for key in asked:
        if key not in _KEYS and key not in SNAKES and not (key.startswith("xattr.") and len(key) > 6):
            raise _unknown(key)
    return asked


def _unknown(key: str) -> OnedataError:
    allowed = [*_KEYS, *SNAKES, "xattr.*"]
    return bad("NotAllowed", "attributes", f"must be one of: {', '.join(allowed)}; not {key!r}", allowed=allowed)


def describe(provider: Provider, node: Node, keys: Sequence[str] | None) -> dict[str, Any]:
    """Return the asked attributes, or the usual ones under both of their names; on the store's thread."""
    if keys is None:
        keys = (*DEFAULTS, *SNAKES)
    custom = provider.records.store.custom(node.uuid) if any(key.startswith("xattr.") for key in keys) else {}
    return {key: _value(provider, node, key, custom) for key in keys}


def listed(provider: Provider, node: Node, keys: Sequence[str] | None) -> dict[str, Any]:
    """Return what a listing tells of a node."""
    return describe(provider, node, keys or ("fileId", "name", "file_id"))


def _value(provider: Provider, node: Node, key: str, custom: dict[str, Any]) -> Any:
    if key.startswith("xattr."):
        return public(custom).get(key[6:])
    return _KEYS[SNAKES.get(key, key)](provider, node)


def public(custom: dict[str, Any]) -> dict[str, Any]:
    """Return the extended attributes that are the user's."""
    return {key: value for key, value in custom.items() if not key.startswith(INTERNAL)}


def index(name: str) -> str:
    """Return a place in a listing, fit for URLs."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def read_index(key: str, text: str) -> str:
    """Return the name at a place in a listing; OnedataError when it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode()
    except ValueError as error:
        raise bad("Identifier", key, "is not a valid identifier") from error
