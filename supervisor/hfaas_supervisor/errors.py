"""What can go wrong in one invocation; the class name, prefixed `Hfaas.`, is the errorType that AWS reports.

HfaasError                exit code of Job and stdin mode
├── ConfigError           240  the job document or the image cannot be used
├── BadEvent              241  the Event cannot be understood
├── InputError            242  the input did not arrive
│   ├── InputNotFound          no such Object (or, without s3:ListBucket, not allowed)
│   ├── InputDenied            the storage refuses us
│   ├── InputNotDeclared       the Object is outside every declared input
│   ├── Loop                   the Object is our own output
│   └── NoSpace                it does not fit into /tmp
├── ProviderAuth          242  no credentials, or the storage does not know them
├── OutputFailed          243  a result could not be uploaded
├── DelegationFailed      244  the work could not be handed over to Batch
├── ScriptTimeout         245  time ran out
├── ScriptFailed          the script's own code
├── ScriptOutOfMemory     137  the kernel took the script
└── Stopped               143  somebody sent us SIGTERM
"""

from __future__ import annotations

MESSAGE_LIMIT = 8192


class HfaasError(Exception):
    """A failure the caller can act on; `str()` says what, where and what to do."""

    code = 1

    def __init_subclass__(cls) -> None:
        cls.__qualname__ = cls.__name__
        cls.__name__ = f"Hfaas.{cls.__name__}"

    @property
    def type(self) -> str:
        """Return the errorType."""
        return type(self).__name__

    def to_json(self) -> dict[str, object]:
        """Return the document that AWS shows as FunctionError."""
        return {"errorMessage": shorten(str(self)), "errorType": self.type, "stackTrace": []}


class ConfigError(HfaasError):
    """The job document or the image cannot be used."""

    code = 240


class BadEvent(HfaasError):
    """The Event cannot be understood."""

    code = 241


class InputError(HfaasError):
    """The input did not arrive."""

    code = 242


class InputNotFound(InputError):
    """There is no such Object."""


class InputDenied(InputError):
    """The storage refuses to hand the Object out."""


class InputNotDeclared(InputError):
    """The Object is outside every declared input of its storage type."""


class Loop(InputError):
    """The Object was written by this very Function."""


class NoSpace(InputError):
    """The input does not fit into /tmp."""


class ProviderAuth(HfaasError):
    """There are no credentials, or the storage does not accept them."""

    code = 242


class SecretEmpty(ProviderAuth):
    """A secret has no value yet: a deploy brings it once the Stack is up. To callers it is a ProviderAuth."""

    @property
    def type(self) -> str:
        return ProviderAuth.__name__


class OutputFailed(HfaasError):
    """A result could not be uploaded."""

    code = 243


class DelegationFailed(HfaasError):
    """The work could not be handed over to Batch."""

    code = 244


class ScriptTimeout(HfaasError):
    """Time ran out."""

    code = 245


class ScriptFailed(HfaasError):
    """The script ended with a code other than 0."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class ScriptOutOfMemory(HfaasError):
    """The kernel killed the script for memory."""

    code = 137


class Stopped(HfaasError):
    """Somebody asked us to end."""

    code = 143


def shorten(message: str) -> str:
    """Cut a message to what fits into an error answer, keeping its beginning and its end."""
    data = message.encode(errors="replace")
    if len(data) <= MESSAGE_LIMIT:
        return data.decode()
    half = MESSAGE_LIMIT // 2 - 16
    return f"{data[:half].decode(errors='ignore')}\n[...]\n{data[-half:].decode(errors='ignore')}"
