"""What a gate needs of its engine: that it answers, its images, its limits, its clock."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import shutil
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from pytest_bootgate.checks.host import LEAST_CPUS, LEAST_MEMORY
from pytest_bootgate.cli.found import Finding
from pytest_bootgate.engines import choose, runs
from pytest_bootgate.engines.base import Capacity, Engine
from pytest_bootgate.errors import BootgateError

if TYPE_CHECKING:
    from pytest_bootgate.run import Gate

_GIB = 2**30
#: By how many seconds the clock of an engine elsewhere may differ before logs are hard to match.
_APART = 2.0
_BARE = "gates whose releases have commands boot as processes"


def engine(gate: Gate | None, wanted: str) -> Generator[Finding, None, Engine | None]:
    """The engine that the gate would take; without a gate docker, if it answers."""
    try:
        if gate is not None:
            found, why = gate.engine()
        else:
            asked = "docker" if wanted == "auto" else wanted
            found, why = choose(asked, images=True, commands=True, run=secrets.token_hex(6))
    except BootgateError as error:
        if gate is None and wanted == "auto":
            yield Finding("warn", "engine", f"{error} Without it {_BARE}.")
        else:
            yield Finding("FAIL", "engine", str(error))
        return None
    reason = why if why.startswith(found.version) else f"{found.version}: {why}"
    yield Finding("ok", "engine", found.version if gate is None else reason)
    return found


def left_over(engine: Engine | None) -> Iterator[Finding]:
    """What runs left that were killed together with what would have removed it."""
    if engine is None:
        return
    try:
        found = runs(engine.name)
    except BootgateError:  # said by `machine` already
        return
    if gone := [run for run, owner in found.items() if owner == "gone"]:
        text = f"killed runs left something ({', '.join(gone)}): the next gate or `bootgate clean`"
        yield Finding("warn", "left over", f"{text} removes it")
    if unknown := [run for run, owner in found.items() if owner == "unknown"]:
        text = f"nobody here knows whether these runs still boot: {', '.join(unknown)}; if not,"
        yield Finding("warn", "left over", f"{text} `bootgate clean --all` removes what is theirs")


def machine(engine: Engine | None) -> Generator[Finding, None, Capacity | None]:
    """What machine the engine has, where it may be another one."""
    if engine is None:
        return None
    try:
        found = engine.capacity()
    except BootgateError as error:
        yield Finding("FAIL", "engine", str(error))
        return None
    if found is None:
        return None
    poor = found.cpus < LEAST_CPUS or found.memory < LEAST_MEMORY
    text = f"{found.cpus} CPUs, {found.memory / _GIB:.1f} GiB, data in {found.root}"
    more = f": give it {LEAST_CPUS:g} CPUs and 2 GiB, or boots near a timeout warn" if poor else ""
    yield Finding("warn" if poor else "ok", "engine", text + more)
    return found


def limits(gate: Gate, engine: Engine | None) -> Iterator[Finding]:
    """Whether the engine can limit CPU and memory, where profiles ask for it."""
    if engine is None:
        return
    asked = {
        "cpus": [n for n in gate.plan.profile_names if gate.plan.profiles[n].cpus is not None],
        "memory": [n for n in gate.plan.profile_names if gate.plan.profiles[n].memory is not None],
    }
    named = sorted({name for names in asked.values() for name in names})
    if not named:
        yield Finding("ok", "limits", "no profile of this run asks for any")
        return
    profiles = f"profile {', '.join(named)}"
    if engine.name == "process":
        text = f"the process engine has none, and {profiles} asks for them: use docker"
        yield Finding("FAIL", "limits", text)
        return
    told = _told(engine)
    keys = {"cpus": "CpuCfsQuota", "memory": "MemoryLimit"}
    missing = [what for what, names in asked.items() if names and told.get(keys[what]) is False]
    if missing:
        text = (
            f"this engine cannot limit {' and '.join(missing)}, which {profiles} asks for: enable"
            " the control groups of its kernel, or leave them out"
        )
        yield Finding("FAIL", "limits", text)
        return
    most = max(gate.plan.profiles[n].cpus or 0.0 for n in named)
    if most > float(told.get("NCPU", most)):
        text = f"{profiles} asks for {most:g} CPUs, the engine has {told['NCPU']}: lower cpus"
        yield Finding("FAIL", "limits", text)
        return
    yield Finding("ok", "limits", f"{' and '.join(w for w in asked if asked[w])} for {profiles}")


def images(gate: Gate, engine: Engine | None) -> Iterator[Finding]:
    """Whether each image is here, or can be pulled."""
    if engine is None or engine.name == "process":
        return
    named = {name: release.image for name, release in gate.plan.releases.items()}
    if (sidecar := gate.plan.sidecar_image()) not in named.values():
        named["sidecar"] = sidecar
    for name, image in named.items():
        if image is None:
            continue
        try:
            here = engine.look_for(image)  # type: ignore[attr-defined]
        except BootgateError as error:
            yield Finding("FAIL", name, str(error))
            continue
        more = "" if here else " is not here, its registry has it: `docker pull` it before a gate"
        yield Finding("ok" if here else "warn", name, f"image {image}{more}")


def commands(gate: Gate, engine: Engine | None) -> Iterator[Finding]:
    """Whether the program of each release is here, where releases boot as processes."""
    if engine is None or engine.name != "process":
        return
    for name, release in gate.plan.releases.items():
        command = release.command or gate.plan.file.gateway.command or []
        program = command[0] if command else ""
        if not program or "${" in program or ("/" in program and not program.startswith("/")):
            continue
        if shutil.which(program) is None:
            text = f"there is no program {program} here: install it, or correct its command"
            yield Finding("FAIL", name, text)
        else:
            yield Finding("ok", name, f"{program} is {shutil.which(program)}")


def clock(engine: Engine | None) -> Iterator[Finding]:
    """Whether the engine's wall clock agrees with this machine's; boots are timed by the latter."""
    if engine is None or engine.name == "process":
        return
    before = time.time()
    told = _told(engine).get("SystemTime")
    here = (before + time.time()) / 2
    if not isinstance(told, str):
        return
    # Nanoseconds are more digits than Python reads.
    there = dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", told)).timestamp()
    apart = there - here
    text = f"the engine's clock is {abs(apart):.2f} s {'ahead' if apart > 0 else 'behind'}"
    if abs(apart) > _APART:
        text += ": set both (NTP), or times in its logs do not match those of the gate"
    yield Finding("warn" if abs(apart) > _APART else "ok", "clock", text)


def _told(engine: Engine) -> dict[str, Any]:
    try:
        told: dict[str, Any] = engine.info()  # type: ignore[attr-defined]
    except BootgateError:
        return {}
    return told
