"""What a gate file says, as plain typed values.

Texts may contain variables that are filled in for each boot: ``${token}`` (new for every boot),
``${target}``, ``${release}``, ``${version}``, ``${dir}`` (the directory that gateway and
sidecar share), ``${here}`` (the gate file's own directory on this machine) and
``${port.NAME}``. In `run` of a state, ``${job.id}`` and ``${job.name}`` are available too.
Environment variables are filled in when the file is loaded.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from pytest_bootgate.gatefile.quantities import Boots, Memory, Seconds, Share
from pytest_bootgate.probes import Kind
from pytest_bootgate.probes.line import Line
from pytest_bootgate.stats.regression import TOLERANCE

# A line of a docstring that starts with a key in backticks describes that key, with an example:
# ``bootgate schema`` and docs/gate-file.md are made from these lines.


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping in the gate file; a key it does not know is a mistake."""


class Probe(_Entry, frozen=True):
    """Where to look and what must be seen there: exactly one kind of place."""

    kind: Kind  # in the gate file its keys stand beside those of the probe


class PhaseProbe(Probe, frozen=True, kw_only=True):
    """The mark that ends a phase: a probe with limits.

    `limit` is the longest that this phase may take: ``limit: 5s``.
    `deadline` is the latest time after the trigger at which the mark may appear: ``deadline: 30s``.
    `slower` is how much slower than the baseline's this phase may be: ``slower: 20%`` (without
        this key the phase is not compared on its own).
    `optional` allows a release not to have this mark: ``optional: true`` (not for the last phase).
    """

    limit: Seconds | None = None
    deadline: Seconds | None = None
    slower: Share | None = None
    optional: bool = False


class Signal(Probe, frozen=True, kw_only=True):
    """A channel on which the system reports how a run went: a probe with a meaning.

    A group `text` in `line` selects the words to quote. A failure whose words report a timeout
    counts as a timeout.

    `means` is what the signal reports: ``means: ok``.
    """

    means: Literal["failed", "ok"] = "failed"


class StageProbe(_Entry, frozen=True):
    """A line in which the system reports the durations of its own stages.

    `line` is a regular expression that selects the line: ``line: "^startup trace:"``.
    `each` is a regular expression that finds each stage in that line, with the groups `name` and
        `ms` or `s` (duration), and optionally `at_ms` or `at_s` (since its own zero):
        ``each: '(?P<name>[a-z]+)=(?P<ms>[0-9]+)'``.
    `from` is the output that `line` searches, by default the gateway's: ``from: sidecar``.
    `file` is a file whose new lines `line` searches: ``file: /var/log/startup.log``.
    """

    kind: Line
    each: str = (
        r"(?<![\w.-])(?P<name>[\w.-]+):(?P<ms>\d+(?:\.\d+)?)ms"
        r"(?:@(?P<at_ms>\d+(?:\.\d+)?)ms)?"
    )


