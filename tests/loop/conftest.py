"""Play a gate file on the engine in memory."""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.memory import MemoryEngine, Script
from pytest_bootgate.engines.memory.engine import MemoryPlace
from pytest_bootgate.errors import LostError
from tests.loop.played import Played, gate_file, serves


@pytest.fixture
def play(tmp_path):
    """A gate whose candidate is the script `new`, beside a baseline where there is an `old`."""
    made: list[Played] = []

    def make(new: Script | None = None, old: Script | None = None, **parts) -> Played:
        names = ("machine", "facts", "on_event", "sharing")
        own = {name: parts.pop(name) for name in names if name in parts}
        programs = {"new": new or serves(), **parts.pop("programs", {})}
        if old is not None:
            programs["old"] = old
            parts.setdefault("releases", "{baseline: {image: old}, candidate: {image: new}}")
        made.append(Played(gate_file(tmp_path, **parts), MemoryEngine(programs), **own))
        return made[-1]

    yield make
    for played in made:
        played.gate.leave()  # the machine would be theirs for all tests after


@pytest.fixture
def losing(monkeypatch):
    """From now on the engine loses the next boots, each for its reason; an empty one is not."""

    def lose(*whys: str) -> None:
        left, expect = [*whys], MemoryPlace.expect

        def gone(self, specs, helper):
            if left and (why := left.pop(0)):
                raise LostError(why)
            expect(self, specs, helper)

        monkeypatch.setattr(MemoryPlace, "expect", gone)

    return lose
