"""A file that must be there."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from pytest_bootgate.probes.kind import Kind, Order, register


@register
class File(Kind, msgspec.Struct, frozen=True):
    """A file that must exist.

    `file` is a file that must exist, or whose new lines `line` searches:
        ``file: "${dir}/done-${token}"``.
    """

    key: ClassVar[str] = "file"
    stays: ClassVar[bool] = True

    file: str

    @property
    def path(self) -> str:
        return self.file

    def watch(self) -> Order:
        return {"exists": self.file}

    last_look = watch
