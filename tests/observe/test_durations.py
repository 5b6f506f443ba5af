"""Whatever a system says, and in whichever order it arrives: no duration is below zero."""

from __future__ import annotations

import json
import math
import random
from dataclasses import asdict

import pytest

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.gatefile.model import PhaseProbe, Signal, StageProbe
from pytest_bootgate.observe.lines import Line
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.observe.outcome import Ending, outcome_of
from pytest_bootgate.observe.sighting import sighting
from pytest_bootgate.probes.file import File
from pytest_bootgate.probes.line import Line as LineProbe
from pytest_bootgate.probes.stub import Stub

PHASES = {
    "accepted": PhaseProbe(LineProbe("accepted", from_="trigger")),
    "setup": PhaseProbe(LineProbe("setup")),
    "file": PhaseProbe(File("/log"), optional=True),
    "task": PhaseProbe(Stub(True)),
}
SIGNALS = {"log": Signal(LineProbe("failed")), "ok": Signal(LineProbe("ok"), means="ok")}
EACH = r"(?P<name>\w+)=(?P<ms>\S+) at=(?P<at_ms>\S+)"
STAGES = {"timings": StageProbe(LineProbe("timings"), each=EACH)}


def line(chance: random.Random, at: float) -> Line:
    events = [
        {"event": "called", "path": "/", "token": True},
        {"event": "accepted", "status": 200, "body": "accepted"},
        {"event": "seen", "id": "phase:file"},
        {"event": "looked", "id": "phase:file", "so": True},
    ]
    number = chance.choice(["-5", "7", "0", "nan", "inf", "-0.5", "x", "1e3"])
    texts = ["setup", "failed: timed out", "ok", f"timings load={number} at={number}", "other"]
    stream, text = chance.choice(
        [
            *[("sidecar.out", json.dumps(event)) for event in events],
            *[("gateway.out", text) for text in texts],
            ("trigger.out", "accepted"),
        ]
    )
    return Line(stream, at, text)


@pytest.mark.parametrize("seed", range(300))
def test_no_duration_is_below_zero(seed):
    chance = random.Random(seed)
    seen = Observation(PHASES, SIGNALS, STAGES, {}, token=True)
    seen.trigger_at = 100.0
    # Lines from before the trigger may still be on their way.
    for _ in range(chance.randrange(1, 25)):
        seen.see(sighting(line(chance, chance.uniform(98.0, 104.0))))
    try:
        phases = seen.phases()
    except ValueError:
        phases = seen.scattered()
    found = [*map(asdict, phases), *map(asdict, seen.stages), *map(asdict, seen.signals())]
    durations = [value for one in found for value in one.values() if isinstance(value, float)]
    durations += [at for at in (seen.accepted, seen.proof_at, *seen.strangers) if at is not None]
    assert all(duration >= 0 and math.isfinite(duration) for duration in durations)
    exited = chance.choice([None, Exit(0), Exit(3)])
    ending = Ending(at=2.0, timeout=3.0, proof=seen.proof_at, exited=exited)
    assert outcome_of(seen, ending, triggered=True)
