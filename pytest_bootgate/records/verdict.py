"""The values of a verdict: the rules it is reached by, its reasons, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pytest_bootgate.gatefile.model import Gate, Gateway
from pytest_bootgate.records.attribution import Attribution
from pytest_bootgate.stats.headroom import Headroom
from pytest_bootgate.stats.regression import Regression
from pytest_bootgate.stats.schedule import Schedule

Verdict = Literal["pass", "warn", "inconclusive", "fail", "error"]
#: From the best to the worst.
VERDICTS: tuple[Verdict, ...] = ("pass", "warn", "inconclusive", "fail", "error")
#: `room`: too near the timeout or a limit of a phase. `unreached`: a boot that did not start never
#: came to the end of this phase; that it did not start is a finding of its own. `alike`: the
#: baseline ends as the candidate does. `baseline`: the baseline never started. `unseen`: a mark
#: that no boot shows. `lost-mark`: one that only the baseline shows. `uncompared`: too little to
#: compare. `slower`, `stragglers`, `inconclusive`: of the comparison. `grows`: with a quantity,
#: faster than the baseline. `ready`: what comes before the trigger takes longer.
Kind = Literal[
    "",
    "room",
    "unreached",
    "alike",
    "baseline",
    "unseen",
    "lost-mark",
    "uncompared",
    "slower",
    "stragglers",
    "inconclusive",
    "grows",
    "ready",
]
#: The subject of findings about a whole boot, and the item that stands for it.
WHOLE = "boot"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one phase may take in seconds: `limit` for itself, `deadline` since the trigger.

    `slower` is how much slower than the baseline's it may be, as a share; None: not compared.
    """

    limit: float | None = None
    deadline: float | None = None
    slower: float | None = None


#: A default has one home: the model of the gate file.
_GATE = Gate()
#: What boots are held against: the timeout of the whole, a phase's own limit, or its deadline.
Against = Literal["timeout", "limit", "deadline"]


@dataclass(frozen=True, slots=True)
class Room:
    """How much of one limit boots used: `subject` is a phase, or the whole boot (`WHOLE`)."""

    subject: str
    against: Against
    headroom: Headroom


@dataclass(frozen=True)
class Rules:
    """What a target is judged by: seconds, and shares of them.

    `least` and `most` are the measured boots of each release, without those of a second campaign
    that is to confirm what the first one found. `slower` is the tolerance as a share of the
    baseline, `inconclusive` what becomes of an upgrade that can be shown neither way.
    `cpus` is what the profile gives a boot, None without a limit. `retries` is how many boot
    timeouts of each release are tried again in a campaign, `retry_pause` after how many seconds.
    `noise` is the most that `Machine.spread` may be. `ready_timeout` is how many seconds a gateway
    may take until it is ready for its trigger. `since` is the phase from whose mark on boots are
    compared, empty for all of them. `timeout_of` is the probe of Kubernetes whose timeout it is,
    empty for none. `published` are the ports that others reach from outside, as `Boot.listens`
    calls them.
    """

    timeout: float
    fail_at: float
    warn_at: float
    least: int
    most: int
    slower: float = float(_GATE.slower)
    inconclusive: Literal["warn", "fail"] = _GATE.inconclusive
    cpus: float | None = None
    retries: int = _GATE.retries
    retry_pause: float = float(_GATE.retry_pause)
    noise: float = _GATE.noise
    phases: Mapping[str, Limits] = field(default_factory=dict)
    ready_timeout: float = float(Gateway().ready_timeout)
    since: str = ""
    timeout_of: str = ""
    published: tuple[str, ...] = ()

    @property
    def plan(self) -> Schedule:
        """After how many pairs the boots are looked at."""
        return Schedule.of(self.least, self.most)


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason for a verdict, about a phase or the whole boot (`WHOLE`).

    It is `timed` where it rests on how long boots took, which a busy host may have lengthened.
    `kind` is what decisions rest on, never the text; empty where none does.
    """

    verdict: Verdict
    subject: str
    text: str
    timed: bool = False
    kind: Kind = ""


@dataclass(frozen=True)
class Judgement:
    """What the boots of one target add up to.

    `regression` is None where nothing could be compared, `attribution` where the candidate is
    not slower; `phases` are the comparisons of phases with a tolerance of their own. `next_look` is
    after how many pairs it may change, None where more pairs would not change it. `notes` are worth
    reading and change no verdict; `stopped` says why there were no more boots. `host` is what
    `checks.host` found to warn of.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    headrooms: tuple[Room, ...]
    regression: Regression | None = None
    attribution: Attribution | None = None
    phases: tuple[Regression, ...] = ()
    next_look: int | None = None
    notes: tuple[str, ...] = ()
    stopped: str = ""
    host: str = ""

    def about(self, subject: str) -> tuple[Finding, ...]:
        """The findings about one phase or the whole boot, worst first."""
        found = [finding for finding in self.findings if finding.subject == subject]
        return tuple(sorted(found, key=lambda f: -VERDICTS.index(f.verdict)))

    @property
    def headroom(self) -> Headroom | None:
        """How much of its timeout the whole boot used; None where no boot was measured."""
        rooms = (room.headroom for room in self.headrooms if room.against == "timeout")
        return next(rooms, None)

    def has(self, *kinds: Kind) -> bool:
        """Whether any finding is of one of these kinds."""
        return any(finding.kind in kinds for finding in self.findings)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that counts; none at all is no evidence, so it is `error`."""
    return max(verdicts, key=VERDICTS.index, default="error")
