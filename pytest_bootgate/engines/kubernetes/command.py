"""A command that runs in a container of a pod, as units do: it waits there, and is let go on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_bootgate.engines.base import Chunk, Sink, UnitSpec
from pytest_bootgate.engines.kubernetes.agent import OWN, wrapper
from pytest_bootgate.engines.kubernetes.api import Cluster
from pytest_bootgate.engines.kubernetes.session import Session, SessionError
from pytest_bootgate.engines.kubernetes.wire import Wire
from pytest_bootgate.errors import CommandError, EngineError, LostError

#: How long it may take until it waits.
_UP = 10.0
_KILLED = 137


class PodCommand:
    """A command; its code and its lines come by the agent, so they outlive its connection."""

    def __init__(
        self,
        cluster: Cluster,
        wire: Wire,
        pod: str,
        spec: UnitSpec,
        container: str,
        number: int,
        sink: Sink,
    ) -> None:
        self._cluster, self._wire, self._pod, self._spec = cluster, wire, pod, spec
        self._container, self._number, self._sink = container, number, sink
        self._slot = f"{container}/{number}"
        self._name, self._first = "", ""
        self._waits = self._missing = self._over = False
        self._code: int | None = None

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Run it; its lines arrive under `name`. Raises `EngineError`."""
        self._name, self._first = name, command[0]
        self._wire.hear(self._slot, self._hear)
        self._wire.order("open", self._slot, stream=name)
        waiting = wrapper(f"{OWN}/{self._number}")
        try:
            session = Session(self._cluster, self._pod, self._container, waiting, lambda _: None)
        except SessionError as error:
            raise EngineError(
                f"The {self._spec.noun} is not running, so {self._first} cannot run in it: {error}."
            ) from error
        threading.Thread(target=self._keep, args=(session,), daemon=True).start()
        if not self._wire.wait(lambda: self._waits, _UP):
            raise LostError(f"{self._first} could not be run in pod {self._pod} within {_UP:g} s")
        self._wire.order("start", self._slot, words=[*command], env=dict(env))

    def _keep(self, session: Session) -> None:
        """Hold the connection: some runtimes end a command with it."""
        with contextlib.suppress(SessionError):
            session.run()

    def _hear(self, frame: Mapping[str, Any], at: float, data: bytes) -> None:
        self._waits = self._waits or "waits" in frame
        self._missing = self._missing or "missing" in frame
        if frame.get("code") is not None:
            self._code = int(frame["code"])
        if data:
            self._sink(Chunk(frame["stream"], at, data, after_gap=frame["gap"]))
        elif "over" in frame:
            self._code = _KILLED if self._code is None else self._code
            self._sink(Chunk(f"{self._name}.out", at, None))

    def exit_code(self) -> int | None:
        """Its exit code, None while it runs. Raises `EngineError` if there is no such command."""
        self._wire.check()
        if self._missing:
            raise missing(self._spec, self._first)
        return self._code


def missing(spec: UnitSpec, first: str) -> CommandError:
    """The error that says that a command is not there."""
    return CommandError(
        f"The {spec.words} cannot run {first} in image {spec.image}: there is no such program."
        " Correct the command, or use an image that has it."
    )
