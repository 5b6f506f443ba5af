"""A share of a gate: what one of several runs booted of it, and what all of them must agree on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from pytest_bootgate.records.values import HostFacts

#: More shards than this are a typing mistake.
MOST = 1000


@dataclass(frozen=True)
class Planned:
    """One check of the whole gate: the `shard` that carries it out, and the items `asked` for.

    `seconds` is how long it is supposed to take, by which the shares were made; without a history
    the longest that it may take. `rules` is the `digest` of those by which a target is judged.
    """

    kind: str
    target: str
    profile: str
    shard: int
    seconds: float
    asked: tuple[str, ...] = ()
    rules: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from all other checks."""
        return self.kind, self.target, self.profile


@dataclass(frozen=True)
class Shard:
    """Which share of a gate a run was, and by what it is known to belong to the others.

    It is shard `number` (from 1) `of` so many. `gate` is the gate file as seen from the rootdir,
    `parts` are digests of the gate file as it was loaded, by section; ``programs`` is that of files
    which its commands name. `options` are those that change what is booted or judged, `images` the
    digests of all images. `plan` has all checks of the gate, also those of other shards.
    `notifies` are the names of those who are to be told of the whole gate's verdict.
    """

    number: int
    of: int
    gate: str
    parts: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    plan: tuple[Planned, ...] = ()
    notifies: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What such a run is."""
        return f"shard {self.number} of {self.of}, not a whole gate"

    @property
    def own(self) -> tuple[Planned, ...]:
        """The checks that this shard carries out."""
        return tuple(one for one in self.plan if one.shard == self.number)

    @property
    def error(self) -> str:
        """Why its result is no verdict on the gate."""
        return (
            f"{self.words}: it has {len(self.own)} of {len(self.plan)} checks. Merge the results"
            f" (--bootgate-json) of all {self.of} shards with `bootgate merge`."
        )


@dataclass(frozen=True)
class Part:
    """One of the runs that a merged result was made from: its id, and where and when it was.

    `at` is the wall-clock start in ISO 8601, UTC; `waited` are seconds, as in `GateResult`.
    """

    number: int
    run: str
    at: str
    engine: str
    machine: HostFacts
    waited: float = 0.0


def digest(value: object) -> str:
    """The same for the same values, whichever way they came here."""
    plain = json.loads(msgspec.json.encode(value), parse_int=float)
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def parse(text: str) -> tuple[int, int]:
    """``2/5`` as (2, 5). Raises `ValueError` with the reason where it is no shard."""
    number, slash, of = text.strip().partition("/")
    digits = all(part.isascii() and part.isdigit() and len(part) < 5 for part in (number, of))
    if not slash or not digits:
        raise ValueError(f"{text!r} is not a shard: write 2/5 for the second of five")
    found = int(number), int(of)
    if not 1 <= found[0] <= found[1] <= MOST:
        raise ValueError(f"{text!r} is not a shard: write 1/{of} to {of}/{of}, of at most {MOST}")
    return found
