"""What a container is given so that programs in it trust the emulated Oneprovider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BUNDLE_IN_CONTAINER = "/etc/hfaas/ca-bundle.pem"

NAMES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
"""Variables that tools find their certificate authorities by; most replace the default ones with it."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Files to mount, by their path in the container; empty while there is no space."""

    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables that name the bundle."""
        return dict.fromkeys(NAMES, BUNDLE_IN_CONTAINER) if BUNDLE_IN_CONTAINER in self.files else {}
