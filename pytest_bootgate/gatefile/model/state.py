"""What a release keeps from one start to the next."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec

from pytest_bootgate.demands import Action, Directory, ExitCodes, positive
from pytest_bootgate.gatefile.model.base import Entry
from pytest_bootgate.gatefile.model.target import Trigger
from pytest_bootgate.quantities import Seconds

#: The value of one that names a path has it absolutely.
_SOURCE = msgspec.Meta(extra={"source": True})


class State(Entry, frozen=True, kw_only=True):
    """What a release keeps from one start to the next.

    `path` is the directory of the state inside the gateway: ``path: /state``.
    `from` is the state on which every boot starts, of which each gets a copy of its own: a
        directory, a tar archive, or a volume of the engine; for ``upgrade: in-place`` it is what
        the baseline starts on: ``from: ./staging-state``, ``from: volume:db``.
    `exclude` are names or paths in it that are not copied, besides those that a preset excludes:
        ``exclude: [cache, "*.log"]``.
    `redact` takes out what must not leave production: by name or path of a file a regular
        expression, of which the groups that took part in a match, or else all of it, are replaced:
        ``redact: {"*.json": '"token": "([^"]*)"'}``.
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

    noun: ClassVar = "the state"
    path: Directory | None = None
    from_: Annotated[str, _SOURCE] | None = msgspec.field(default=None, name="from")
    exclude: list[str] = []
    redact: dict[str, str] = {}
    jobs: Trigger | None = None
    same: list[str] = []
    run: Trigger | None = None
    seed: Action | None = None
    stop: Annotated[Seconds, positive("2m")] = Seconds(120)
    stop_exit: ExitCodes = []
    stop_signal: Literal["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"] | None = (
        None
    )
    stop_command: Action | None = None
    repair: Action | None = None
    rollback: bool = False
