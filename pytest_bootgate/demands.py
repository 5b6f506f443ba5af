"""What must hold for a single value of a gate file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec

from pytest_bootgate.quantities import Slowdown


@dataclass(frozen=True)
class Rule:
    """What must hold for a value by itself; what holds between keys is in `gatefile.rules`.

    `what` is a format with the `name` of the key, in quotes, and the `value`. `schema` is a JSON
    Schema of the values for which it holds, for editors; empty where none can say so.
    """

    holds: Callable[[Any], object]
    what: str
    way_out: str
    schema: Mapping[str, Any] = field(default_factory=dict)

    def told(self, value: Any, name: str = "") -> tuple[str, str] | None:
        """The mistake that a value is, and the way out; None where the rule holds."""
        if self.holds(value):
            return None
        return self.what.format(name=name, value=value), self.way_out


def demand(*rules: Rule) -> msgspec.Meta:
    """A value for which these rules hold."""
    return msgspec.Meta(extra={"rules": rules})


def must(holds: Callable[[Any], object], what: str, way_out: str, **schema: object) -> msgspec.Meta:
    """A value for which this rule holds; the keywords are those of its JSON Schema."""
    return demand(Rule(holds, what, way_out, schema))


def matches(pattern: str, what: str, way_out: str) -> msgspec.Meta:
    """A text that matches a regular expression as a whole."""
    fits = re.compile(pattern).fullmatch
    return must(fits, what, way_out, pattern=f"^({pattern})$")


def between(least: int, most: int, what: str, way_out: str) -> Rule:
    """A number from the least to the most, both included."""
    limits = {"minimum": least, "maximum": most}
    return Rule(lambda n: least <= n <= most, what, way_out, limits)


def positive(example: str) -> msgspec.Meta:
    """An amount that is more than nothing."""
    what = "{name} must be more than 0"
    return must(lambda n: n > 0, what, f"write {example}", exclusiveMinimum=0)


def not_empty(way_out: str) -> msgspec.Meta:
    """A list that holds something."""
    return must(bool, "{name} is empty", way_out, minItems=1)


#: The exit code of what was killed: 128 and SIGKILL.
_KILLED = 137
_MOST_RETRIES = 3

#: A file that is there; the value is its absolute path.
Existing = Annotated[str, msgspec.Meta(extra={"file": True})]
#: A file, a directory, or a pattern that files match; the value is its absolute path.
ExistingFiles = Annotated[str, msgspec.Meta(extra={"files": True})]
Command = Annotated[list[str], not_empty("write [program, ...]")]
Action = Annotated[list[str], not_empty("write [program, argument]")]
PORT = between(1, 65535, "{value} is not a port", "write 1 to 65535")
Port = Annotated[int, demand(PORT)]
#: Texts that somebody may begin with a number: how it is written then.
Socket = Annotated[str, msgspec.Meta(extra={"written": ":{}"})]
Endpoint = Annotated[str, msgspec.Meta(extra={"written": ":{}/health"})]
STATUS = between(100, 599, "{value} is not an HTTP status", "write 100 to 599")
Status = Annotated[int, demand(STATUS)]
Cores = Annotated[
    float,
    must(
        lambda n: 0 < n < math.inf, "{name} must be more than 0", "write 0.25", exclusiveMinimum=0
    ),
]
Noise = Annotated[
    float,
    must(
        lambda n: 1 < n < math.inf,
        "{name} must be more than 1, not {value:g}",
        "write 3",
        exclusiveMinimum=1,
    ),
]
_BY_CHANCE = "{name} is {value:.1%}: no number of boots shows so small a difference"
#: Boots scatter by several per cent.
Tolerance = Annotated[Slowdown, must(lambda share: share >= 0.01, _BY_CHANCE, "write 10%")]
_TOO_FEW = Rule(
    lambda n: n >= 0,
    "{name} must be 0 or more, not {value}",
    "write 1, or 0 to fail at the first boot timeout",
    {"minimum": 0},
)
_TOO_MANY = Rule(
    lambda n: n <= _MOST_RETRIES,
    f"{{name}} must be at most {_MOST_RETRIES}, not {{value}}",
    "write 1; more would hide what they should tell",
    {"maximum": _MOST_RETRIES},
)
Retries = Annotated[int, demand(_TOO_FEW, _TOO_MANY)]
Url = Annotated[str, matches(r"https?://.*", "{name} is no URL", "write https://host/path")]
_RELATIVE = "'{value}' is not an absolute path"
_ABSOLUTE = r"(/|\$\{dir\}/).*"
Directory = Annotated[str, matches(_ABSOLUTE, _RELATIVE, "write /state or ${dir}/state")]
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
    must(bool, "{name} is empty, so nobody is ever told", "write [fail]", minItems=1),
]
