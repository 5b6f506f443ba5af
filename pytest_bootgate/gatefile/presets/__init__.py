"""The presets that come with the gate: a directory each, with a `preset.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_bootgate.gatefile.presets.openclaw import config as openclaw

Config = dict[str, Any]


@dataclass(frozen=True)
class Overlay:
    """How a configuration is adapted, and the `ports` that a gate file must name for it.

    `adapt` gets a configuration, the variables and the environment of its gateway, and the path of
    its file; it returns the adapted one, and changes nothing in what it is given. `blank` is a
    configuration without a text into which it writes all of its own texts; a list of changes shows
    no others, for a part of them may be the operator's.
    """

    adapt: Callable[[Config, Mapping[str, str], Mapping[str, str], Path], Config]
    ports: tuple[str, ...]
    blank: Config


#: Those of presets, by their names.
OVERLAYS: Mapping[str, Overlay] = {
    "openclaw": Overlay(openclaw.adapted, ("gateway", "model"), openclaw.BLANK),
}
