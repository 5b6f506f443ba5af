"""What the gate says when it cannot measure."""

from __future__ import annotations

import errno

_LACKING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOSPC)


class BootgateError(Exception):
    """One paragraph for the user: what happened, where, and what to do. Never a traceback."""


class EngineError(BootgateError):
    """The place where boots happen is missing, refused, or went away."""


class LostError(EngineError):
    """The machine or the network of a boot went away: neither a failed boot nor a good one."""


class CommandError(EngineError):
    """There is no such command to run."""


class ImageError(EngineError):
    """An image is not here and could not be pulled."""

    def of(self, users: str) -> ImageError:
        """The same, with the sentence that says who needs the image."""
        return ImageError(f"{self} {users}")


class SidecarError(BootgateError):
    """The sidecar died or did what it must not."""


class JournalError(BootgateError):
    """The journal cannot be read or written."""


class GateFileError(BootgateError):
    """All the mistakes of one gate file, a line each: ``file:line:column: what, way out``."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class BootgateWarning(UserWarning):
    """A verdict that passes, but that somebody should read."""


def lacking(error: BaseException) -> bool:
    """Whether the machine lacks something, so that no command and no file is at fault."""
    return isinstance(error, OSError) and error.errno in _LACKING


def in_words(error: BootgateError | OSError) -> str:
    """Why a gate could not measure; an `OSError` is what the machine under the gate lacks."""
    if isinstance(error, BootgateError):
        return str(error)
    what = error.strerror or str(error)
    where = f" ({error.filename})" if error.filename else ""
    return (
        f"The gate itself ran out of a resource: {what}{where}. Free it (open files, processes,"
        " memory, disk space), and rerun."
    )
