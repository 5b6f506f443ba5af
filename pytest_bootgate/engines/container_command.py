"""A command that runs inside a container, and what to say of one that is not there."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable

from docker.errors import NotFound

from pytest_bootgate.engines.base import Chunk, Sink, UnitSpec
from pytest_bootgate.engines.docker_api import DockerApi
from pytest_bootgate.engines.docker_stream import Stream
from pytest_bootgate.errors import CommandError, EngineError

_POLL = 0.01
#: How long after the end of a stream the engine may take to know how its process ended.
AFTERMATH = 2.0
NO_COMMAND = re.compile(
    r"FATAL tini|executable file not found|exec format error"
    r"|exec: .*(no such file or directory|permission denied)"
)


class Command:
    """A command that runs inside a container; its exit code is known before its end arrives."""

    def __init__(
        self, api: DockerApi, spec: UnitSpec, made: str, stream: Stream, name: str, sink: Sink
    ) -> None:
        self._api, self._spec, self._id, self._stream = api, spec, made, stream
        self._code: int | None = None
        self._complaint = ""
        threading.Thread(target=self._listen, args=(name, sink), daemon=True).start()

    def _listen(self, name: str, sink: Sink) -> None:
        self._stream.pump(name, sink)
        ended = time.monotonic()
        self._stream.close()
        with contextlib.suppress(EngineError):
            wait(lambda: self._look() is not None)
        sink(Chunk(f"{name}.out", ended, None))

    def exit_code(self) -> int | None:
        """Its exit code, None while it runs. Raises `EngineError` if there is no such command."""
        code = self._look()
        if code in (126, 127) and NO_COMMAND.search(said_first := self._stream.first):
            raise lacking(self._spec, said_first)
        return code

    def _look(self) -> int | None:
        if self._code is None:
            with self._api.call(f"look at a command in the {self._spec.noun}") as client:
                try:
                    seen = client.exec_inspect(self._id)
                    self._code = None if seen["Running"] else seen["ExitCode"]
                except NotFound:
                    self._code = 137  # the container is gone, and the command was killed with it
        return self._code


def lacks_command(spec: UnitSpec, why: str) -> EngineError | None:
    """The error to raise if that is why a container could not be started."""
    if "docker-init" in why:
        return EngineError(
            f"The Docker engine has no init program for containers: {why}. Install its docker-init"
            " (package `tini` or `docker-init`)."
        )
    if "unable to apply caps" in why:
        return EngineError(
            f"The Docker engine may not grant the {spec.noun}"
            f" {', '.join(spec.container.cap_add) or 'what it needs'}, which it has not itself:"
            f" {why}. Leave what is missing out of {spec.noun}: {{container: ...}}, or take another"
            " engine."
        )
    if "setting rlimit" in why:
        return EngineError(
            f"The Docker engine may not give the {spec.noun} higher limits than it has itself"
            f" ({', '.join(spec.container.ulimits) or 'its default-ulimits'}): {why}. Lower"
            f" `ulimits` of {spec.noun}: {{container: ...}} or leave them out, or raise those"
            " of the engine."
        )
    return lacking(spec, why) if NO_COMMAND.search(why) else None


def lacking(spec: UnitSpec, why: str) -> EngineError:
    """The error that says so."""
    command = spec.command[0] if spec.command else "its own command"
    return CommandError(
        f"The {spec.words} cannot run {command} in image {spec.image}: {why.strip()}. Correct the"
        " command, or use an image that has it."
    )


def wait(done: Callable[[], bool], at_most: float = AFTERMATH) -> None:
    """Wait until it is done, at most so many seconds."""
    until = time.monotonic() + at_most
    while not done() and time.monotonic() < until:
        time.sleep(_POLL)