class Trigger(_Entry, frozen=True, kw_only=True):
    """How a run is requested: exactly one of `exec`, `http` and `send`.

    `exec` is a command to run: ``exec: [my-gateway, run, daily-task, "${token}"]``.
    `in` is where `exec` runs, by default in the gateway: ``in: sidecar``.
    `http` is an endpoint to which the sidecar sends a request: ``http: ":8080/run"``.
    `method` is the method of that request, by default POST, and GET for the `jobs` of a state:
        ``method: PUT``.
    `headers` are headers of that request: ``headers: {Authorization: "Bearer ${API_KEY}"}``.
    `json` is the body of that request as JSON: ``json: {task: daily, id: "${token}"}``.
    `body` is the body of that request as text: ``body: "task ${token}"``.
    `send` is a message for the sidecar program of a preset, passed on unchanged:
        ``send: {sessionTarget: isolated, text: "${token}"}``.
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

    hold: Literal["pause", "starve", "mute", "kill"]
    in_: str | None = msgspec.field(default=None, name="in")
    after: Seconds | None = None
    timeout: Seconds | None = None
    for_: Seconds | None = msgspec.field(default=None, name="for")
    listen: Seconds | None = None
    runner: str | None = None


class _TargetEntries(_Entry, frozen=True, kw_only=True):
    """What a target and the defaults of all targets may both set.

    `start` is whether each boot gets a fresh gateway (``start: cold``) or one gateway is triggered
        repeatedly (``start: warm``).
    `trigger` is how a run is requested: ``trigger: {http: ":8080/run", body: "task ${token}"}``;
        with ``trigger: null`` the start of the system is the boot.
    `phases` are the phases in order; the last one is the proof:
        ``phases: {accepted: {line: accepted}, task_started: {stub: true}}``.
    `proof` is the one phase of a target without `phases`: ``proof: {line: task started}``.
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
    """

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
    """A session target: how it is triggered, and what proves that it started.

    `extends` is another target whose definition and ``${target}`` this one takes over, except
        `propagation`: ``isolated-warm: {extends: isolated, start: warm}``.
    `propagation` adds a boot that is held past its timeout, to see which signals report it:
        ``propagation: {hold: pause, in: context_engine}``.
    """

    extends: str | None = None
    timeout: Seconds
    propagation: Propagation | None = None


class TargetDefaults(_TargetEntries, frozen=True, kw_only=True):
    """What all targets have in common. A target's own entries win."""

    timeout: Seconds | None = None


class File(_Entry, frozen=True, kw_only=True):
    """A file that is put into the gateway or the sidecar before it starts.

    `path` is where its content comes from, relative to the file that names it:
        ``path: ./staging.conf``.
    `text` is its content: ``text: "queue = memory"``.
    `secret` hides every line of the file in all reports: ``secret: true``.
    """

    path: str | None = None
    text: str | None = None
    secret: bool = False


class Release(_Entry, frozen=True, kw_only=True):
    """One version under gate: an `image`, a `command`, or both.

    `image` is the container image to boot: ``image: "my-api:1.8"``.
    `command` is the command to start; it replaces the gateway's:
        ``command: ["${here}/1.8/serve", --port, "${port.web}"]``.
    `env` are environment variables; they override the gateway's: ``env: {MODE: staging}``.
    `files` are files to put in place; they override the gateway's:
        ``files: {/etc/api.conf: {path: ./api.conf}}``.
    `version` is the version that the gateway's `version` probe must find before a boot counts:
        ``version: "1.8"``.
    `recorded` is an earlier result whose candidate stands in for a baseline that can no longer be
        booted: ``recorded: last-upgrade.json``.
    """

    image: str | None = None
    command: list[str] | None = None
    env: dict[str, str] = {}
    files: dict[str, File] = {}
    version: str | None = None
    recorded: str | None = None


class Releases(_Entry, frozen=True, kw_only=True):
    """The two versions to compare.

    `candidate` is the new release to judge: ``candidate: {image: "my-api:1.9"}``.
    `baseline` is the release that production runs: ``baseline: {image: "my-api:1.8"}``.
    """

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
    """What the gateway's container is granted beyond the default (docker engine).

    By default it has the capabilities CHOWN, DAC_OVERRIDE, FOWNER, KILL, NET_BIND_SERVICE, SETGID,
    SETUID and SYS_CHROOT, so that a process which starts as root can give files to another user
    and continue as that user. The summary and the result name everything that was granted.

    `capabilities` are further capabilities, or ALL: ``capabilities: [SYS_PTRACE]``.
    `pids` is how many processes and threads it may have: ``pids: 20000``.
    `new_privileges` lets programs such as sudo gain root: ``new_privileges: true``.
    """

    capabilities: list[Capability] = []
    pids: int = 4096
    new_privileges: bool = False


