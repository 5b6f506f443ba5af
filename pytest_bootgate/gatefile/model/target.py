"""A session target: its trigger, its phases, and how it is held on purpose."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from pytest_bootgate.demands import Action, Endpoint, Existing, Tolerance, positive
from pytest_bootgate.gatefile.model.base import Entry
from pytest_bootgate.gatefile.model.probe import PhaseProbe, Probe, Signal, StageProbe
from pytest_bootgate.quantities import Seconds

#: The phase whose mark acknowledges the trigger, if a gate file names one.
ACCEPTED = "accepted"


class Trigger(Entry, frozen=True, kw_only=True):
    """How a run is requested: exactly one of `exec`, `http` and `send`.

    `exec` is a command to run: ``exec: [my-gateway, run, daily-task, "${token}"]``.
    `in` is where `exec` runs, by default in the gateway: ``in: sidecar``, or a service: ``in: db``.
    `http` is an endpoint to which the sidecar sends a request, ``:8080/run`` on the gateway's own
        loopback or a URL: ``http: "https://[::1]:8443/run"``.
    `method` is the method of that request, by default POST, and GET for the `jobs` of a state:
        ``method: PUT``.
    `headers` are headers of that request: ``headers: {Authorization: "Bearer ${API_KEY}"}``.
    `json` is the body of that request as JSON: ``json: {task: daily, id: "${token}"}``.
    `body` is the body of that request as text: ``body: "task ${token}"``.
    `verify` is how the certificate of an ``https`` endpoint is verified: against the system's
        authorities by default, those in a file, or not at all: ``verify: false``.
    `unix` is a socket below ``${dir}`` through which the request goes: ``unix: "${dir}/app.sock"``.
    `send` is a message for the sidecar program of a preset, passed on unchanged:
        ``send: {sessionTarget: isolated, text: "${token}"}``.
    """

    exec: Action | None = None
    in_: str | None = msgspec.field(default=None, name="in")
    http: Endpoint | None = None
    method: str | None = None
    headers: dict[str, str] = {}
    json: Any = None
    body: str | None = None
    verify: bool | Existing | None = None
    unix: str | None = None
    send: dict[str, Any] | None = None


Hold = Literal["pause", "starve", "mute", "kill"]


class Propagation(Entry, frozen=True, kw_only=True):
    """A boot held past its timeout on purpose, to see which signals report the failure.

    `hold` is how the boot is held: ``hold: pause`` freezes the gateway, ``starve`` leaves it 1 % of
        a core, ``mute`` makes the stub accept requests and never answer, ``kill`` kills the runner.
    `in` is the phase in which the boot is held, by default the one after ``accepted``, otherwise
        the first: ``in: context_engine``.
    `after` is how long into that phase the hold begins: ``after: 500ms``.
    `timeout` is when the system itself should give up, counted from the trigger; by default the
        target's timeout: ``timeout: 60s``.
    `for` is how long the hold lasts after that timeout, by default a quarter of it, at least 1 s:
        ``for: 15s``.
    `listen` is how long the gate waits for a first report after the hold, by default as long as the
        timeout: ``listen: 2m``.
    `runner` is a regular expression for the command lines that ``hold: kill`` kills, by default
        everything that the gateway started after the trigger: ``runner: node .*runner``.
    """

    noun: ClassVar = "a propagation test"
    hold: Hold
    in_: str | None = msgspec.field(default=None, name="in")
    after: Seconds | None = None
    timeout: Annotated[Seconds, positive("60s")] | None = None
    for_: Annotated[Seconds, positive("15s")] | None = msgspec.field(default=None, name="for")
    listen: Annotated[Seconds, positive("30s")] | None = None
    runner: str | None = None


class _TargetEntries(Entry, frozen=True, kw_only=True):
    """What a target and the defaults of all targets may both set.

    `start` is whether each boot gets a fresh gateway (``start: cold``) or one gateway is triggered
        repeatedly (``start: warm``).
    `trigger` is how a run is requested: ``trigger: {http: ":8080/run", body: "task ${token}"}``;
        with ``trigger: null`` the start of the system is the boot.
    `phases` are the phases in order; the last one is the proof, so it cannot be `accepted`, which
        stands for the answer to the trigger:
        ``phases: {accepted: {line: accepted}, task_started: {stub: true}}``.
    `proof` is the one phase of a target without `phases`: ``proof: {line: task started}``.
    `unordered` is whether the phases before the proof come in any order; then each of them is timed
        from the trigger: ``unordered: true``.
    `from` is the phase whose mark starts the clock of the comparison, for what waits before it (a
        scheduler's tick) is no part of the boot: ``from: picked_up``.
    `never` is a probe for what must not appear in a boot that starts: ``never: {line: ERROR}``.
    `signals` are the channels on which the system reports how a run went:
        ``signals: {run log: {file: /var/log/runs.jsonl, line: failed}}``.
    `stages` are lines in which the system reports the durations of its own stages:
        ``stages: {setup: {line: setup took}}``.
    `listen` is how long a failed boot is observed further, to see which signals report it:
        ``listen: 30s``.
    `pause` is the pause between two warm boots, for systems with a rate limit: ``pause: 5s``.
    `unsupported` names releases, by the beginning of their version, that do not have this target,
        and why: ``unsupported: {"2026.3": has no session targets}``.
    `slower` is how much slower than the baseline the target may be, by default the `slower` of
        `gate`: ``slower: 20%``.
    `timeout` is the longest that a boot may take, as in production: ``timeout: 60s``.
    `timeout_of` is the probe of Kubernetes whose timeout that is, so that the reports say what the
        kubelet would have done: ``timeout_of: startupProbe``.
    """

    noun: ClassVar = "a target"  # of the defaults as well: a mistake there is told once
    start: Literal["cold", "warm"] = "cold"
    trigger: Trigger | None = None
    phases: dict[str, PhaseProbe] = {}
    proof: PhaseProbe | None = None
    unordered: bool = False
    from_: str | None = msgspec.field(default=None, name="from")
    never: Probe | None = None
    signals: dict[str, Signal] = {}
    stages: dict[str, StageProbe] = {}
    listen: Seconds = Seconds(10)
    pause: Seconds = Seconds(0)
    unsupported: dict[str, str] = {}
    slower: Tolerance | None = None
    timeout_of: Literal["startupProbe", "livenessProbe"] | None = None


class Target(_TargetEntries, frozen=True, kw_only=True):
    """A session target: how it is triggered, and what proves that it started.

    `extends` is another target whose definition and ``${target}`` this one takes over, except
        `propagation`: ``isolated-warm: {extends: isolated, start: warm}``.
    `propagation` adds a boot that is held past its timeout, to see which signals report it:
        ``propagation: {hold: pause, in: context_engine}``.
    """

    extends: str | None = None
    timeout: Annotated[Seconds, positive("60s")]
    propagation: Propagation | None = None


class TargetDefaults(_TargetEntries, frozen=True, kw_only=True):
    """What all targets have in common. A target's own entries win."""

    timeout: Seconds | None = None
