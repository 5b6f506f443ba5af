"""The line to the agent of a pod, which outlives broken connections.

The agent numbers what it says and keeps it until that is confirmed; so nothing is heard twice and
nothing is missed. Orders have numbers as well, and are carried out once.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from pytest_bootgate.engines.kubernetes.agent import PROGRAM
from pytest_bootgate.engines.kubernetes.api import Cluster
from pytest_bootgate.engines.kubernetes.session import Session, SessionError
from pytest_bootgate.errors import EngineError, LostError

#: The container of the agent.
AGENT = "bootgate"
#: Who has not heard of the agent for so long does not know any more what happened when.
SILENCE = 3.0
#: The first connection may take longer: its program is started by the kubelet. It must be less
#: than what an agent waits for its gate.
_FIRST = 20.0
_PING, _PAUSE = 1.0, 0.2
_PINGS = 20

#: What is called with a frame: its values, the monotonic second here, and its bytes.
Hear = Callable[[Mapping[str, Any], float, bytes], None]


class Wire:
    """Orders go down, frames come up. `why` asks what became of a pod that does not answer.

    Raises `LostError` where nothing was heard for `SILENCE`.
    """

    def __init__(self, cluster: Cluster, pod: str, why: Callable[[], str | None]) -> None:
        self._cluster, self._pod, self._why = cluster, pod, why
        self._listeners: dict[str, Hear] = {}
        self._early: list[tuple[dict[str, Any], float, bytes]] = []
        self._ready = threading.Condition()
        self._answers: dict[int, dict[str, Any]] = {}
        self._asked: dict[int, bytes] = {}
        self._numbers = itertools.count(1)
        self._have = 0
        self._buffer = b""
        self._frame: tuple[dict[str, Any], int] | None = None
        self._session: Session | None = None
        self._heard = time.monotonic() + _FIRST
        self._pings: dict[int, float] = {}
        self._offsets: list[tuple[float, float]] = []
        self._offset: float | None = None
        self._lost = self._problem = ""
        self._refused: EngineError | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._tend, name="bootgate pod", daemon=True)
        self._thread.start()
        try:
            with self._ready:
                self._wait(lambda: self._offset is not None)
        except EngineError:
            self.close()
            raise

    def hear(self, slot: str, listener: Hear) -> None:
        """Who is told of the frames of a slot, also of those that came before."""
        with self._ready:
            early = [one for one in self._early if one[0]["slot"] == slot]
            self._early = [one for one in self._early if one[0]["slot"] != slot]
            for one in early:
                listener(*one)
            self._listeners[slot] = listener

    def at(self, nanoseconds: int) -> float:
        """A monotonic second of this machine, from the node's clock."""
        return nanoseconds / 1e9 + (self._offset or 0.0)

    def order(self, do: str, slot: str = "", **more: Any) -> Any:
        """Have something done; what came of it. Raises `EngineError` where it cannot be."""
        number = next(self._numbers)
        line = json.dumps({"do": do, "id": number, "slot": slot, **more}).encode() + b"\n"
        with self._ready:
            self._asked[number] = line
            if self._session is not None:
                self._session.send(line)
            self._wait(lambda: number in self._answers)
            del self._asked[number]
            answer = self._answers.pop(number)
        if "error" in answer:
            raise EngineError(str(answer["error"]))
        return answer["done"]

    def wait(self, done: Callable[[], bool], at_most: float) -> bool:
        """Wait for what frames bring; whether it came."""
        with self._ready:
            self._wait(done, time.monotonic() + at_most)
            return done()

    def check(self) -> None:
        """Raises `LostError` where nobody knows what happens there."""
        if not self._lost and time.monotonic() - self._heard > SILENCE:
            self._lost = self._silence()
        if self._refused is not None:
            raise self._refused
        if self._lost:
            raise LostError(self._lost)

    @property
    def lost(self) -> bool:
        """Whether that was so."""
        return bool(self._lost)

    def close(self) -> None:
        """Hang up."""
        self._closed = True
        if (session := self._session) is not None:
            session.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(SILENCE)

    def _wait(self, done: Callable[[], bool], until: float = float("inf")) -> None:
        while not done() and time.monotonic() < until:
            self.check()
            self._ready.wait(min(0.1, max(0.0, until - time.monotonic())))

    def _silence(self) -> str:
        why = None
        with contextlib.suppress(EngineError):
            why = self._why()
        silent = time.monotonic() - self._heard
        if self._offset is None:
            return why or f"nothing can be run in pod {self._pod}{self._problem}"
        return why or f"pod {self._pod} has not answered for {silent:.1f} s{self._problem}"

    # -- in its own thread -----------------------------------------------------------------

    def _tend(self) -> None:
        while not self._closed:
            self._buffer, self._frame = b"", None
            self._pings.clear()
            try:
                command = ["python3", PROGRAM, "relay"]
                session = Session(self._cluster, self._pod, AGENT, command, self._take)
                with self._ready:
                    self._session = session
                    session.send(_line(do="resume", have=self._have))
                    for line in self._asked.values():
                        session.send(line)
                session.run(self._ping, _PING)
            except SessionError as error:
                self._problem = f" ({error})"
            except EngineError as error:
                self._refused = error
                return
            finally:
                self._session = None
            if not self._closed:
                self._ask_why()
                time.sleep(_PAUSE)

    def _ask_why(self) -> None:
        """Whether the pod is gone for good."""
        with contextlib.suppress(Exception):  # a server that does not answer says nothing
            if (why := self._why()) is not None:
                with self._ready:
                    self._lost = why
                    self._ready.notify_all()

    def _ping(self) -> None:
        number = next(self._numbers)
        self._pings[number] = time.monotonic()
        if (session := self._session) is not None:
            session.send(_line(do="ping", pong=number, have=self._have))

    def _take(self, data: bytes) -> None:
        now = time.monotonic()
        self._buffer += data
        while True:
            if self._frame is None:
                line, end, rest = self._buffer.partition(b"\n")
                if not end:
                    return
                about = json.loads(line)
                self._frame, self._buffer = (about, int(about.get("size", 0))), rest
            about, size = self._frame
            if len(self._buffer) < size:
                return
            content, self._buffer, self._frame = self._buffer[:size], self._buffer[size:], None
            self._heard = max(self._heard, now) if self._offset is None else now
            self._handle(about, content, now)

    def _handle(self, about: dict[str, Any], content: bytes, now: float) -> None:
        if "pong" in about:
            self._measure(now, self._pings.pop(about["pong"], None), about["at"])
            return
        if "answer" not in about and about["n"] > self._have:
            gap = about["n"] > self._have + 1
            self._have = about["n"]
            frame = ({**about, "gap": gap}, self.at(about["at"]), content)
            with self._ready:
                listener = self._listeners.get(about["slot"])
                if listener is None:
                    self._early.append(frame)
            if listener is not None:
                listener(*frame)
        with self._ready:
            if about.get("answer") in self._asked:
                self._answers[about["answer"]] = about
            self._ready.notify_all()

    def _measure(self, now: float, sent: float | None, theirs: int) -> None:
        """The difference of the clocks, by the fastest of the first pings."""
        if sent is None or self._offset is not None:
            return
        self._offsets.append((now - sent, (now + sent) / 2 - theirs / 1e9))
        if len(self._offsets) < _PINGS:
            self._ping()
        else:
            with self._ready:
                self._offset = min(self._offsets)[1]
                self._heard = now
                self._ready.notify_all()


def _line(**order: Any) -> bytes:
    return json.dumps(order).encode() + b"\n"
