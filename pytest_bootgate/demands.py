"""What must hold for a single value of a gate file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from pytest_bootgate.quantities import Share


@dataclass(frozen=True)
class Rule:
    """What must hold for a value by itself; what holds between keys is in `gatefile.rules`.

    `what` is a format with the `name` of the key, in quotes, and the `value`.
    """

    holds: Callable[[Any], object]
    what: str
    way_out: str

    def told(self, value: Any, name: str = "") -> tuple[str, str] | None:
        """The mistake that a value is, and the way out; None where the rule holds."""
        if self.holds(value):
            return None
        return self.what.format(name=name, value=value), self.way_out


def demand(*rules: Rule) -> msgspec.Meta:
    """A value for which these rules hold."""
    return msgspec.Meta(extra={"rules": rules})


def must(holds: Callable[[Any], object], what: str, way_out: str) -> msgspec.Meta:
    """A value for which this rule holds."""
    return demand(Rule(holds, what, way_out))


def positive(example: str) -> msgspec.Meta:
    """An amount that is more than nothing."""
    return must(lambda n: n > 0, "{name} must be more than 0", f"write {example}")


def not_empty(way_out: str) -> msgspec.Meta:
    """A list that holds something."""
    return must(bool, "{name} is empty", way_out)


#: The exit code of what was killed: 128 and SIGKILL.
_KILLED = 137
_MOST_RETRIES = 3

#: A file that is there; the value is its absolute path.
Existing = Annotated[str, msgspec.Meta(extra={"file": True})]
#: A file, a directory, or a pattern that files match; the value is its absolute path.
ExistingFiles = Annotated[str, msgspec.Meta(extra={"files": True})]
Command = Annotated[list[str], not_empty("write [program, ...]")]
Action = Annotated[list[str], not_empty("write [program, argument]")]
PORT = Rule(lambda n: 1 <= n <= 65535, "{value} is not a port", "write 1 to 65535")
Port = Annotated[int, demand(PORT)]
#: Texts that somebody may begin with a number: how it is written then.
Socket = Annotated[str, msgspec.Meta(extra={"written": ":{}"})]
Endpoint = Annotated[str, msgspec.Meta(extra={"written": ":{}/health"})]
STATUS = Rule(lambda n: 100 <= n <= 599, "{value} is not an HTTP status", "write 100 to 599")
Status = Annotated[int, demand(STATUS)]
Cores = Annotated[
    float, must(lambda n: 0 < n < math.inf, "{name} must be more than 0", "write 0.25")
]
Noise = Annotated[
    float, must(lambda n: 1 < n < math.inf, "{name} must be more than 1, not {value:g}", "write 3")
]
_BY_CHANCE = "{name} is {value:.1%}: no number of boots shows so small a difference"
#: Boots scatter by several per cent.
Tolerance = Annotated[Share, must(lambda share: share >= 0.01, _BY_CHANCE, "write 10%")]
_TOO_FEW = Rule(
    lambda n: n >= 0,
    "{value} retries cannot be made",
    "write 1, or 0 to fail at the first boot timeout",
)
_TOO_MANY = Rule(
    lambda n: n <= _MOST_RETRIES,
    "{value} retries would hide what they should tell",
    f"write 1, or at most {_MOST_RETRIES}",
)
Retries = Annotated[int, demand(_TOO_FEW, _TOO_MANY)]
_is_url = re.compile("https?://").match
Url = Annotated[str, must(_is_url, "{name} is no URL", "write https://host/path")]
_is_absolute = re.compile(r"/|\$\{dir\}/").match
_RELATIVE = "'{value}' is not an absolute path"
Directory = Annotated[str, must(_is_absolute, _RELATIVE, "write /state or ${dir}/state")]
ExitCodes = Annotated[
    list[int],
    must(
        lambda codes: bool(codes) and all(0 <= c <= 255 and c != _KILLED for c in codes),
        f"{{name}} must be exit codes from 0 to 255, not {_KILLED}, which is a kill",
        "write [0, 143]",
    ),
]
Told = Annotated[
    list[Literal["warn", "inconclusive", "fail", "error"]],
    must(bool, "{name} is empty, so nobody is ever told", "write [fail]"),
]