class Gateway(_Entry, frozen=True, kw_only=True):
    """The process that accepts triggers or, without a trigger, the runner itself.

    `command` is the command to start, by default the image's own: ``command: [my-gateway, serve]``.
    `env` are environment variables: ``env: {LOG_LEVEL: info}``.
    `files` are files to put in place before the start:
        ``files: {"${dir}/service.conf": {path: ./staging.conf}}``.
    `ready` is the probe that must succeed before the trigger: ``ready: {http: ":8080/readyz"}``.
    `ready_timeout` is how long after the start `ready` may take: ``ready_timeout: 30s``.
    `settle` is a pause between `ready` and the trigger: ``settle: 2s``.
    `version` is a `line` probe with a group `version`, the release that the gateway says it is:
        ``version: {line: 'gateway (?P<version>[0-9.]+)'}``.
    `health` is the endpoint where the system reports its own health, shown but never trusted; a
        ready gateway must answer here before it is triggered, even if it reports unhealthy:
        ``health: {http: ":8080/healthz"}``.
    `stages` are lines in which the gateway reports the stages of its own start:
        ``stages: {startup: {line: startup trace}}``.
    `needs` is what its container is granted beyond the default:
        ``needs: {capabilities: [IPC_LOCK]}``.
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
    """What the stub answers.

    `status` is the HTTP status: ``status: 503``.
    `headers` are headers: ``headers: {Retry-After: "1"}``.
    `json` is the body as JSON: ``json: {ok: true}``.
    `body` is the body as text: ``body: pong``.
    `stream` is a list of server-sent events instead of a body: ``stream: [{delta: hello}]``.
    """

    status: int = 200
    headers: dict[str, str] = {}
    json: Any = None
    body: str | None = None
    stream: list[Any] | None = None


class Stub(_Entry, frozen=True, kw_only=True):
    """An HTTP server in the sidecar that answers every request and reports it.

    `port` is the port on which it listens: ``port: 8099``.
    `reply` is what it answers: ``reply: {json: {ok: true}}``.
    """

    port: int | str
    reply: Reply = Reply()


class Sidecar(_Entry, frozen=True, kw_only=True):
    """The small process beside the gateway.

    `image` is its image, with Python 3.9 or newer or whatever `command` needs; ``image: release``
        is the release's own image.
    `program` is a file that replaces the built-in sidecar, relative to the file that names it;
        `command` reaches it as ``${program}``: ``program: ./sidecar.mjs``.
    `command` is the command that runs `program`: ``command: [node, "${program}"]``.
    `env` are environment variables: ``env: {API_KEY: "${API_KEY}"}``.
    `stub` is an HTTP server for what the task calls first: ``stub: {port: 8099}``.
    """

    image: str | None = None
    program: str | None = None
    command: list[str] | None = None
    env: dict[str, str] = {}
    stub: Stub | None = None


class State(_Entry, frozen=True, kw_only=True):
    """What a release keeps from one start to the next, for ``upgrade: in-place``.

    `path` is the directory of the state inside the gateway: ``path: /state``.
    `jobs` asks for the jobs, as JSON: a list of objects, or an object that holds one; each has an
        `id`, a `name` and optionally `runs`, the length of its run history:
        ``jobs: {http: ":8080/jobs"}``.
    `same` names the fields that an upgrade must leave equal, by default all that running a job does
        not change: ``same: [id, name, schedule]``.
    `run` runs an existing job: ``run: {http: ":8080/jobs/${job.id}/run"}``.
    `seed` is a command inside the baseline's gateway that ages the state:
        ``seed: [my-gateway, age, --days, "400"]``.
    `stop` is how long a clean stop may take: ``stop: 30s``.
    `stop_exit` are the exit codes of a clean stop, by default only 0; ``stop_exit: [0, 143]`` is
        for a system that ends with SIGTERM after its shutdown (so does one that does not handle
        SIGTERM and saves nothing).
    `stop_signal` is the signal that requests a stop, by default SIGTERM or what the image names:
        ``stop_signal: SIGINT``.
    `stop_command` is a command inside the gateway that requests the stop instead:
        ``stop_command: [my-gateway, stop]``.
    `repair` is the vendor's repair command, tried on a fresh copy if the upgrade fails:
        ``repair: [my-gateway, doctor, --fix]``.
    `rollback` boots the baseline again on the state that the candidate left: ``rollback: true``.
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
    """How many resources a boot gets (docker engine).

    `cpus` is a limit in cores: ``cpus: 0.25``.
    `memory` is a limit: ``memory: 2g``.
    `on_request` leaves the profile out unless ``--bootgate-profile`` names it:
        ``on_request: true``.
    """

    cpus: float | None = None
    memory: Memory | None = None
    on_request: bool = False


