"""The certificate authority of a state directory; made once, so that who trusts it need not be told again."""

from __future__ import annotations

import os
from pathlib import Path

import certifi
import trustme

CA, KEY, LEAF, BUNDLE = "ca.pem", "ca-key.pem", "leaf.pem", "ca-bundle.pem"

INTERNAL = "oneprovider.hfaas.internal"
"""Our name inside containers."""

NAMES = ("localhost", "127.0.0.1", "::1", "host.docker.internal", INTERNAL)


class Authority:
    """Signs for this machine; its directory is private."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._ca = self._load()

    def _load(self) -> trustme.CA:
        try:
            return trustme.CA.from_pem(self._path(CA).read_bytes(), self._path(KEY).read_bytes())
        except FileNotFoundError:
            made = trustme.CA(organization_name="hfaas", organization_unit_name="emulated Oneprovider")
            self._write(KEY, made.private_key_pem.bytes(), 0o600)
            self._write(CA, made.cert_pem.bytes(), 0o644)
            return made

    @property
    def bundle(self) -> Path:
        """Return the file with everybody's authorities and this one: the variables that name it replace the usual."""
        return self._path(BUNDLE)

    def issue(self, host: str) -> Path:
        """Write a certificate with its key for our names and an address, and the bundle; return the certificate."""
        leaf = self._ca.issue_cert(*dict.fromkeys((*NAMES, host)), organization_name="hfaas")
        self._write(LEAF, leaf.private_key_and_cert_chain_pem.bytes(), 0o600)
        public = Path(certifi.where()).read_bytes()
        self._write(BUNDLE, public.rstrip() + b"\n\n" + self._ca.cert_pem.bytes(), 0o644)
        return self._path(LEAF)

    def _path(self, name: str) -> Path:
        return self._directory / name

    def _write(self, name: str, content: bytes, mode: int) -> None:
        """Write a file whole or not at all. The bundle is written in place: containers hold the file, not its name."""
        path = self._path(name)
        if name == BUNDLE and path.exists():
            if path.read_bytes() != content:
                path.write_bytes(content)
            return
        new = path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb") as file:
            file.write(content)
        new.replace(path)
