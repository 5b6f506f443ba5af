"""What was found of a system that is run with something else, in the words of a gate file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::?-([^}]*)|:?[?+][^}]*)?\}|([A-Za-z_]\w*))")
#: What a service has by default to get ready, in seconds.
_READY = 60.0


def megabytes(size: float) -> str:
    """An amount of memory as a gate file writes it."""
    return f"{max(1, round(size / (1 << 20)))}m"


@dataclass
class Part:
    """A container: `ready` is a probe as a gate file has it, `timeout` in seconds.

    `port` is one on which it serves, `key` its name where it comes from. `notes` are what a gate
    file says otherwise, `lost` what it cannot say: the key, and words. `mounts` are its volumes and
    directories of this machine: what is mounted, its name there, and whether it may write there.
    `once` is whether it does its work and ends, `own` whether it is of the gated part's image.
    """

    name: str
    image: str
    command: list[str] | None = None
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    container: dict[str, Any] = field(default_factory=dict)
    ready: dict[str, Any] | None = None
    port: int | None = None
    timeout: float | None = None
    cpus: float | None = None
    memory: str | None = None
    key: str = ""
    once: bool = False
    own: bool = False
    mounts: list[tuple[str, str, bool]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)

    @property
    def process(self) -> dict[str, Any]:
        """Its process and its container, as a gate file has those of a gateway."""
        names = ("command", "env", "files", "container")
        made = {name: getattr(self, name) for name in names}
        return {key: value for key, value in made.items() if value not in (None, {})}

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


def seconds(value: float) -> str:
    """A duration as a gate file writes it."""
    return f"{value:g}s"


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
