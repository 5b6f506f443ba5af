"""The events of a run as a gate tells them, made by hand: what is kept can then be foreseen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_bootgate.records.events import (
    BootBegan,
    BootEnded,
    BootKey,
    BootSucceeded,
    BootTimedOut,
    Event,
    FailureReported,
    PhaseReached,
    RunBegan,
    RunEnded,
    TriggerAccepted,
    TriggerSent,
    VerdictGiven,
)
from pytest_bootgate.records.result import SCHEMA, GateResult, ReleaseFacts, TargetResult
from pytest_bootgate.records.values import Boot, HostFacts, Phase, SignalReport, Stage
from pytest_bootgate.records.verdict import Finding, Rules

#: 2026-11-01, 00:00 UTC.
BEGIN = 1793491200.0
RULES = Rules(timeout=2.0, fail_at=0.8, warn_at=0.6, least=1, most=1)
VERSIONS = {"baseline": "1.0", "candidate": "2.0"}


def result(run: str, *targets: TargetResult, file: str = "/srv/bootgate.yaml") -> GateResult:
    return GateResult(
        schema=SCHEMA,
        file=file,
        at="2026-11-01T00:00:00+00:00",
        bootgate="0.1.0",
        run=run,
        engine="docker 20.10",
        why_engine="requested",
        machine=HostFacts("Linux 6", "3.11", 2, 2**34, 0.1),
        releases={n: ReleaseFacts(f"gateway:{v}", f"sha256:{v}", v) for n, v in VERSIONS.items()},
        checks=targets,
    )


def key(run: str, number: int, release: str = "candidate", **more) -> BootKey:
    more = {"target": "isolated", "profile": "default", "start": "cold", **more}
    return BootKey(id=f"{run}-{release}-{number}", run=run, release=release, number=number, **more)


def measured(boot: BootKey, seconds: float | None = 0.5) -> Boot:
    """A boot that took so long; None: it timed out in its second phase, and somebody was told."""
    second = None if seconds is None else Phase("task_started", seconds, seconds - 0.1)
    return Boot(
        id=boot.id,
        target=boot.target,
        release=boot.release,
        profile=boot.profile,
        number=boot.number,
        attempt=boot.attempt,
        start=boot.start,
        outcome="timed_out" if seconds is None else "started",
        detail="no proof within 2 s" if seconds is None else "",
        timeout=2.0,
        ended=seconds or 2.0,
        seconds=seconds,
        accepted=0.01,
        ready=0.3,
        phases=(Phase("engine", 0.1, 0.1), second or Phase("task_started")),
        stages=(Stage("engine", "plugins", 0.04, 0.02, "engine"),),
        signals=(SignalReport("log", "failed", 2.1, "job failed"),) if seconds is None else (),
        cpu_seconds=0.2,
        throttled=0.0,
        run_delay=0.05,
        others_cpu=0.1,
        version=VERSIONS[boot.release],
        tails={"gateway.out": ("engine ready",)},
    )


def began(run: str, wall: float = BEGIN) -> RunBegan:
    return RunBegan(run=run, result=result(run), wall=wall)


def life(boot: BootKey, wall: float = BEGIN, seconds: float | None = 0.5) -> Iterator[Event]:
    """What happens to one boot: seven events."""
    more: dict[str, Any] = {"boot": boot, "wall": wall}
    yield BootBegan(**more)
    yield TriggerSent(**more, at=0.0)
    yield TriggerAccepted(**more, at=0.01)
    yield PhaseReached(**more, at=0.1, phase="engine")
    if seconds is None:
        yield BootTimedOut(**more, at=2.0, phase="task_started", detail="no proof within 2 s")
        yield FailureReported(**more, at=2.1, signal="log", text="job failed", late=0.1)
    else:
        yield PhaseReached(**more, at=seconds, phase="task_started")
        yield BootSucceeded(**more, at=seconds)
    whole = measured(boot, seconds)
    yield BootEnded(**more, at=whole.ended, measured=whole)


def ended(run: str, *boots: Boot, wall: float = BEGIN) -> Iterator[Event]:
    finding = Finding("pass", "boot", "well inside")
    yield VerdictGiven(
        run=run,
        wall=wall,
        profile="default",
        target="isolated",
        verdict="pass",
        findings=(finding,),
    )
    target = TargetResult("isolated", "default", "isolated", RULES, boots=boots)
    yield RunEnded(run=run, wall=wall, result=result(run, target))


def campaign(run: str, boots: int) -> Iterator[Event]:
    """A whole run: seven events for each boot, and three more."""
    yield began(run)
    for number in range(1, boots + 1):
        yield from life(key(run, number), BEGIN + number)
    yield from ended(run, wall=BEGIN + boots)
