"""How the items of gate files are distributed over the workers of pytest-xdist."""

from __future__ import annotations

from pathlib import Path

from xdist.scheduler import LoadGroupScheduling

from pytest_bootgate.door.session import is_gate_file


class GateScheduling(LoadGroupScheduling):  # type: ignore[misc]
    """All items of a gate file in one worker, which boots each target once; the rest as it comes.

    The mark ``xdist_group`` would do, but pytest 9.2 hides from pytest-xdist 3.8 what it adds to
    the items' ids.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        scope: str = file if is_gate_file(Path(file)) else super()._split_scope(nodeid)
        return scope
