"""How many inputs of each kind are tried, how long each may take, and what became of them."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import signal
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisWarning
from hypothesis.strategies import SearchStrategy

#: CPU seconds for one input.
LONGEST = 2.0
#: Hypothesis remembers all inputs of one run of it, and gets slower.
BATCH = 1000
#: How many gate files; of every other kind a tenth. 0: the few of each run in CI.
WANTED = int(os.environ.get("BOOTGATE_FUZZ", "0"))

_HELD = tempfile.TemporaryDirectory(prefix="bootgate-fuzz-")
atexit.register(_HELD.cleanup)


def directory(name: str) -> Path:
    """A directory for the inputs of one kind, removed at the end."""
    made = Path(_HELD.name) / name
    made.mkdir(exist_ok=True)
    return made


class TooSlowError(Exception):
    """One input took more than `LONGEST`."""


@dataclass
class Tally:
    """What became of the inputs of one kind: how many there were, of which ways to end."""

    ends: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    slowest_input: str = ""

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {end}" for end, count in self.ends.most_common())
        return f"{self.ends.total()} ({ends}); slowest {self.slowest:.2f} s CPU"


@dataclass(frozen=True)
class Kind:
    """A kind of input: how it is made, what is done with it (to which end), how many in CI."""

    name: str
    inputs: SearchStrategy[Any]
    attempt: Callable[[Any], str]
    usual: int

    def run(self, failing: Path) -> Tally:
        """Try them; what is raised for one that breaks something, made small, is in `failing`."""
        tally = Tally()
        count = self.usual if not WANTED else WANTED // (1 if self.name == "gate files" else 10)
        for done in range(0, max(count, 1), BATCH):
            self._some(min(BATCH, max(count - done, 1)), tally, failing)
        return tally

    def _some(self, count: int, tally: Tally, failing: Path) -> None:
        @settings(
            max_examples=count,
            deadline=None,
            derandomize=not WANTED,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            report_multiple_bugs=False,
        )
        @given(self.inputs)
        def every(one: Any) -> None:
            began = time.process_time()
            try:
                with within(LONGEST):
                    tally.ends[self.attempt(one)] += 1
            except BaseException:
                failing.write_text(repr(one))
                raise
            took = time.process_time() - began
            if took > tally.slowest:
                tally.slowest, tally.slowest_input = took, repr(one)
            if took > LONGEST:  # and whoever was told so has not said it
                raise TooSlowError(f"it took {took:.1f} s of CPU time")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)  # long inputs are no mistake here
            every()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise `TooSlowError` after so many CPU seconds of this process.

    The garbage of hypothesis is not collected meanwhile: at times that takes seconds by itself.
    """

    def over(_: int, frame: FrameType | None) -> None:
        raise TooSlowError(f"after {seconds:g} s of CPU time it was still at it, in {frame}")

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
