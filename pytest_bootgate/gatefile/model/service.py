"""What a system needs beside it: a database, a broker, a cache."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pytest_bootgate.demands import Command, Cores, positive
from pytest_bootgate.gatefile.model.base import Entry
from pytest_bootgate.gatefile.model.container import Container
from pytest_bootgate.gatefile.model.probe import Probe
from pytest_bootgate.gatefile.model.releases import File
from pytest_bootgate.quantities import Memory, Seconds

#: What else lives in a boot's place, or on one of its streams: no service is called so.
TAKEN = ("gateway", "sidecar", "trigger", "localhost")


class Service(Entry, frozen=True, kw_only=True):
    """A process that both releases need: a database, a broker, a cache.

    Each boot has its own, which are ready before the gateway is started. They share the gateway's
    network: the gateway reaches each by its name or at 127.0.0.1.

    `image` is its image: ``image: "postgres:17"``; ``image: release`` is the release's own, for a
        worker or a migration that comes with it.
    `command` is its command, by default the image's own: ``command: [redis-server, --save, ""]``.
    `env` are environment variables: ``env: {POSTGRES_PASSWORD: secret}``.
    `files` are files to put in place before its start:
        ``files: {/etc/app.conf: {path: ./app.conf}}``.
    `container` is how its container is made (docker engine): ``container: {shm_size: 256m}``.
    `cpus` is a limit in cores (docker engine): ``cpus: 0.5``.
    `memory` is the most memory that it may use: ``memory: 1g``.
    `ready` is the probe that must succeed before the next one is started; without it a service
        counts as ready once it runs: ``ready: {exec: [pg_isready, -q]}``.
    `once` is whether it does its work and ends, such as a migration or a seeder: it must exit with
        0 before the next one is started: ``once: true``.
    `ready_timeout` is how long after its start `ready`, or the end of one that runs `once`, may
        take: ``ready_timeout: 30s``.
    """

    noun: ClassVar = "a service"
    image: str | None = None
    command: Command | None = None
    env: dict[str, str] = {}
    files: dict[str, File] = {}
    container: Container = Container()
    cpus: Cores | None = None
    memory: Memory | None = None
    ready: Probe | None = None
    once: bool = False
    ready_timeout: Annotated[Seconds, positive("60s")] = Seconds(60)
