"""Where to look and what must be seen there: probes, phases, signals and stages."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pytest_bootgate.demands import Tolerance, positive
from pytest_bootgate.gatefile.model.base import Entry
from pytest_bootgate.probes import Kind
from pytest_bootgate.probes.line import Line
from pytest_bootgate.quantities import Seconds


class Probe(Entry, frozen=True):
    """Where to look and what must be seen there: exactly one kind of place."""

    kind: Kind  # in the gate file its keys stand beside those of the probe


class PhaseProbe(Probe, frozen=True, kw_only=True):
    """The mark that ends a phase: a probe with limits.

    `limit` is the longest that this phase may take: ``limit: 5s``.
    `deadline` is the latest time after the trigger at which the mark may appear: ``deadline: 30s``.
    `slower` is how much slower than the baseline's this phase may be: ``slower: 20%`` (without
        this key the phase is not compared on its own).
    `optional` allows a release not to have this mark: ``optional: true`` (not for the last phase).
    `waits` is whether this mark counts only once all phases before it have theirs, as a kubelet
        asks a readinessProbe only after the startupProbe has succeeded; without it a mark that
        comes before theirs is none of this boot: ``waits: true``.
    `stays` is how long the system must stay up after the proof, and an endpoint, port, file or
        command go on to succeed: ``stays: 5s`` (only for the last phase).
    """

    noun: ClassVar = "a phase"
    limit: Annotated[Seconds, positive("5s")] | None = None
    deadline: Annotated[Seconds, positive("5s")] | None = None
    slower: Tolerance | None = None
    optional: bool = False
    waits: bool = False
    stays: Annotated[Seconds, positive("5s")] | None = None


class Signal(Probe, frozen=True, kw_only=True):
    """A channel on which the system reports how a run went: a probe with a meaning.

    A group `text` in `line` selects the words to quote. A failure whose words report a timeout
    counts as a timeout.

    `means` is what the signal reports: ``means: ok``.
    `forbid` makes a boot fail that reports a failure here and starts all the same; without it that
        is a warning: ``forbid: true``.
    """

    means: Literal["failed", "ok"] = "failed"
    forbid: bool = False


class StageProbe(Entry, frozen=True):
    """A line in which the system reports the durations of its own stages.

    `line` is a regular expression that selects the line: ``line: "^startup trace:"``.
    `each` is a regular expression that finds each stage in that line, with the groups `name` and
        `ms` or `s` (duration), and optionally `at_ms` or `at_s` (since its own zero):
        ``each: '(?P<name>[a-z]+)=(?P<ms>[0-9]+)'``.
    `from` is the output that `line` searches, by default the gateway's: ``from: sidecar``, or a
        service: ``from: db``.
    `file` is a file whose new lines `line` searches: ``file: /var/log/startup.log``.
    """

    noun: ClassVar = "a stages entry"
    kind: Line
    each: str = (
        r"(?<![\w.-])(?P<name>[\w.-]+):(?P<ms>\d+(?:\.\d+)?)ms"
        r"(?:@(?P<at_ms>\d+(?:\.\d+)?)ms)?"
    )
