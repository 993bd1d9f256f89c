"""Says which permission a role lacked."""

from __future__ import annotations

from hfaas_emulator.trace import Hop

BECAUSE_NOTHING = "because no identity-based policy allows"


def lacks(hop: Hop) -> str:
    """Return a sentence on a `role.denied` hop; the reason is told where it is not just that nothing allows it."""
    told = {name: str(hop.detail.get(name, "")) for name in ("role", "action", "resource", "reason")}
    sentence = f"the role {told['role']} lacks {told['action']} on {told['resource']}"
    plain = told["reason"] == f"{BECAUSE_NOTHING} the {told['action']} action"
    return sentence if plain or not told["reason"] else f"{sentence} ({told['reason']})"
