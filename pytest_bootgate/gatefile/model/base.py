"""What every mapping of a gate file is."""

from __future__ import annotations

from typing import ClassVar

import msgspec

# A line of a docstring that starts with a key in backticks describes that key, with an example:
# ``bootgate schema`` and docs/gate-file.md are made from these lines.


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping in the gate file; a key it does not know is a mistake.

    `noun` is what messages call it where its class is not called like that. `lone` is the key that
    somebody means who writes a value in place of the mapping.
    """

    noun: ClassVar[str] = ""
    lone: ClassVar[str] = ""
