"""What one boot was, as plain values. Instants are seconds since the trigger, by one clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_bootgate.records.outcomes import OUTCOMES, Outcome, Traits
from pytest_bootgate.records.telling import telling

#: The share of a boot from which on waiting for a CPU is worth a line.
NOTICEABLE = 0.01


@dataclass(frozen=True, slots=True)
class Phase:
    """The stretch that ends at its mark: `at` is the mark's instant, `seconds` its length.

    Both are None where the mark was never seen.
    """

    name: str
    at: float | None = None
    seconds: float | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """A duration in seconds that the system reported about itself, in the line group `source`.

    `phase` is the phase in which the line arrived; `at` is the system's own zero-based instant.
    """

    source: str
    name: str
    seconds: float
    at: float | None = None
    phase: str | None = None


#: The source of stages that are services which ran once, before the gateway was started.
SERVICES = "services"


@dataclass(frozen=True, slots=True)
class SignalReport:
    """What a signal reported about a run, and when; `at` None: it never did."""

    name: str
    means: str
    at: float | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Boot:
    """One attempt to start a task.

    `seconds` is the time from trigger to proof, None without a proof in time. `ended` is when
    the attempt was over: the proof, the exit, or the timeout. `ready` is how long the gateway
    took from its start to ready; one that is `never_ready` got no trigger. `cpu_seconds` is what
    the gateway and all it started used between trigger and end. `notes` are things seen that belong
    into the story.
    `stalled` is for how many seconds the gate or its engine stood still or waited for a CPU, where
    the boot is `lost` for that. `recorded` says that it was made in another run, as the candidate
    of that time. `id` is the one of its `BootKey`; `attempt` counts from 1, more where a boot
    timeout was retried. `held` says how it was held on purpose (``pause``, …): such a boot measures
    nothing. `wall` is when it was triggered, in Unix seconds by this machine's clock (of one that
    was never ready: when it was begun, or nearly), None in results of old; no duration is ever
    taken from it.

    What it was measured beside: `load` is the host's one-minute average before it,
    `others_busy` the share of the host's CPU time that others used while the gate kept still,
    before the first boot of a campaign or at a look (known for some boots only; on a machine
    elsewhere during each boot),
    `waiting_cores` how many cores the other release used while it waited for its turn (warm
    starts), `disk_read` the bytes that the gateway read from disks, not from caches, since its
    start (warm starts: since the trigger), `throttled` for how many seconds CPU limits held it
    back, `run_delay` for how many seconds its tasks stood ready to run without a CPU (their sum),
    `others_cpu` how many CPU seconds everybody else used meanwhile. None where unknown.

    `node` is the machine that it was on, empty where the engine has but one.
    Its phases are `unordered` where each is timed from the trigger.

    `answers` is the last answer seen by each probe of an endpoint, a port or a file that was not
    satisfied, `nearest` for each phase whose mark was not seen what comes nearest to it: lines, or
    calls of the stub at other paths. `listens` is at which addresses its gateway listened after the
    proof, by the port, or by the name that the gate file gives it; nothing where nobody knows.
    """

    target: str
    release: str
    profile: str
    number: int
    start: str
    id: str = ""
    attempt: int = 1
    warm_up: bool = False
    held: str = ""
    outcome: Outcome
    detail: str
    stalled: float = 0.0
    timeout: float
    ended: float
    seconds: float | None = None
    accepted: float | None = None
    triggered: bool = True
    never_ready: bool = False
    ready: float | None = None
    phases: tuple[Phase, ...] = ()
    unordered: bool = False
    stages: tuple[Stage, ...] = ()
    signals: tuple[SignalReport, ...] = ()
    cpu_seconds: float | None = None
    exit_code: int | None = None
    load: float | None = None
    others_busy: float | None = None
    waiting_cores: float | None = None
    disk_read: float | None = None
    throttled: float | None = None
    run_delay: float | None = None
    others_cpu: float | None = None
    identity: str = ""
    version: str | None = None
    notes: tuple[str, ...] = ()
    recorded: bool = False
    tails: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wall: float | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    nearest: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    listens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    node: str = ""

    @property
    def net_seconds(self) -> float | None:
        """`seconds` without the time in which neighbours had the CPUs that it was ready for.

        Its tasks also wait for each other and for their own CPU limit, which stays: neighbours
        cost them no more than the CPU time that they used (`others_cpu`) while no limit held them
        back. That is the share `lost` / (`cpu_seconds` + `lost`) of what CPU time there was for
        it, and so of its time, whether one task ran or several at once.

        `seconds` where one of the parts is unknown.
        """
        wall, used, waited = self.seconds, self.cpu_seconds, self.run_delay
        others, throttled = self.others_cpu, self.throttled
        if not wall or used is None or waited is None or others is None or throttled is None:
            return wall
        held = min(throttled, wall)
        free = wall - held
        # A limit holds back all tasks at once that are ready to run.
        ready = max(1.0, (used + waited) / wall)
        lost = min(max(0.0, waited - held * ready), others * free / wall)
        return wall - lost * min(1.0, free / (used + lost)) if lost else wall

    @property
    def net_known(self) -> bool:
        """Whether all is known that `net_seconds` needs."""
        parts = (self.cpu_seconds, self.run_delay, self.others_cpu, self.throttled)
        return None not in parts

    @property
    def waited(self) -> bool:
        """Whether it stood ready without a CPU for a noticeable part of its time."""
        return self.run_delay is not None and self.run_delay > NOTICEABLE * self.ended

    @property
    def started(self) -> bool:
        """Whether the proof arrived inside the timeout."""
        return self.outcome == "started"

    @property
    def traits(self) -> Traits:
        """What its outcome means, and what follows from it."""
        return OUTCOMES[self.outcome]

    @property
    def last_phase(self) -> str | None:
        """The phase in which an attempt without a proof was when it ended."""
        reached = [self.reached(phase) for phase in self.phases]
        seen = [i for i, so in enumerate(reached) if so and not self.unordered]
        following = [*zip(self.phases, reached, strict=True)][seen[-1] + 1 if seen else 0 :]
        return next((p.name for p, so in following if not p.optional and not so), None)

    def reached(self, phase: Phase) -> bool:
        """Whether it got to this phase's mark before it ended; one that goes on may later."""
        goes_on = self.exit_code is None
        return phase.at is not None and not (goes_on and phase.at > self.ended)

    @property
    def ended_in(self) -> str | None:
        """Its `last_phase`; None where it started, or never came as far as a first phase."""
        never = self.never_ready or self.traits.refused
        begun = not never or any(phase.at is not None for phase in self.phases)
        return self.last_phase if begun and not self.started else None

    @property
    def why(self) -> str:
        """Its `detail`; where its gateway exited, with the line that says most about it."""
        if self.started or self.exit_code is None:
            return self.detail
        line = telling(self.tails.get("gateway.err", ())) or telling(
            self.tails.get("gateway.out", ())
        )
        said = f"{self.detail}; it printed: {line}"
        return said if line and line not in self.detail else self.detail

    def phase(self, name: str) -> Phase | None:
        """The phase of that name, None where this boot has none."""
        return next((phase for phase in self.phases if phase.name == name), None)


@dataclass(frozen=True)
class HostFacts:
    """The machine on which a gate ran: memory in bytes, load as the one-minute average.

    `load5` and `load15` are the averages of more minutes. `cpu_limit` (in CPUs) and `memory_limit`
    (bytes) are those of the gate's own control group, None without any. `available` is memory,
    `disk_free` what is free at `disk`, both in bytes. `uptime` is in seconds. `pressure` is the
    share of the last ten seconds in which somebody waited for cpu, memory or io (PSI). The engine
    itself says `engine_cpus` and `engine_memory` (bytes), where it is one that may be elsewhere.
    """

    system: str
    python: str
    cpus: int
    memory: int
    load: float
    load5: float | None = None
    load15: float | None = None
    cpu_limit: float | None = None
    memory_limit: int | None = None
    available: int | None = None
    uptime: float | None = None
    disk: str = ""
    disk_free: int | None = None
    pressure: Mapping[str, float] = field(default_factory=dict)
    engine_cpus: int | None = None
    engine_memory: int | None = None
