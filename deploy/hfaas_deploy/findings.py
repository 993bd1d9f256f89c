"""What is to be said about a pipeline file, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error stops a deploy; a warning is shown and passed over."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault or remark; `fix` is the text that would repair what stands at the spot, if that is known."""

    spot: Spot
    severity: Severity
    code: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.spot.file}:{self.spot.line}:{self.spot.column}: {self.severity}: {self.message}"

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def as_dict(self) -> dict[str, str | int]:
        """The shape of `hfaas check --json`."""
        return {
            "file": self.spot.file,
            "line": self.spot.line,
            "column": self.spot.column,
            "severity": str(self.severity),
            "code": self.code,
            "message": self.message,
            "fix": self.fix,
        }


def error(spot: Spot, code: str, message: str, fix: str = "") -> Finding:
    return Finding(spot, Severity.ERROR, code, message, fix)


def warning(spot: Spot, code: str, message: str, fix: str = "") -> Finding:
    return Finding(spot, Severity.WARNING, code, message, fix)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by place, each said once."""
    return sorted(dict.fromkeys(findings), key=lambda finding: (finding.spot, finding.severity, finding.message))


def errors(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.is_error]
