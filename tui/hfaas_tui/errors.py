"""What a command line user can do something about.

CliError                 message + hint; printed on stderr, exit code 1
├── UsageError           the command was given something wrong, exit code 2
└── NoEmulator           nothing answers where an emulator was expected
"""

from __future__ import annotations


class CliError(Exception):
    """A failure to report in one sentence, with what to do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CliError):
    """The command was given something it cannot use."""

    exit_code = 2


class NoEmulator(CliError):
    """Nothing answers where an emulator was expected."""
