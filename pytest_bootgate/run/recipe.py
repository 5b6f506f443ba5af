"""What one pair of gateway and sidecar is made of: a target of a release on a profile."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from pytest_bootgate.engines.base import UnitSpec, python_image
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.model import (
    Container,
    File,
    GateFile,
    Probe,
    Profile,
    Release,
    Service,
    StageProbe,
    Target,
)
from pytest_bootgate.gatefile.overlay import Adapted, adapted
from pytest_bootgate.gatefile.paths import below
from pytest_bootgate.gatefile.variables import fill, fill_all
from pytest_bootgate.masking import Mask
from pytest_bootgate.observe.observation import NEVER
from pytest_bootgate.sidecar import packed

#: What a gate file calls the release's own image.
RELEASE = "release"


@dataclass(frozen=True)
class Recipe:
    """One target of one release on one profile, and where the gate file lies.

    `image_digest` is what the release's image was when the gate began, None without images;
    `run` is the id of the run, `mask` hides the secrets of the gate file.
    """

    gate: GateFile
    target_name: str
    target: Target
    release_name: str
    release: Release
    profile_name: str
    profile: Profile
    here: Path
    image_digest: str | None = None
    run: str = ""
    mask: Mask = field(default_factory=Mask, compare=False)

    @property
    def triggered(self) -> bool:
        """Whether a gateway is triggered; without a trigger, starting it is the trigger."""
        return self.target.trigger is not None

    @property
    def in_place(self) -> bool:
        """Whether releases start on the state that the baseline left."""
        return self.gate.upgrade == "in-place"

    @property
    def stages(self) -> dict[str, StageProbe]:
        """What reports stages during a boot; of a start that is the boot, also the gateway's."""
        own = {} if self.triggered else self.gate.gateway.stages
        return {**own, **self.target.stages}

    def at(self, target: str) -> Recipe:
        """Another target of the same release."""
        return replace(self, target_name=target, target=self.gate.targets[target])

    @property
    def needs_token(self) -> bool:
        """Whether the proof must carry this boot's token: it does where the trigger does."""
        trigger = self.target.trigger
        if trigger is None:
            return False
        parts = [trigger.exec, trigger.http, trigger.headers, trigger.json, trigger.body]
        return "${token}" in json.dumps([*parts, trigger.send])

    def variables(self, directory: str, ports: Mapping[str, int]) -> dict[str, str]:
        """The variables that hold for every boot of this pair."""
        return {
            "target": self.target.extends or self.target_name,
            "release": self.release_name,
            "version": self.release.version or "",
            "dir": directory,
            "here": str(self.here),
            "program": f"{directory}/.bootgate/{self._program.name}",
            "token": "",
            **{f"port.{name}": str(port) for name, port in ports.items()},
        }

    @property
    def _program(self) -> Path:
        """The sidecar program; the gate's own one is no file until it is packed."""
        return Path(self.gate.sidecar.program or "sidecar.pyz")

    @property
    def needs_sidecar(self) -> bool:
        """Whether anything is to be polled, tailed, answered or sent at all."""
        if self.gate.sidecar.stub or self.gate.sidecar.program or self.gate.services:
            return True  # services join its network
        triggers = [self.target.trigger]
        probes = [probe for _, probe in self.probes()]
        if self.in_place:  # one gateway runs the jobs of all targets
            others = [self.at(name) for name in self.gate.targets]
            triggers += [self.gate.state.jobs, self.gate.state.run]
            triggers += [other.target.trigger for other in others]
            probes += [probe for other in others for _, probe in other.probes()]
        return any(
            t is not None and (t.exec is None or t.in_ == "sidecar") for t in triggers
        ) or any(probe.kind.follows or probe.kind.watch() for probe in probes)

    def probes(self) -> Iterator[tuple[str, Probe | StageProbe]]:
        """Every probe with the name under which the sidecar reports it."""
        gateway = self.gate.gateway
        if gateway.ready is not None:
            yield "ready", gateway.ready
        if gateway.version is not None:
            yield "version", gateway.version
        if gateway.health is not None:
            yield "health", gateway.health
        if self.in_place:
            yield from ((f"start:{name}", probe) for name, probe in gateway.stages.items())
        for name, service in self.gate.services.items():
            if service.ready is not None:
                yield f"service:{name}", service.ready
        if self.target.never is not None:
            yield NEVER, self.target.never
        yield from ((f"phase:{name}", probe) for name, probe in self.target.phases.items())
        yield from ((f"signals:{name}", probe) for name, probe in self.target.signals.items())
        yield from ((f"stages:{name}", probe) for name, probe in self.stages.items())

    def sidecar_image(self) -> str | None:
        """The image of the sidecar, where the engine has images."""
        named = self.gate.sidecar.image
        if named == RELEASE:
            return self.release.image
        return named or python_image()

    def sidecar(self, variables: Mapping[str, str], *, images: bool) -> UnitSpec:
        """The sidecar as the engine is to start it."""
        python = "python3" if images else sys.executable
        command = self.gate.sidecar.command or [python, "${program}"]
        program = self._program.read_bytes() if self.gate.sidecar.program else packed()
        return UnitSpec(
            role="sidecar",
            image=self.sidecar_image() if images else None,
            command=[fill(word, variables) for word in command],
            env=fill_all(self.gate.sidecar.env, variables),
            files={variables["program"]: program},
            stdin=True,
            container=_contained(self.gate.sidecar.container, variables),
        )

    def gateway(self, variables: Mapping[str, str], *, images: bool) -> UnitSpec:
        """The gateway as the engine is to start it: the release's entries win."""
        gateway, release = self.gate.gateway, self.release
        command = release.command or gateway.command
        env = fill_all({**gateway.env, **release.env}, variables)
        return UnitSpec(
            role="gateway",
            image=release.image if images else None,
            command=None if command is None else [fill(word, variables) for word in command],
            env=env,
            files=_contents({**gateway.files, **release.files}, variables, env),
            cpus=self.profile.cpus,
            memory=self.profile.memory,
            container=_contained(gateway.container, variables),
            release=self.release_name,
        )

    def units(self, variables: Mapping[str, str], *, images: bool) -> list[UnitSpec]:
        """All that a place will hold, as far as it is known before a boot; the sidecar first."""
        sidecar = [self.sidecar(variables, images=images)] * self.needs_sidecar
        services = [self.service(n, variables, images=images) for n in self.gate.services]
        return [*sidecar, *services, self.gateway(variables, images=images)]

    def service(self, name: str, variables: Mapping[str, str], *, images: bool) -> UnitSpec:
        """A service as the engine is to start it."""
        service = self.gate.services[name]
        command = service.command
        return UnitSpec(
            role=name,
            image=self.image_of(service) if images else None,
            command=None if command is None else [fill(word, variables) for word in command],
            env=(env := fill_all(service.env, variables)),
            files=_contents(service.files, variables, env),
            cpus=service.cpus,
            memory=service.memory,
            container=_contained(service.container, variables),
            release=self.release_name if service.image == RELEASE else "",
        )

    def image_of(self, service: Service) -> str | None:
        """The image of a service, which may be the release's own."""
        return self.release.image if service.image == RELEASE else service.image

    def network(self) -> Container:
        """What holds for all units of a place: services are known by their names."""
        asked = self.gate.gateway.container
        hosts = {**dict.fromkeys(self.gate.services, "127.0.0.1"), **asked.extra_hosts}
        return msgspec.structs.replace(asked, extra_hosts=hosts)

    def adapted(self) -> dict[str, tuple[str, ...]]:
        """The system's own configurations by their paths, and what the overlay changes in each."""
        still = self.variables("/bootgate", self.gate.ports)
        env = fill_all({**self.gate.gateway.env, **self.release.env}, still)
        files = {**self.gate.gateway.files, **self.release.files}.values()
        every = {f.path: _adapted(f, still, env).changes for f in files if f.overlay and f.path}
        return {path: changes for path, changes in every.items() if changes}

    def fingerprint(self) -> str:
        """A digest of everything that makes this release what it is."""
        still = self.variables("/bootgate", dict.fromkeys(self.gate.ports, 0))
        still["release"] = ""
        spec = self.gateway(still, images=False)
        command = None if spec.command is None else list(spec.command)
        files = {path: hashlib.sha256(data).hexdigest() for path, data in spec.files.items()}
        parts = [self.image_digest, command, dict(spec.env), files]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _contained(container: Container, variables: Mapping[str, str]) -> Container:
    """How a container is made, with its variables."""
    return Container(**fill_all(msgspec.structs.asdict(container), variables))


def _contents(
    files: Mapping[str, File], variables: Mapping[str, str], env: Mapping[str, str]
) -> dict[str, bytes]:
    """Files as bytes, those of directories by their own names."""
    found = {}
    for name, file in files.items():
        path = fill(name, variables)
        for inside, content in _content(file, variables, env).items():
            found[f"{path.rstrip('/')}/{inside}" if inside else path] = content
    return found


def _content(file: File, variables: Mapping[str, str], env: Mapping[str, str]) -> dict[str, bytes]:
    """What a file holds; only inline text has variables, a file on disk is taken as it is."""
    if file.path is not None:
        if file.overlay is not None:
            return {"": _adapted(file, variables, env).text.encode()}
        return {inside: path.read_bytes() for inside, path in below(file.path).items()}
    return {"": fill(file.text or "", variables).encode()}


def _adapted(file: File, variables: Mapping[str, str], env: Mapping[str, str]) -> Adapted:
    """A configuration as its overlay adapts it."""
    assert file.overlay is not None
    try:
        return adapted(file.overlay, Path(file.path or ""), variables, env)
    except (OSError, ValueError) as error:  # it was right when the gate file was read
        raise BootgateError(f"{file.path} has changed: {error}.") from None
