"""What a gate file says, as plain typed values.

Texts may hold variables that only a boot can fill: ``${token}`` (fresh for every boot),
``${target}``, ``${release}``, ``${version}``, ``${dir}`` (the directory that gateway and
sidecar share), ``${here}`` (the gate file's own directory on this machine) and
``${port.NAME}``; `State.run` knows ``${job.id}`` and ``${job.name}`` besides. Environment
variables are filled in while loading.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from pytest_bootgate.gatefile.quantities import Boots, Memory, Seconds, Share
from pytest_bootgate.stats.regression import TOLERANCE


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping in the gate file; a key it does not know is a mistake."""


class Probe(_Entry, frozen=True, kw_only=True):
    """Where to look and what must be seen there. Exactly one kind of place.

    `line` is a regular expression searched in the lines of `from` (the gateway's output by
    default), or in the lines of `file`. `file` alone waits until the file exists. `http` is an
    endpoint (``:8080/readyz``) that must answer `status` (any 2xx by default) with JSON that
    contains `json`. `tcp` is a port that must accept. `stub` is a request at the
    sidecar's stub: true for any path, or a regular expression for the path.
    """

    line: str | None = None
    from_: Literal["gateway", "sidecar", "trigger"] | None = msgspec.field(
        default=None, name="from"
    )
    file: str | None = None
    http: str | None = None
    status: int | None = None
    json: dict[str, Any] | None = None
    tcp: str | None = None
    stub: bool | str | None = None


class PhaseProbe(Probe, frozen=True, kw_only=True):
    """The mark that ends a phase.

    `limit` is the longest this phase may take, `deadline` the latest time since the trigger,
    `slower` how much slower than the baseline's it may be (a phase without it is not compared by
    itself). `optional` says that a release may not have this mark; the last phase is never
    optional.
    """

    limit: Seconds | None = None
    deadline: Seconds | None = None
    slower: Share | None = None
    optional: bool = False


class Signal(Probe, frozen=True, kw_only=True):
    """A channel on which the system reports how a run went, and what it means.

    A group `text` in `line` picks the words to quote. A failure in whose words something timed
    out is a timeout.
    """

    means: Literal["failed", "ok"] = "failed"


class StageProbe(_Entry, frozen=True, kw_only=True):
    """A line in which the system reports its own stages.

    `line` selects the line; `each` finds the stages in it, a regular expression with the
    groups `name`, `ms` or `s` (duration) and optionally `at_ms` or `at_s` (since its own zero).
    """

    line: str
    each: str = (
        r"(?<![\w.-])(?P<name>[\w.-]+):(?P<ms>\d+(?:\.\d+)?)ms"
        r"(?:@(?P<at_ms>\d+(?:\.\d+)?)ms)?"
    )
    from_: Literal["gateway", "sidecar", "trigger"] | None = msgspec.field(
        default=None, name="from"
    )
    file: str | None = None


class Trigger(_Entry, frozen=True, kw_only=True):
    """How a run is asked for. Exactly one of `exec`, `http` and `send`.

    `exec` runs a command inside the gateway or the sidecar; `http` lets the sidecar send a
    request; `send` is handed to the sidecar program of a preset as it stands. `method` is POST
    for what is to happen, and GET for what is only asked (`State.jobs`).
    """

    exec: list[str] | None = None
    in_: Literal["gateway", "sidecar"] | None = msgspec.field(default=None, name="in")
    http: str | None = None
    method: str | None = None
    headers: dict[str, str] = {}
    json: Any = None
    body: str | None = None
    send: dict[str, Any] | None = None


class Propagation(_Entry, frozen=True, kw_only=True):
    """A boot held on purpose beyond its timeout, to see who is told of its failure.

    `hold` pauses the gateway, leaves it 1 % of a core (starve), lets the stub take a request
    and never answer (mute), or kills the runner: what the gateway started after the trigger, or
    all below it whose command line matches the regular expression `runner`. It is held in the
    phase `in` (the one after ``accepted`` by default, else the first), `after` the phase began.
    `timeout` is when the system should give up, counted from the trigger (the target's by
    default); the hold ends `for` after it (by default a quarter of it, at least a second). Then
    the gate listens for a first word for `listen` (by default as long as the timeout).
    """

    hold: Literal["pause", "starve", "mute", "kill"]
    in_: str | None = msgspec.field(default=None, name="in")
    after: Seconds | None = None
    timeout: Seconds | None = None
    for_: Seconds | None = msgspec.field(default=None, name="for")
    listen: Seconds | None = None
    runner: str | None = None


