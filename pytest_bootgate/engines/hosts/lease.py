"""One gate at a time on a Docker host, whoever asks for it: by a container, whose name is the lock.

What runs in it ends when its input does, or when it has heard nothing for as long as a lease is
good; so a controller that died, or was cut off, holds no host. It also says how busy that is.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound
from docker.types import LogConfig

from pytest_bootgate.engines import owner
from pytest_bootgate.engines.base import Chunk
from pytest_bootgate.engines.docker_api import DockerApi
from pytest_bootgate.engines.docker_leftovers import LABEL
from pytest_bootgate.engines.docker_stream import Stream
from pytest_bootgate.engines.machines import Held, MachineUse
from pytest_bootgate.errors import EngineError, LostError

if TYPE_CHECKING:
    from docker.api import APIClient

NAME = "bootgate-lease"
#: Who has it, for those who wait.
BY = "bootgate.by"
#: Seconds: a lease ends without a line for the first, is given up without an answer for the second.
SECONDS, _LOST, _RENEW = 30.0, 24.0, 8.0
_ANSWER = 10.0
_TAKEN, _GOING = 409, 2.0
PROGRAM = f"""
import os, select
tick, cpus = os.sysconf("SC_CLK_TCK"), os.cpu_count()
while select.select([0], [], [], {SECONDS})[0]:
    heard = os.read(0, 4096)
    if not heard:
        break
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    busy = (user + nice + system + irq + softirq + steal) / tick
    os.write(1, f"{{busy}} {{cpus}}\\n".encode() * heard.count(b"\\n"))
"""


class Lease:
    """A host that this run has until `leave`, or until it is `lost`."""

    def __init__(self, api: DockerApi, container: str, stream: Stream) -> None:
        self._api, self._id, self._stream = api, container, stream
        self._heard = threading.Condition()
        self._sent: list[float] = []
        self._answers, self._part, self._use = 0, b"", MachineUse(0.0, 1)
        #: When the last line was written that was answered: it was heard later than that.
        self._good = time.monotonic()
        self._over = threading.Event()
        self._ended = False
        threading.Thread(target=self._listen, name="bootgate lease", daemon=True).start()
        threading.Thread(target=self._renew, name="bootgate renews", daemon=True).start()

    @property
    def lost(self) -> bool:
        """Whether another gate may have the host by now."""
        return self._ended or time.monotonic() - self._good > _LOST

    def _write(self) -> int:
        """Write a line; the number of answers after which it is answered."""
        with self._heard:
            self._sent.append(time.monotonic())
            self._stream.write(b"\n")
            return self._answers + len(self._sent)

    def _renew(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while not self._over.is_set():
                self._write()
                self._over.wait(_RENEW)

    def _listen(self) -> None:
        self._stream.pump("lease", self._hear)
        with self._heard:
            self._ended = True
            self._heard.notify_all()

    def _hear(self, chunk: Chunk) -> None:
        *lines, self._part = (self._part + (chunk.data or b"")).split(b"\n")
        with self._heard:
            for line in lines:
                busy, cpus = line.split()
                self._use = MachineUse(float(busy), int(cpus))
                self._good = self._sent.pop(0)
                self._answers += 1
            self._heard.notify_all()

    def machine(self) -> MachineUse:
        """How busy the host is just now. Raises `LostError`."""
        with contextlib.suppress(OSError, ValueError):
            number = self._write()
            with self._heard:
                self._heard.wait_for(lambda: self._ended or self._answers >= number, _ANSWER)
                if self._answers >= number:
                    return self._use
        raise LostError("the lease of its host does not answer")

    def leave(self) -> None:
        """Let another gate have the host. Nothing of this run may run there any more."""
        self._over.set()
        with contextlib.suppress(EngineError), self._api.call("give back a host") as client:
            remove(client, self._id)
        self._stream.cut()
        self._stream.close()

    def abandon(self) -> None:
        """Do no more for it: the host is away, or another gate's."""
        self._over.set()
        self._stream.cut()
        self._stream.close()


class Holder:
    """Who has a host: `seen` is the container, `since` when this gate saw it first."""

    def __init__(self, seen: Mapping[str, Any], since: float) -> None:
        self.id, self.since = str(seen["Id"]), since
        self.state = str(seen["State"]["Status"])
        self.labels: Mapping[str, str] = seen["Config"]["Labels"] or {}
        self._made = datetime.fromisoformat(seen["Created"])

    def has(self, host: str) -> Held:
        """What it has, for those who wait for the host."""
        booting = (datetime.now(UTC) - self._made).total_seconds()
        run, user = self.labels.get(LABEL, ""), self.labels.get(BY, "")
        return Held(host, run, user, max(0.0, booting))


def take(
    api: DockerApi, image: str, labels: Mapping[str, str], before: Holder | None
) -> Lease | Holder | None:
    """The lease of a host, or who has it; None where that may have changed just now.

    `before` is who had it when it was asked for last. Raises `EngineError`.
    """
    with api.call("lease the host") as client:
        try:
            made = _made(client, image, labels)
        except APIError as error:
            if error.status_code != _TAKEN:
                raise
            return _held(client, before)
        try:
            stream = Stream(client.attach_socket(made, {"stdin": 1, "stdout": 1, "stream": 1}))
            client.start(made)
        except BaseException:
            remove(client, made)
            raise
    lease = Lease(api, made, stream)
    try:
        lease.machine()
    except LostError as error:
        lease.leave()
        raise EngineError(
            f"The lease of a Docker host needs {image} with Python 3.9 or newer, whose python3 did"
            " not run there. Name another image in BOOTGATE_SIDECAR_IMAGE."
        ) from error
    return lease


def _made(client: APIClient, image: str, labels: Mapping[str, str]) -> str:
    made = client.create_container(
        image,
        ["-c", PROGRAM],
        entrypoint=["python3"],
        name=NAME,
        labels={**labels, BY: owner.me()},
        stdin_open=True,
        host_config=client.create_host_config(
            network_mode="none",
            auto_remove=True,
            init=True,
            mem_limit=64 << 20,
            log_config=LogConfig(type=LogConfig.types.NONE),
        ),
    )
    return str(made["Id"])


def _held(client: APIClient, before: Holder | None) -> Holder | None:
    """Who has the host. What will never run is removed."""
    try:
        held = Holder(client.inspect_container(NAME), time.monotonic())
    except NotFound:
        return None
    if before is not None and (before.id, before.state) == (held.id, held.state):
        held.since = before.since
    # Made and never started: its gate died in between. Ended: the engine did, before it removed it.
    patience = {"created": SECONDS, "running": float("inf")}.get(held.state, _GOING)
    if time.monotonic() - held.since > patience:
        remove(client, held.id)
        return None
    return held


def remove(client: APIClient, container: str) -> None:
    """Remove a lease, unless it is gone or just going."""
    with contextlib.suppress(NotFound):
        try:
            client.remove_container(container, force=True)
        except APIError as error:
            if error.status_code != _TAKEN:
                raise
