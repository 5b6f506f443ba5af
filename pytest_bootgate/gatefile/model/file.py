"""The whole gate file."""

from __future__ import annotations

from typing import ClassVar, Literal

from pytest_bootgate.demands import Port
from pytest_bootgate.gatefile.model.base import Entry
from pytest_bootgate.gatefile.model.gate import Gate, Notify, Profile
from pytest_bootgate.gatefile.model.gateway import Gateway, Sidecar
from pytest_bootgate.gatefile.model.kubernetes import Kubernetes
from pytest_bootgate.gatefile.model.releases import Releases
from pytest_bootgate.gatefile.model.service import Service
from pytest_bootgate.gatefile.model.state import State
from pytest_bootgate.gatefile.model.system import System
from pytest_bootgate.gatefile.model.target import Target, TargetDefaults


class GateFile(Entry, frozen=True, kw_only=True):
    """A whole gate file, with presets and defaults merged in.

    `preset` is a gate file underneath this one, by name or path: ``preset: openclaw``.
    `config` is the system's own configuration, which takes the place of the one that the preset
        brings; the preset's overlay adapts it to the gate: ``config: ./staging.json``.
    `upgrade` is what boots start on: nothing (``upgrade: fresh``), or a copy of the state that the
        baseline left (``upgrade: in-place``).
    `system` is what the system is run with already, underneath this gate file:
        ``system: {compose: docker-compose.yml, service: api}``.
    `releases` are the two versions to compare:
        ``releases: {baseline: {image: "my-api:1.8"}, candidate: {image: "my-api:1.9"}}``.
    `gateway` is the process that accepts triggers: ``gateway: {ready: {http: ":8080/readyz"}}``.
    `sidecar` is the small process beside the gateway: ``sidecar: {stub: {port: 8099}}``.
    `services` are what both releases need beside them, by name:
        ``services: {db: {image: "postgres:17", ready: {exec: [pg_isready, -q]}}}``.
    `state` is what a release keeps between starts:
        ``state: {path: /state, jobs: {http: ":8080/jobs"}}``.
    `vary` is one quantity that grows, and its values: every target is gated at each of them, and
        the growth is judged: ``vary: {AGENTS: [1, 30, 100]}``, used as ``${AGENTS}``.
    `ports` are ports by name, used as ``${port.web}``: ``ports: {web: 8080}`` is this port in a
        container, and a free port for every boot on the process engine.
    `target` is what all targets have in common: ``target: {timeout: 60s}``.
    `targets` are the session targets by name:
        ``targets: {isolated: {timeout: 60s, proof: {line: task started}}}``.
    `profiles` are the resources that boots get, by name: ``profiles: {low-spec: {cpus: 0.25}}``.
    `kubernetes` is the cluster on which boots are pods: ``kubernetes: {namespace: bootgate}``.
    `gate` is the rules of the verdict: ``gate: {fail_at: 80%, boots: 5..30}``.
    `notify` is who gets the verdict, by name: ``notify: {on call: {command: [./page]}}``.
    """

    noun: ClassVar = "a gate file"
    preset: str | None = None
    config: str | None = None
    upgrade: Literal["fresh", "in-place"] = "fresh"
    system: System | None = None
    releases: Releases
    gateway: Gateway = Gateway()
    sidecar: Sidecar = Sidecar()
    services: dict[str, Service] = {}
    state: State = State()
    vary: dict[str, list[float]] = {}
    ports: dict[str, Port] = {}
    target: TargetDefaults | None = None
    targets: dict[str, Target]
    profiles: dict[str, Profile] = {}
    kubernetes: Kubernetes = Kubernetes()
    gate: Gate = Gate()
    notify: dict[str, Notify] = {}

    @property
    def published(self) -> tuple[str, ...]:
        """The ports that others reach, by their numbers and by their names in the gate file."""
        numbers = self.gateway.published
        names = [f"port.{name}" for name, port in self.ports.items() if port in numbers]
        return (*map(str, numbers), *names)
