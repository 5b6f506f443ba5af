from __future__ import annotations

from pytest_bootgate.observe.ear import Ear
from pytest_bootgate.observe.sighting import Sighting
from pytest_bootgate.records.jobs import Job

JOB = Job("j1", "nightly", {})


def heard(*lines: str, source: str = "gateway") -> tuple[str, ...]:
    ear = Ear({"j1": {"j1", "nightly", "bootgate12"}})
    for line in lines:
        ear.hear(Sighting(0.0, source, line))
    return ear.of([JOB])


def test_a_lost_job_that_is_named_comes_first():
    assert heard("ready", "legacy store found", "cannot read nightly") == (
        "cannot read nightly",
        "legacy store found",
    )


def test_what_tells_nothing():
    assert heard("ready", "j1 j1 j1", "listening") == ()
    assert heard("nightly was lost", source="sidecar") == ()


def test_after_the_list_nothing_counts():
    ear = Ear({"j1": {"nightly"}})
    ear.closed = True
    ear.hear(Sighting(0.0, "gateway", "nightly was lost"))
    assert ear.of([JOB]) == ()