class Gate(_Entry, frozen=True, kw_only=True):
    """The rules of the verdict.

    `fail_at` is the share of a timeout or limit at which the slowest boot, or the bound for the
        next one, fails: ``fail_at: 80%``.
    `warn_at` is the share at which it warns: ``warn_at: 60%``.
    `slower` is how much slower than the baseline the candidate may be: ``slower: 10%``; less
        passes, and more fails once fresh boots confirm it.
    `boots` is how many boots of each release decide, at least and at most: ``boots: 5..30``; fresh
        boots to confirm a slowdown follow, at most as many.
    `retries` is how many boot timeouts of each release are retried in all boots of a target
        together, at most 3: ``retries: 0``.
    `retry_pause` is how long the gate waits before a retry: ``retry_pause: 10s``.
    `noise` is how many times its best time the gate's own fixed work may take: ``noise: 3``; above
        that timings on this host are unreliable.
    `inconclusive` is whether an inconclusive comparison warns or fails: ``inconclusive: fail``.
    `allow` permits a release to be gated against itself: ``allow: same-image``.
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
    """Who gets the verdict: exactly one of `command` and `webhook`.

    `command` is a command that runs in the gate file's directory, gets the verdict as JSON on
        standard input and must exit with 0: ``command: [./page, --service, gateway]``.
    `webhook` is a URL that gets the verdict as JSON by POST and must answer 2xx:
        ``webhook: "https://chat.example/hook"``.
    `headers` are headers for `webhook`: ``headers: {Authorization: "Bearer ${CHAT_TOKEN}"}``.
    `when` names the verdicts to send, by default fail and error: ``when: [warn, fail, error]``.
    `deadline` is how long it may take; after that the run fails: ``deadline: 10s``.
    """

    command: list[str] | None = None
    webhook: str | None = None
    headers: dict[str, str] = {}
    when: list[Literal["warn", "inconclusive", "fail", "error"]] = msgspec.field(
        default_factory=lambda: ["fail", "error"]
    )
    deadline: Seconds = Seconds(30)


class GateFile(_Entry, frozen=True, kw_only=True):
    """A whole gate file, with presets and defaults merged in.

    `preset` is a gate file underneath this one, by name or path: ``preset: openclaw``.
    `upgrade` is what boots start on: nothing (``upgrade: fresh``), or a copy of the state that the
        baseline left (``upgrade: in-place``).
    `releases` are the two versions to compare:
        ``releases: {baseline: {image: "my-api:1.8"}, candidate: {image: "my-api:1.9"}}``.
    `gateway` is the process that accepts triggers: ``gateway: {ready: {http: ":8080/readyz"}}``.
    `sidecar` is the small process beside the gateway: ``sidecar: {stub: {port: 8099}}``.
    `state` is what a release keeps between starts, for ``upgrade: in-place``:
        ``state: {path: /state, jobs: {http: ":8080/jobs"}}``.
    `ports` are ports by name, used as ``${port.web}``: ``ports: {web: 8080}`` is this port in a
        container, and a free port for every boot on the process engine.
    `target` is what all targets have in common: ``target: {timeout: 60s}``.
    `targets` are the session targets by name:
        ``targets: {isolated: {timeout: 60s, proof: {line: task started}}}``.
    `profiles` are the resources that boots get, by name: ``profiles: {low-spec: {cpus: 0.25}}``.
    `gate` is the rules of the verdict: ``gate: {fail_at: 80%, boots: 5..30}``.
    `notify` is who gets the verdict, by name: ``notify: {on call: {command: [./page]}}``.
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
