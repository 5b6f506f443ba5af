"""What was found of a system that is run with something else, in the words of a gate file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_bootgate.gatefile.tree import Place

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::?-([^}]*)|:?[?+][^}]*)?\}|([A-Za-z_]\w*))")
#: What a service has by default to get ready, in seconds.
_READY = 60.0


def megabytes(size: float) -> str:
    """An amount of memory as a gate file writes it."""
    return f"{max(1, round(size / (1 << 20)))}m"


@dataclass(frozen=True)
class Lost:
    """What a gate file cannot say: the key it has where it comes from, and words.

    It stands at `place`, or where the key does. It is the environment variable `env`, so that a
    gate file which sets that loses nothing, and says in `way_out` what else one can do.
    """

    key: str
    words: str
    place: Place | None = None
    env: str = ""
    way_out: str = ""


@dataclass
class Part:
    """A container: `ready` is a probe as a gate file has it, `timeout` in seconds.

    `ports` are those on which it serves others, `key` its name where it comes from. `notes` are
    what a gate file says otherwise, `lost` what it cannot say. `mounts` are its volumes and
    directories of this machine: what is mounted, its name there, and whether it may write there.
    `once` is whether it does its work and ends, `own` whether it is of the gated part's image,
    `built` whether nobody named that.

    The timeout may be that `of` a probe, which must have succeeded by then: `first`, where that is
    another one than `ready`, which is not asked before. `stays` is for how many seconds `ready`
    must go on to succeed. Which of `env` are secret is in `secret`. `places` are where keys of a
    gate file come from.
    """

    name: str
    image: str
    command: list[str] | None = None
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    container: dict[str, Any] = field(default_factory=dict)
    ready: dict[str, Any] | None = None
    ports: list[int] = field(default_factory=list)
    timeout: float | None = None
    cpus: float | None = None
    memory: str | None = None
    key: str = ""
    once: bool = False
    own: bool = False
    built: bool = False
    of: str = ""
    first: dict[str, Any] | None = None
    stays: float = 0.0
    secret: set[str] = field(default_factory=set)
    mounts: list[tuple[str, str, bool]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    @property
    def process(self) -> dict[str, Any]:
        """Its process and its container, as a gate file has those of a gateway."""
        names = ("command", "env", "files", "container")
        made = {name: getattr(self, name) for name in names}
        return {key: value for key, value in made.items() if value not in (None, {})}

    def target(self, proof: Mapping[str, Any], timeout: float = 0.0) -> dict[str, Any]:
        """The target of its start, as a gate file has it, which may name another timeout."""
        limit = None if self.timeout is None else seconds(self.timeout)
        made: dict[str, Any] = {"timeout": limit, "timeout_of": self.of or None}
        if self.first is not None:
            later = {"deadline": limit} if timeout > (self.timeout or 0.0) else {}
            made["phases"] = {self.of: {**self.first, **later}}
            proof = {**proof, "waits": True}
        made["proof"] = {**proof, "stays": seconds(self.stays)} if self.stays else proof
        return {key: value for key, value in made.items() if value is not None}

    @property
    def service(self) -> dict[str, Any]:
        """It as a service of a gate file."""
        late = self.timeout is not None and self.timeout > _READY
        made: dict[str, Any] = {
            "image": "release" if self.own else self.image,
            **self.process,
            **self.limits,
            "once": self.once or None,
            "ready": None if self.once else self.ready,
            "ready_timeout": seconds(self.timeout or 0.0) if late and not self.once else None,
        }
        return {key: value for key, value in made.items() if value is not None}

    @property
    def limits(self) -> dict[str, Any]:
        """What it gets of a machine, as a profile."""
        made = {"cpus": self.cpus, "memory": self.memory}
        return {key: value for key, value in made.items() if value}


@dataclass
class Found:
    """The gated part, and those that it needs, in the order in which they start."""

    gated: Part
    services: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class Origin:
    """What was found in a file, and where in it stands what a key of a gate file comes from.

    `noun` is what the parts are called there, `proof` a proof that one without any may be given,
    `imageless` why one may be without an image. `beside` is lost of the file as a whole. What the
    gate file adds is from `outside`: it is there before any part starts.
    """

    found: Found
    at: Callable[[Part, str], Place]
    noun: str
    proof: str
    imageless: str = ""
    beside: Sequence[Lost] = ()
    outside: bool = False


def seconds(value: float) -> str:
    """A duration as a gate file writes it."""
    return f"{int(value)}s" if value == int(value) else f"{value:g}s"


def target_name(name: str) -> str:
    """A part's name as that of a target."""
    return "boot" if name in ("boot", "upgrade", "propagation") else name


def default_of(text: str) -> str:
    """A text with the defaults of its variables, for what must be known at once."""
    return _VARIABLE.sub(lambda found: found[2] or "", text)


def variables(text: str) -> str:
    """A text with the variables of shells and Compose as a gate file writes them."""

    def put(found: re.Match[str]) -> str:
        name, default = found[1] or found[3], found[2]
        if name is None:  # $$
            return found[0]
        return f"${{{name}}}" if default is None else f"${{{name}:-{default}}}"

    return _VARIABLE.sub(put, text)
