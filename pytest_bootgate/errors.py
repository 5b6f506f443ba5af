"""What the gate says when it cannot measure."""

from __future__ import annotations


class BootgateError(Exception):
    """One paragraph for the user: what happened, where, and what to do. Never a traceback."""


class EngineError(BootgateError):
    """The place where boots happen is missing, refused, or went away."""


class CompanionError(BootgateError):
    """The companion died or did what it must not."""


class JournalError(BootgateError):
    """The journal cannot be read or written."""


class GateFileError(BootgateError):
    """All the mistakes of one gate file, a line each: ``file:line:column: what, way out``."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class BootgateWarning(UserWarning):
    """A verdict that passes, but that somebody should read."""
