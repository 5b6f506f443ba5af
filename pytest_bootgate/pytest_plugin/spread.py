"""How tests that boot are spread over the workers of pytest-xdist: all of one gate in one worker.

The process that distributes the tests knows only their ids, so each worker writes down which of its
tests use which gate file, in a directory that all of them share. There, too, a worker claims a gate
before it boots it: a test that asks for a fixture only while it runs may be in any worker.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from pytest_bootgate.errors import BootgateError

#: Where a worker finds the shared directory in what it was given (`config.workerinput`).
SHARED = "bootgate_shared"


class GateScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Another scheduler's distribution, but all tests of one gate go to one worker.

    `scopes` names for each test's id those that stay together.
    """

    def __init__(self, config: pytest.Config, log: Any, scopes: Mapping[str, str]) -> None:
        super().__init__(config, log)
        self._scopes = scopes

    def _split_scope(self, nodeid: str) -> str:
        return self._scopes.get(nodeid, nodeid)


def scopes(
    ids: Sequence[str], chosen: Callable[[str], str], gates: Mapping[str, str]
) -> dict[str, str]:
    """The scope of each test: `chosen` puts some together, and so do `gates` (id to gate file).

    What either of them keeps together stays together.
    """
    above: dict[str, str] = {}

    def top(scope: str) -> str:
        while scope in above:
            scope = above[scope]
        return scope

    for nodeid, gate in gates.items():
        one, other = top(chosen(nodeid)), top(f"gate {gate}")
        if one != other:
            above[one] = other
    return {nodeid: top(chosen(nodeid)) for nodeid in ids}


def tell(worker: Mapping[str, Any], gates: Mapping[str, str]) -> None:
    """Write down, in a worker, the gate file of each test that boots; the ids are the keys."""
    shared = Path(worker[SHARED])
    if shared.is_dir():  # it is not there on another machine; `claim` says so
        (shared / f"{worker['workerid']}.json").write_text(json.dumps(gates))


def gates_of(shared: Path, worker: str) -> dict[str, str]:
    """The gate file of each test that boots, as a worker collected them."""
    told = shared / f"{worker}.json"
    found: dict[str, str] = json.loads(told.read_text()) if told.is_file() else {}
    return found


def scheduler(
    old: Any, log: Any, ids: Sequence[str], gates: Mapping[str, str]
) -> GateScheduling | None:
    """The scheduler for a run that boots, None where the one that was chosen will do.

    Raises `pytest.UsageError` where that one cannot keep the tests of a gate together.
    """
    if isinstance(old, GateScheduling) or old.numnodes == 1:
        return None
    dist = old.config.getvalue("dist")
    files = ", ".join(sorted({os.path.relpath(gate) for gate in gates.values()}))
    kept = "--dist load (which -n means by itself), loadfile, loadscope, loadgroup or worksteal"
    if dist == "each":
        raise pytest.UsageError(
            f"bootgate: --dist each would boot the gate of {files} once in each of"
            f" {old.numnodes} workers. Use {kept}: then one worker boots it."
        )
    chosen = getattr(old, "_split_scope", None)
    if chosen is None and not type(old).__module__.startswith("xdist."):
        raise pytest.UsageError(
            f"bootgate: the scheduler {type(old).__name__} of another plugin may boot the gate of"
            f" {files} in several workers. Disable that plugin and use {kept}."
        )
    return GateScheduling(old.config, log, scopes(ids, chosen or str, gates))


def claim(worker: Mapping[str, Any], gate: Path, shown: Path) -> None:
    """Claim a gate for a worker; it may do so again and again.

    Raises `BootgateError` where another worker has it, or where there is no way to know.
    """
    shared, me = Path(worker[SHARED]), worker["workerid"]
    if not shared.is_dir():
        raise BootgateError(
            f"{shown}: worker {me} of pytest-xdist runs on another machine, so another worker may"
            " boot the same gate. Use -n."
        )
    mine = shared / hashlib.sha256(os.fsencode(gate)).hexdigest()
    try:
        mine.symlink_to(me)  # whole or not there, unlike a file and its content
    except FileExistsError:
        if (owner := mine.readlink().name) != me:
            raise BootgateError(
                f"{shown}: worker {owner} of pytest-xdist boots its gate, and {me} would boot it"
                " again. Name the bootgate fixture among the arguments of the test, so that"
                " pytest-bootgate can see in advance that it boots, or run without -n."
            ) from None


def release(shared: Path, worker: str) -> None:
    """Let others boot what a worker claimed that has died."""
    for path in shared.iterdir():
        if path.is_symlink() and path.readlink().name == worker:
            path.unlink()
