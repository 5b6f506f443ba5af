"""One class a kind of probe: its keys, what the sidecar does for it, and what satisfies it.

Pure: what reads, sends or waits is in other rooms, and these ask a probe, never which kind it is.

A new probe is one file here: a frozen `msgspec.Struct` on `Kind`, under `@register`. Its fields are
its keys in the gate file, `key` is the one that asks for it, and its docstring has a sentence for
each of them that names it in backquotes: `bootgate schema` and docs/gate-file.md (`ci/reference`)
show these. A key that another kind has as well takes the same there. What is different from most
kinds it overrides: `check` for what must hold in a gate file, `source` and `of_line` where lines
show it, `watch` where the sidecar has to look for it (sidecar/looks.py says for what it can),
`read` for all else. tests/probes/test_toy.py has two that are whole.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection

from pytest_bootgate.probes.kind import KINDS, Kind, keys, register

__all__ = ["KINDS", "Kind", "asked", "keys", "register"]

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)


def asked(given: Collection[str]) -> list[type[Kind]]:
    """The kinds that these keys ask for; a key that one of them has besides asks for no other."""
    named = [KINDS[key] for key in given if key in KINDS]
    return [k for k in named if not any(k.key in keys(other) for other in named if other is not k)]
