"""Where boots run: containers, local processes, or memory in tests, behind one interface.

An engine starts, feeds, holds and removes units; it never interprets what they print.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pytest_bootgate.engines.owner import gone, lives
from pytest_bootgate.engines.reaper import Reaper
from pytest_bootgate.engines.reaper import start as start_reaper
from pytest_bootgate.errors import EngineError

if TYPE_CHECKING:
    from pytest_bootgate.engines.base import Engine
    from pytest_bootgate.gatefile.model import Kubernetes

__all__ = ["Reaper", "choose", "remove", "runs", "start_reaper"]

NAMES = ("auto", "docker", "process", "kubernetes")
_NO_IMAGES = (
    "The {engine} engine boots images, but not every release has one. Give each release an image,"
    " or use --bootgate-engine process."
)
_NO_COMMANDS = (
    "The process engine boots commands, but not every release has one. Give each release (or the"
    " gateway) a command, or use --bootgate-engine docker."
)


def choose(
    wanted: str,
    *,
    images: bool,
    commands: bool,
    run: str,
    kubernetes: Kubernetes | None = None,
    hosts: Sequence[str] = (),
) -> tuple[Engine, str]:
    """The engine for a gate file, and half a sentence that says why this one.

    `images` and `commands` say whether every release has one, `kubernetes` which cluster is meant,
    `hosts` the Docker hosts, where it is not the one that this machine would take.
    Raises `EngineError` where what is wanted cannot be had.
    """
    refuse("docker" if hosts else wanted, images=images, commands=commands)
    if hosts:
        return _hosts(run, hosts)
    if wanted in ("docker", "kubernetes"):
        return _docker(run) if wanted == "docker" else _kubernetes(run, kubernetes), "requested"
    if wanted == "process":
        return _process(run), "requested"
    if not images:
        if commands:
            return _process(run), "not every release has an image"
        raise EngineError(
            "No engine fits: give every release an image, or every release a command."
        )
    try:
        engine = _docker(run)
    except EngineError as error:
        if not commands:
            raise
        short = str(error).split(". ")[0].removesuffix(".")
        return _process(run), f"every release has a command, and docker is not available ({short})"
    return engine, "it answers and every release names an image"


def refuse(wanted: str, *, images: bool, commands: bool) -> None:
    """Raises `EngineError` where an engine that was asked for by name cannot boot a gate file."""
    if wanted not in NAMES:
        raise EngineError(f"There is no engine {wanted!r}; the engines are {', '.join(NAMES)}.")
    if wanted in ("docker", "kubernetes") and not images:
        raise EngineError(_NO_IMAGES.format(engine=wanted))
    if wanted == "process" and not commands:
        raise EngineError(_NO_COMMANDS)


def runs(
    engine: str, where: Mapping[str, str] | None = None
) -> dict[str, Literal["lives", "gone", "unknown"]]:
    """All runs that have something on an engine, and whether the process of each lives.

    `where` is the `environment` of an engine that is not the one this process finds by itself.

    Unknown are those of other machines, other containers and earlier boots of this machine, unless
    the engine itself knows that they are gone.
    Raises `EngineError` where the engine does not answer.
    """
    found: dict[str, str] = _module(engine).runs(*_here(where))
    return {
        run: "gone" if owner == "gone" or gone(owner) else "lives" if lives(owner) else "unknown"
        for run, owner in found.items()
    }


def remove(engine: str, run: str, where: Mapping[str, str] | None = None) -> int:
    """Remove all that a run left on an engine; how much that was. Raises `EngineError`."""
    return int(_module(engine).sweep(run, *_here(where)))


def _module(engine: str) -> Any:
    return importlib.import_module(f"{__name__}.{engine}")


def _here(where: Mapping[str, str] | None) -> tuple[Mapping[str, str], ...]:
    return (where,) if where else ()


# Imported late: docker alone takes 0.2 s, which an unused engine must not cost.


def _docker(run: str) -> Engine:
    from pytest_bootgate.engines.docker import DockerEngine

    return DockerEngine(run)


def _hosts(run: str, hosts: Sequence[str]) -> tuple[Engine, str]:
    from pytest_bootgate.engines.hosts.engine import Fleet, HostsEngine

    fleet = Fleet(run, hosts)
    silent = " ".join(fleet.silent.values()).rstrip(".")
    why = f"requested, without a host that does not answer: {silent}" if silent else "requested"
    return HostsEngine(run, fleet), why


def _kubernetes(run: str, asked: Kubernetes | None) -> Engine:
    from pytest_bootgate.engines.kubernetes import connect
    from pytest_bootgate.gatefile.model import Kubernetes

    return connect(run, asked or Kubernetes())


def _process(run: str) -> Engine:
    from pytest_bootgate.engines.process import ProcessEngine

    return ProcessEngine(run)
