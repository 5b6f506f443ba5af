"""How a container is made, and what it is granted."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

import msgspec

from pytest_bootgate.demands import matches, must, positive
from pytest_bootgate.gatefile.model.base import Entry
from pytest_bootgate.quantities import Memory

#: Every capability of Linux, and all of them.
Capability = Literal[
    "ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF",
    "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID",
    "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE",
    "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE",
    "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME",
    "SYS_TTY_CONFIG", "WAKE_ALARM"
]  # fmt: skip

_is_volume = matches(
    r"[^:]+:/[^:]*(:ro|:rw)?|/[^:]*(:rw)?",
    "'{value}' is no volume",
    "write ./data:/data, ./data:/data:rw, NAME:/data or /data",
)
#: The value of one that names a path has it absolutely.
_VOLUME = msgspec.Meta(extra={"volume": True})
_is_inside = matches(r"/[^:]*(:.+)?", "'{value}' is no path in a container", "write /run")
_is_device = matches(r"/[^:]*(:/[^:]*)?(:[rwm]+)?", "'{value}' is no device", "write /dev/kvm")
_is_limit = must(
    lambda limit: isinstance(limit, int) or re.fullmatch(r"-?[0-9]+(:-?[0-9]+)?", limit),
    "{name} is no limit",
    'write 65536, or "1024:65536" for soft and hard',
)
_is_network = must(
    lambda name: name != "host" and not name.startswith("container:"),
    "in network '{value}' others could answer for the gateway",
    "take one of the engine's own, such as bridge",
)
_is_gpus = must(
    lambda count: count == "all" or (isinstance(count, int) and count > 0),
    "{name} is neither a number nor all",
    "write gpus: all",
)


class Container(Entry, frozen=True, kw_only=True):
    """How a container is made (docker engine).

    By default it has the capabilities CHOWN, DAC_OVERRIDE, FOWNER, KILL, NET_BIND_SERVICE, SETGID,
    SETUID and SYS_CHROOT, so that a process which starts as root can give files to another user
    and continue as that user. The summary and the result name everything that was granted beyond.

    `entrypoint` replaces the image's entry point: ``entrypoint: [/init]``.
    `user` is the user it runs as, by default the image's: ``user: "1000:1000"``.
    `working_dir` is the directory it starts in: ``working_dir: /srv``.
    `hostname` is its host name, which it can resolve itself: ``hostname: node-1``.
    `init` is whether an init process runs as process 1 and passes signals on; without it the
        system's main process is process 1: ``init: false``.
    `network` is ``none``, or an existing network of the engine, which may reach other hosts:
        ``network: bridge``.
    `extra_hosts` are host names and their addresses: ``extra_hosts: {db: 127.0.0.1}``.
    `volumes` are directories or files of this machine (read-only; with ``rw`` a copy for each
        boot), named volumes likewise, or empty directories (with ``rw`` one that every user may
        write, without what the image has there):
        ``volumes: ["./conf:/etc/app", "./data:/data:rw", "/cache", "/tmp:rw"]``.
    `tmpfs` are directories in memory, with options: ``tmpfs: [/run, "/tmp:size=64m"]``.
    `shm_size` is the size of ``/dev/shm``: ``shm_size: 1g``.
    `read_only` is whether its file system is read-only: ``read_only: true``.
    `cap_add` are further capabilities, or ALL: ``cap_add: [SYS_PTRACE]``.
    `cap_drop` are default capabilities that it does not get, or ALL: ``cap_drop: [ALL]``.
    `new_privileges` lets programs such as sudo gain root: ``new_privileges: true``.
    `security_opt` are security options of the engine: ``security_opt: [seccomp=unconfined]``.
    `pids` is how many processes and threads it may have: ``pids: 20000``.
    `ulimits` are limits by name, soft and hard: ``ulimits: {nofile: 65536}``.
    `devices` are devices of the engine's machine: ``devices: [/dev/kvm]``.
    `gpus` is how many GPUs it gets, or all: ``gpus: all``.
    `labels` are labels: ``labels: {team: platform}``.
    """

    noun: ClassVar = "a container"
    entrypoint: list[str] | None = None
    user: str | None = None
    working_dir: str | None = None
    hostname: str | None = None
    init: bool = True
    network: Annotated[str, _is_network] = "none"
    extra_hosts: dict[str, str] = {}
    volumes: list[Annotated[str, _is_volume, _VOLUME]] = []
    tmpfs: list[Annotated[str, _is_inside]] = []
    shm_size: Memory | None = None
    read_only: bool = False
    cap_add: list[Capability] = []
    cap_drop: list[Capability] = []
    new_privileges: bool = False
    security_opt: list[str] = []
    pids: Annotated[int, positive("4096")] = 4096
    ulimits: dict[str, Annotated[int | str, _is_limit]] = {}
    devices: list[Annotated[str, _is_device]] = []
    gpus: Annotated[int | str, _is_gpus] | None = None
    labels: dict[str, str] = {}