class _TargetEntries(_Entry, frozen=True, kw_only=True):
    """What a target says, and what the defaults of all targets may say."""

    start: Literal["cold", "warm"] = "cold"
    trigger: Trigger | None = None
    phases: dict[str, PhaseProbe] = {}
    proof: PhaseProbe | None = None
    signals: dict[str, Signal] = {}
    stages: dict[str, StageProbe] = {}
    listen: Seconds = Seconds(10)
    pause: Seconds = Seconds(0)
    unsupported: dict[str, str] = {}
    slower: Share | None = None


class Target(_TargetEntries, frozen=True, kw_only=True):
    """A session target: how it is triggered and what proves that it started.

    `extends` takes over another target's definition and its name in ``${target}``, so that one
    session target can be gated cold and warm. `proof` is the phase that proves the start where no
    `phases` are told apart. `listen` is how long a failed boot is watched on, to see whether anyone
    is told. `pause` lies between two warm boots, for systems that limit how often they run.
    `unsupported` names releases (by the beginning of their version) that do not have this target,
    with the reason. `slower` is how much slower than the baseline this target may be (that of
    `gate` by default). `propagation` adds a boot that is held, to see who is told; `extends` does
    not take it over.
    """

    extends: str | None = None
    timeout: Seconds
    propagation: Propagation | None = None


class TargetDefaults(_TargetEntries, frozen=True, kw_only=True):
    """What all targets have in common; each target's own entries win."""

    timeout: Seconds | None = None


class File(_Entry, frozen=True, kw_only=True):
    """A file put into the gateway or sidecar before it starts: from `path`, or `text`.

    `path` is relative to the file that names it. No line of a file that is `secret` is shown in any
    report.
    """

    path: str | None = None
    text: str | None = None
    secret: bool = False


class Release(_Entry, frozen=True, kw_only=True):
    """One version under gate: an `image`, a `command`, or both.

    `command`, `env` and `files` win over the gateway's. `version` is what the release must
    say about itself before its boots count (see the gateway's `version` probe). `recorded` lets
    the candidate of an earlier result (``--bootgate-json``) stand in for a baseline that cannot
    be booted any more.
    """

    image: str | None = None
    command: list[str] | None = None
    env: dict[str, str] = {}
    files: dict[str, File] = {}
    version: str | None = None
    recorded: str | None = None


class Releases(_Entry, frozen=True, kw_only=True):
    """What production runs, and what would replace it."""

    candidate: Release
    baseline: Release | None = None


#: Every capability of Linux, and all of them.
Capability = Literal[
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
]


class Needs(_Entry, frozen=True, kw_only=True):
    """What a gateway needs beyond what its container may do by itself (docker engine).

    By itself it has the capabilities CHOWN, DAC_OVERRIDE, FOWNER, KILL, NET_BIND_SERVICE, SETGID,
    SETUID and SYS_CHROOT: a process that begins as root can give files to another user and go on as
    that one. `capabilities` are those it has besides, as SYS_PTRACE, or ALL. `pids` is how many
    processes and threads it may have. `new_privileges` lets programs such as sudo make a user root
    who is not. The summary and the result name all that was granted.
    """

    capabilities: list[Capability] = []
    pids: int = 4096
    new_privileges: bool = False


class Gateway(_Entry, frozen=True, kw_only=True):
    """The process that accepts triggers, or, without a trigger, the runner itself.

    `ready` is seen before anything is triggered, at most `ready_timeout` after the start;
    `settle` is a pause after it. `version` is a `line` probe with a group `version`. `health` is
    what the system itself calls ready: shown, never trusted; but a gateway that is ready must
    answer there before it is triggered, be it that it is not well. `stages`
    are lines in which it reports the stages of its own start. `needs` is what its container is
    granted beyond the default.
    """

    command: list[str] | None = None
    env: dict[str, str] = {}
    files: dict[str, File] = {}
    ready: Probe | None = None
    ready_timeout: Seconds = Seconds(120)
    settle: Seconds = Seconds(0)
    version: Probe | None = None
    health: Probe | None = None
    stages: dict[str, StageProbe] = {}
    needs: Needs = Needs()


class Reply(_Entry, frozen=True, kw_only=True):
    """What the stub answers: one body, or `stream`, a list of server-sent events."""

    status: int = 200
    headers: dict[str, str] = {}
    json: Any = None
    body: str | None = None
    stream: list[Any] | None = None


class Stub(_Entry, frozen=True, kw_only=True):
    """An HTTP port on which the sidecar answers every request and reports it."""

    port: int | str
    reply: Reply = Reply()


