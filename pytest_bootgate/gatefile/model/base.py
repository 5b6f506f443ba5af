"""What every mapping of a gate file is, and the rules for single values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from pytest_bootgate.gatefile.quantities import Share

# A line of a docstring that starts with a key in backticks describes that key, with an example:
# ``bootgate schema`` and docs/gate-file.md are made from these lines.


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping in the gate file; a key it does not know is a mistake. `noun` is in messages."""

    noun: ClassVar[str]


@dataclass(frozen=True)
class Rule:
    """What must hold for a value alone; what it has to do with others is in the room's rules.

    In `what`, a format, stand the `name` of the key in quotes and the `value`.
    """

    holds: Callable[[Any], bool]
    what: str
    way_out: str


def demand(*rules: Rule) -> msgspec.Meta:
    """A value for which these rules hold."""
    return msgspec.Meta(extra={"rules": rules})


def positive(example: str) -> msgspec.Meta:
    """An amount that is more than nothing."""
    return demand(Rule(lambda n: n > 0, "{name} must be more than 0", f"write {example}"))


def not_empty(way_out: str) -> msgspec.Meta:
    """A list that holds something."""
    return demand(Rule(bool, "{name} is empty", way_out))


#: The exit code of what was killed: 128 and SIGKILL.
_KILLED = 137
#: More would hide what they should tell.
_MOST_RETRIES = 3
#: Boots scatter by several per cent.
_LEAST_TOLERANCE = 0.01

#: A file that is there; the value is its absolute path.
Existing = Annotated[str, msgspec.Meta(extra={"file": True})]
Command = Annotated[list[str], not_empty("write [program, ...]")]
Action = Annotated[list[str], not_empty("write [program, argument]")]
Port = Annotated[
    int, demand(Rule(lambda n: 1 <= n <= 65535, "{value} is not a port", "write 1 to 65535"))
]
Status = Annotated[
    int,
    demand(
        Rule(lambda n: 100 <= n <= 599, "{value} is not an HTTP status", "write 100 to 599"),
    ),
]
Cores = Annotated[
    float, demand(Rule(lambda n: 0 < n < math.inf, "{name} must be more than 0", "write 0.25"))
]
Tolerance = Annotated[
    Share,
    demand(
        Rule(
            lambda share: share >= _LEAST_TOLERANCE,
            "{name} is {value:.1%}: no number of boots shows so small a difference",
            "write 10%",
        )
    ),
]
Retries = Annotated[
    int,
    demand(
        Rule(
            lambda n: n >= 0,
            "{value} retries cannot be made",
            "write 1, or 0 to fail at the first boot timeout",
        ),
        Rule(
            lambda n: n <= _MOST_RETRIES,
            "{value} retries would hide what they should tell",
            f"write 1, or at most {_MOST_RETRIES}",
        ),
    ),
]
Noise = Annotated[
    float,
    demand(
        Rule(lambda n: 1 < n < math.inf, "{name} must be more than 1, not {value:g}", "write 3")
    ),
]
Url = Annotated[
    str,
    demand(
        Rule(
            lambda url: url.startswith(("http://", "https://")),
            "{name} is no URL",
            "write https://host/path",
        )
    ),
]
Directory = Annotated[
    str,
    demand(
        Rule(
            lambda path: path.startswith(("/", "${dir}/")),
            "'{value}' is not an absolute path",
            "write /state or ${dir}/state",
        )
    ),
]
ExitCodes = Annotated[
    list[int],
    demand(
        Rule(
            lambda codes: bool(codes) and all(0 <= c <= 255 and c != _KILLED for c in codes),
            f"{{name}} must be exit codes from 0 to 255, not {_KILLED}, which is a kill",
            "write [0, 143]",
        )
    ),
]
Told = Annotated[
    list[Literal["warn", "inconclusive", "fail", "error"]],
    demand(Rule(bool, "{name} is empty, so nobody is ever told", "write [fail]")),
]
