"""The process that accepts triggers, and the sidecar beside it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pytest_bootgate.demands import Command, Existing, Port, Status, Tolerance, positive
from pytest_bootgate.gatefile.model.base import Entry
from pytest_bootgate.gatefile.model.container import Container
from pytest_bootgate.gatefile.model.probe import PhaseProbe, Probe, StageProbe
from pytest_bootgate.gatefile.model.releases import File
from pytest_bootgate.quantities import Seconds


class Gateway(Entry, frozen=True, kw_only=True):
    """The process that accepts triggers or, without a trigger, the runner itself.

    `command` is the command to start, by default the image's own: ``command: [my-gateway, serve]``.
    `env` are environment variables: ``env: {LOG_LEVEL: info}``.
    `files` are files to put in place before the start:
        ``files: {"${dir}/service.conf": {path: ./staging.conf}}``.
    `published` are ports of its container that others reach from outside, by default those of the
        `system`; where the baseline listens on all addresses there, and the candidate on the
        loopback only, it fails: ``published: [8080]``.
    `ready` is the probe that must succeed before the trigger: ``ready: {http: ":8080/readyz"}``.
    `timeout` makes the gateway's own start a target of its own, `gateway`, with this timeout: it is
        booted, judged and compared as all others, in every gate that has a trigger:
        ``timeout: 30s``.
    `phases` are the phases of that start, the last of which is its proof; by default `ready` alone:
        ``phases: {plugins: {line: plugins loaded}, ready: {http: ":8080/readyz"}}``.
    `slower` is how much slower than the baseline's that start may be, by default the `slower` of
        `gate`: ``slower: 20%``.
    `ready_timeout` is how long after the start `ready` may take: ``ready_timeout: 30s``.
    `settle` is a pause between `ready` and the trigger: ``settle: 2s``.
    `version` is a `line` probe with a group `version`, the release that the gateway says it is:
        ``version: {line: 'gateway (?P<version>[0-9.]+)'}``.
    `health` is the endpoint where the system reports its own health, shown but never trusted; a
        ready gateway must answer here before it is triggered, even if it reports unhealthy:
        ``health: {http: ":8080/healthz"}``.
    `stages` are lines in which the gateway reports the stages of its own start:
        ``stages: {startup: {line: startup trace}}``.
    `container` is how its container is made (docker engine): ``container: {user: "1000"}``.
    """

    noun: ClassVar = "the gateway"
    command: Command | None = None
    env: dict[str, str] = {}
    files: dict[str, File] = {}
    published: list[Port] = []
    timeout: Annotated[Seconds, positive("60s")] | None = None
    phases: dict[str, PhaseProbe] = {}
    slower: Tolerance | None = None
    ready: Probe | None = None
    ready_timeout: Annotated[Seconds, positive("120s")] = Seconds(120)
    settle: Seconds = Seconds(0)
    version: Probe | None = None
    health: Probe | None = None
    stages: dict[str, StageProbe] = {}
    container: Container = Container()


class Reply(Entry, frozen=True, kw_only=True):
    """What the stub answers.

    `status` is the HTTP status: ``status: 503``.
    `headers` are headers: ``headers: {Retry-After: "1"}``.
    `json` is the body as JSON: ``json: {ok: true}``.
    `body` is the body as text: ``body: pong``.
    `stream` is a list of server-sent events instead of a body: ``stream: [{delta: hello}]``.
    """

    noun: ClassVar = "the reply"
    status: Status = 200
    headers: dict[str, str] = {}
    json: Any = None
    body: str | None = None
    stream: list[Any] | None = None


class Stub(Entry, frozen=True, kw_only=True):
    """An HTTP server in the sidecar that answers every request and reports it.

    `port` is the port on which it listens: ``port: 8099``.
    `reply` is what it answers: ``reply: {json: {ok: true}}``.
    """

    noun: ClassVar = "the stub"
    port: Port | str
    reply: Reply = Reply()


class Sidecar(Entry, frozen=True, kw_only=True):
    """The small process beside the gateway.

    `image` is its image, with Python 3.9 or newer or whatever `command` needs; ``image: release``
        is the release's own image.
    `program` is a file that replaces the built-in sidecar, relative to the file that names it;
        `command` reaches it as ``${program}``: ``program: ./sidecar.mjs``.
    `takes` are the keys that `program` understands in a `send`, and those below each; an empty list
        stands for anything: ``takes: {id: [], payload: [text, model]}``.
    `command` is the command that runs `program`: ``command: [node, "${program}"]``.
    `env` are environment variables: ``env: {API_KEY: "${API_KEY}"}``.
    `container` is how its container is made, beyond what a sidecar may do by itself:
        ``container: {volumes: ["./fixtures:/fixtures"]}``.
    `stub` is an HTTP server for what the task calls first: ``stub: {port: 8099}``.
    """

    noun: ClassVar = "the sidecar"
    image: str | None = None
    program: Existing | None = None
    takes: dict[str, list[str]] = {}
    command: list[str] | None = None
    env: dict[str, str] = {}
    container: Container = Container()
    stub: Stub | None = None
