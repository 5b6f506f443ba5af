"""What a gate needs of its engine: that it answers, its images, its limits, its clock."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pytest_bootgate.cli.found import Finding, Wrong
from pytest_bootgate.engines import choose, runs
from pytest_bootgate.engines.base import Engine
from pytest_bootgate.errors import BootgateError, ImageError
from pytest_bootgate.reports.queue import held_words
from pytest_bootgate.run.recipe import RELEASE

if TYPE_CHECKING:
    from pytest_bootgate.engines.hosts.host import Host
    from pytest_bootgate.run import Gate
    from pytest_bootgate.run.plan import Plan

_BARE = "gates whose releases have commands boot as processes"


def engine(
    gate: Gate | None, wanted: str, hosts: Sequence[str] = ()
) -> tuple[Engine | None, Finding]:
    """The engine that the gate would take; without a gate docker, if it answers."""
    try:
        if gate is not None:
            found, why = gate.engine()
        else:
            asked = "docker" if wanted == "auto" else wanted
            run = secrets.token_hex(6)
            found, why = choose(asked, images=True, commands=True, run=run, hosts=hosts)
    except BootgateError as error:
        if gate is None and wanted == "auto" and not hosts:
            return None, Finding("warn", "engine", f"{error} Without it {_BARE}.")
        return None, Finding("FAIL", "engine", str(error))
    reason = f"{found.version}: {why}"
    return found, Finding("ok", "engine", found.version if gate is None else reason)


def hosts(engine: Engine) -> Iterator[Finding]:
    """Whether each Docker host answers, how fast, and whether boots on it can be compared."""
    for why in engine.silent.values():  # type: ignore[attr-defined]
        yield Finding("warn", "host", f"{why} The gate would do without it.")
    first, *_ = every = engine.hosts  # type: ignore[attr-defined]
    for host in every:
        try:
            yield _of_host(host, first)
        except BootgateError as error:
            yield Finding("warn", "host", f"{error} The gate would do without it.")


def _of_host(host: Host, first: Host) -> Finding:
    with host.api.call("answer") as client:
        client.ping()
        began = time.monotonic()
        client.ping()
        took = time.monotonic() - began
    machine, holder = host.capacity, host.who()
    text = (
        f"{host.name}: {machine.cpus} CPUs, {machine.memory / 2**30:.3g} GiB, answers within"
        f" {took * 1000:.3g} ms"
    )
    if not host.like(first):
        return Finding("warn", "host", f"{text}; no boots beside {first.name}, which is another")
    if holder:
        return Finding("warn", "host", f"{text}; another gate has {held_words(holder)}")
    return Finding("ok", "host", text)


def leftovers(engine: Engine) -> Iterator[Wrong]:
    """What runs left that were killed together with what would have removed it."""
    try:
        found = runs(engine.name, engine.environment)
    except BootgateError as error:
        yield "FAIL", str(error)
        return
    if gone := [run for run, owner in found.items() if owner == "gone"]:
        yield "warn", f"of killed runs ({', '.join(gone)}): `bootgate clean` removes them"
    if unknown := [run for run, owner in found.items() if owner == "unknown"]:
        text = f"of runs that may still be active ({', '.join(unknown)}): if none is,"
        yield "warn", f"{text} `bootgate clean --all` removes them"


def limits(gate: Gate, engine: Engine) -> Iterator[Wrong]:
    """Whether the engine can limit CPU and memory, where profiles ask for it."""
    profiles = {name: gate.plan.profiles[name] for name in gate.plan.profiles}
    keys = {"cpus": "CpuCfsQuota", "memory": "MemoryLimit"}
    asked = {
        what: [name for name, one in profiles.items() if getattr(one, what) is not None]
        for what in keys
    }
    named = sorted({name for names in asked.values() for name in names})
    if not named:
        return
    which = f"profile {', '.join(named)}"
    if not engine.traits.limits:
        yield "FAIL", f"the {engine.name} engine has none, but {which} sets them: use docker"
        return
    told = _told(engine)
    if missing := [w for w, key in keys.items() if asked[w] and told.get(key) is False]:
        text = f"this engine cannot limit {' and '.join(missing)}, which {which} sets"
        yield (
            "FAIL",
            f"{text}: enable control groups in its kernel, or remove them from the profile",
        )
    most = max(profiles[name].cpus or 0.0 for name in named)
    if most > float(told.get("NCPU", most)):
        yield "FAIL", f"{which} sets {most:g} CPUs, the engine has {told['NCPU']}: lower cpus"


def images(gate: Gate, engine: Engine) -> Iterator[Wrong]:
    """Whether each image is here, or can be pulled."""
    for image, users in gate.plan.images().items():
        try:
            if not engine.look_for(image):  # type: ignore[attr-defined]
                yield "warn", f"{image} is not local yet: `docker pull` it before a gate. {users}"
        except ImageError as error:
            yield "FAIL", str(error.of(users))
        except BootgateError as error:
            yield "FAIL", str(error)


def health_checks(gate: Gate, engine: Engine) -> Iterator[Wrong]:
    """Whether the images have the health checks that the gate file asks for."""
    asked = {image for image in _asked_for_health(gate.plan) if image}
    for image in sorted(asked):
        with contextlib.suppress(BootgateError):  # which its image's own line has said
            if engine.has_health_check(image) is False:  # type: ignore[attr-defined]
                what = f"{image} has no health check, which `healthcheck: true` asks for"
                way_out = "take http, tcp, a line that it prints, or exec with a command of yours"
                yield "FAIL", f"{what}: {way_out}"


def _asked_for_health(plan: Plan) -> Iterator[str | None]:
    """The images whose health checks are probes."""
    file, releases = plan.file, [release.image for release in plan.releases.values()]
    of_target = [probe for target in file.targets.values() for probe in target.phases.values()]
    for probe in (file.gateway.ready, file.gateway.health, *of_target):
        if probe is not None and probe.kind.needs_image:
            yield from releases
    for service in file.services.values():
        if service.ready is not None and service.ready.kind.needs_image:
            yield from releases if service.image == RELEASE else [service.image]


def rights(engine: Engine) -> Iterator[Wrong]:
    """Whether this user may do on a cluster what a gate does."""
    try:
        missing = engine.rights()  # type: ignore[attr-defined]
    except BootgateError as error:
        yield "FAIL", str(error)
        return
    if missing:
        yield "FAIL", f"this user may not {', '.join(missing)}: docs/kubernetes.md has a Role"


def programs(gate: Gate) -> Iterator[Wrong]:
    """Whether the program of each release is here, where releases boot as processes."""
    for name, release in gate.plan.releases.items():
        command = release.command or gate.plan.file.gateway.command or []
        program = command[0] if command else ""
        if not program or "${" in program or ("/" in program and not program.startswith("/")):
            continue
        if shutil.which(program) is None:
            yield (
                "FAIL",
                f"the {name} needs {program}, which is missing: install it, or correct its command",
            )


def apart(engine: Engine) -> float:
    """By how many seconds the engine's wall clock is ahead of this machine's."""
    before = time.time()
    told = _told(engine).get("SystemTime")
    here = (before + time.time()) / 2
    if not isinstance(told, str):
        return 0.0
    # Nanoseconds are more digits than Python reads.
    return dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", told)).timestamp() - here


def _told(engine: Engine) -> dict[str, Any]:
    try:
        told: dict[str, Any] = engine.info()  # type: ignore[attr-defined]
    except BootgateError:
        return {}
    return told