class Sidecar(_Entry, frozen=True, kw_only=True):
    """The small process beside the gateway.

    `image` must hold Python 3.9 or newer, or whatever `command` needs; `release` means the
    image of the release itself. `program` replaces the sidecar that comes with the gate: a
    file, relative to the file that names it, reached as ``${program}`` in `command`.
    """

    image: str | None = None
    program: str | None = None
    command: list[str] | None = None
    env: dict[str, str] = {}
    stub: Stub | None = None


class State(_Entry, frozen=True, kw_only=True):
    """What a release keeps from one start to the next, and how to ask what became of it.

    `path` is the directory inside the gateway. `jobs` asks for the list of jobs: JSON, a list of
    objects or an object that holds one, each with an `id` and a `name`; a number `runs` is the
    length of its run history. `same` names the fields that an upgrade must leave equal (by
    default all that running a job does not change). `run` runs a job that is already there.
    `seed` is a command inside the baseline's gateway that ages the state. `stop` is how long a
    clean stop may take, `stop_exit` are the exit codes of a clean one, by default 0 only: write
    [0, 143] for a system that ends with SIGTERM once it has shut down (so does one that does not
    handle SIGTERM and keeps nothing). `stop_signal` asks it to stop, by default SIGTERM or what its
    image says; `stop_command` does instead, inside the gateway. `repair` is the vendor's repair
    command, tried on a fresh copy where the upgrade fails. `rollback` boots the baseline again on
    what the candidate left.
    """

    path: str | None = None
    jobs: Trigger | None = None
    same: list[str] = []
    run: Trigger | None = None
    seed: list[str] | None = None
    stop: Seconds = Seconds(120)
    stop_exit: list[int] = []
    stop_signal: Literal["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"] | None = (
        None
    )
    stop_command: list[str] | None = None
    repair: list[str] | None = None
    rollback: bool = False


class Profile(_Entry, frozen=True, kw_only=True):
    """How poor a machine a boot gets: `cpus` in cores, `memory` as 512m or 2g.

    A profile that is `on_request` is left out unless ``--bootgate-profile`` names it.
    """

    cpus: float | None = None
    memory: Memory | None = None
    on_request: bool = False


class Gate(_Entry, frozen=True, kw_only=True):
    """The rules of the verdict; `fail_at` and `warn_at` are shares of a timeout.

    `slower` is how much slower than the baseline the candidate may be: what is measured below it
    passes, and what is measured above it fails once fresh boots confirm it. `boots` is how many
    of each release decide: at least, and at most where the evidence is not clear before; to
    confirm a slowdown at most as many follow.
    `inconclusive` says whether an upgrade of which neither can be shown warns or fails. `allow:
    same-image` lets a release be gated against itself, to see what the gate says then.
    `retries`, at most 3, is how many boot timeouts of each release are tried again, in all boots
    of one target together, `retry_pause` how long the gate waits before it tries. `noise` is how
    many times its best time the gate's own fixed piece of work may take: on a host with more of it
    durations prove nothing.
    """

    fail_at: Share = Share(0.8)
    warn_at: Share = Share(0.6)
    slower: Share = Share(TOLERANCE)
    boots: Boots = Boots(5, 30)
    retries: int = 1
    retry_pause: Seconds = Seconds(2)
    noise: float = 3.0
    inconclusive: Literal["warn", "fail"] = "warn"
    allow: Literal["same-image"] | None = None


class Notify(_Entry, frozen=True, kw_only=True):
    """Somebody who is told of a verdict: exactly one of `command` and `webhook`.

    `command` gets the verdict as JSON on its standard input, in the gate file's directory;
    `webhook` is a URL that gets it by POST, with `headers`. `when` names the verdicts that are
    told. A command that does not end with 0, and a webhook that does not answer 2xx, within
    `deadline` make the run red: nobody was told.
    """

    command: list[str] | None = None
    webhook: str | None = None
    headers: dict[str, str] = {}
    when: list[Literal["warn", "inconclusive", "fail", "error"]] = msgspec.field(
        default_factory=lambda: ["fail", "error"]
    )
    deadline: Seconds = Seconds(30)


class GateFile(_Entry, frozen=True, kw_only=True):
    """A whole gate file, presets and defaults merged in.

    `upgrade` says on what boots start: on nothing (fresh), or on a copy of the state that the
    baseline left (in-place). `notify` names whoever is told of the verdict.
    """

    preset: str | None = None
    upgrade: Literal["fresh", "in-place"] = "fresh"
    releases: Releases
    gateway: Gateway = Gateway()
    sidecar: Sidecar = Sidecar()
    state: State = State()
    ports: dict[str, int] = {}
    target: TargetDefaults | None = None
    targets: dict[str, Target]
    profiles: dict[str, Profile] = {}
    gate: Gate = Gate()
    notify: dict[str, Notify] = {}
