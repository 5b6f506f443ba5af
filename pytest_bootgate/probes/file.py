"""A file that must be there."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from pytest_bootgate.probes.kind import Order, register
from pytest_bootgate.probes.polled import Polled


@register
class File(Polled, msgspec.Struct, frozen=True):
    """A file that must exist.

    `file` is a file that must exist, or whose new lines `line` searches:
        ``file: "${dir}/done-${token}"``.
    """

    key: ClassVar[str] = "file"

    file: str

    @property
    def path(self) -> str:
        return self.file

    def watch(self) -> Order:
        return self.paced({"exists": self.file})

    def last_look(self) -> Order:
        return {"exists": self.file}
