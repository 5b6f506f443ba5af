"""The agent of a pod: a loop that reads what its units say, and does as the gate orders.

What they say is stamped with the node's monotonic clock as it is read, numbered, and kept until the
gate has confirmed it: where the connection breaks, the next one goes on from there. One JSON object
a line comes in; out go frames: a JSON object a line, and where it has a `size`, so many bytes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_bootgate.engines.kubernetes.agent import KEEP, SOCKET, processes, transfer
from pytest_bootgate.engines.kubernetes.agent.slot import Slot

READ = 1 << 20
#: So many bytes are kept for a gate that does not take them; then the oldest are left out.
_MOST = 64 << 20
#: How long a stream may stay open once its process has ended, in seconds.
_LINGER = 1.0
#: How long it stays for what is said at the end.
_LAST = 2.0
_TICK = 0.2


class Agent:
    """One pod's. Every method is called by the loop."""

    def __init__(self, units: list[str]) -> None:
        self._selector = selectors.DefaultSelector()
        self._slots: dict[str, Slot] = {}
        self._holds = processes.Holds()
        self._delays = processes.Delays()
        self._frames: deque[tuple[int, bytes]] = deque()
        self._number = self._kept = self._sent = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._urgent: deque[bytes] = deque()
        self._connection: socket.socket | None = None
        self._incoming = self._outgoing = b""
        self._heard = time.monotonic()
        self._ending: float | None = None
        for unit in units:
            self._add(unit, unit)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(SOCKET)
        self._server.listen()
        self._on(self._server.fileno(), self._accept)

    # -- the loop --------------------------------------------------------------------------

    def run(self) -> None:
        """Go on until the gate ends it, or is not heard of any more."""
        while not self._done():
            for key, _ in self._selector.select(_TICK if self._ending is None else 0.01):
                if key.fd in self._selector.get_map():  # not closed by one before it
                    key.data()
            self._look()
            self._write()
            if time.monotonic() - self._heard > KEEP:
                processes.kill(processes.outside())
                return

    def _done(self) -> bool:
        """Whether it was told to end, and has said all; or nobody takes it."""
        if self._ending is None:
            return False
        told = self._sent >= self._number and not self._outgoing and not self._urgent
        over = all(slot.over or slot.pid is None for slot in self._slots.values())
        return (told and over) or time.monotonic() - self._ending > _LAST

    def _on(self, number: int, do: Callable[[], None]) -> None:
        self._selector.register(number, selectors.EVENT_READ, do)

    def _say(self, slot: Slot, at: int, data: bytes = b"", **more: Any) -> None:
        """Keep a frame until the gate has confirmed it."""
        self._number += 1
        about = {"n": self._number, "at": at, "slot": slot.name, **more}
        if data:
            about["size"] = len(data)
        frame = json.dumps(about).encode() + b"\n" + data
        self._frames.append((self._number, frame))
        self._kept += len(frame)
        while self._kept > _MOST:
            self._kept -= len(self._frames.popleft()[1])

    def _look(self) -> None:
        """Which slots are over: their process has ended, and so have their streams, or nearly."""
        now = time.monotonic_ns()
        for slot in [slot for slot in self._slots.values() if not slot.over]:
            if slot.pid is not None and slot.exited is None and not processes.alive(slot.pid):
                slot.exited = now
            if slot.exited is not None:
                self._said(slot)  # its last word may have come since the loop last looked
            ended = slot.exited if not slot.is_command else slot.code is not None or slot.exited
            late = slot.exited is not None and now - slot.exited > _LINGER * 1e9
            # What a command has left behind may go on talking.
            if ended and (not slot.open or (late and slot.code is None)):
                for number in slot.open:
                    self._selector.unregister(number)
                self._selector.unregister(slot.said)
                slot.close()
                slot.over = True
                self._say(slot, slot.exited or now, over=True, code=slot.code)

    # -- what units say --------------------------------------------------------------------

    def _add(self, name: str, stream: str) -> None:
        slot = self._slots[name] = Slot(name, stream)
        self._on(slot.said, lambda: self._said(slot))
        for number in [*slot.open]:
            self._on(number, partial(self._read, slot, number))

    def _read(self, slot: Slot, number: int) -> None:
        try:
            data, at = os.read(number, READ), time.monotonic_ns()
        except BlockingIOError:
            return
        if data:
            self._say(slot, at, data, stream=f"{slot.stream}.{slot.open[number]}")
        else:
            self._selector.unregister(number)
            del slot.open[number]
            os.close(number)

    def _said(self, slot: Slot) -> None:
        at, said = time.monotonic_ns(), b""
        with contextlib.suppress(BlockingIOError):  # there may be none
            said = os.read(slot.said, 4096)
        for line in said.decode().splitlines():
            word, _, number = line.partition(" ")
            if word == "pid":
                slot.pid = int(number)
                about = os.stat(f"/proc/{slot.pid}")
                slot.owner = about.st_uid, about.st_gid
                with contextlib.suppress(OSError, AttributeError):  # else it is looked at
                    end = os.pidfd_open(slot.pid)
                    self._on(end, partial(self._exited, slot, end))
                self._say(slot, at, waits=True)
            elif word == "code":
                slot.code = int(number)
                self._say(slot, at, code=slot.code)
            else:
                self._say(slot, at, missing=True)

    def _exited(self, slot: Slot, end: int) -> None:
        slot.exited = slot.exited or time.monotonic_ns()
        self._selector.unregister(end)
        os.close(end)
        self._say(slot, slot.exited, exited=True)

    # -- what the gate says ----------------------------------------------------------------

    def _accept(self) -> None:
        if self._connection is not None:
            self._hang_up()
        self._connection, _ = self._server.accept()
        self._connection.setblocking(False)
        self._incoming = self._outgoing = b""
        self._urgent.clear()
        self._sent = self._number  # until it says from where on
        self._on(self._connection.fileno(), self._hear)

    def _hang_up(self) -> None:
        assert self._connection is not None
        self._selector.unregister(self._connection)
        self._connection.close()
        self._connection = None
        self._outgoing = b""
        self._urgent.clear()

    def _hear(self) -> None:
        assert self._connection is not None
        try:
            data = self._connection.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return
        self._heard = time.monotonic()
        *lines, self._incoming = (self._incoming + data).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, order: dict[str, Any]) -> None:
        if order["do"] == "ping":
            while self._frames and self._frames[0][0] <= order["have"]:
                self._kept -= len(self._frames.popleft()[1])
            self._answer({"pong": order["pong"], "at": time.monotonic_ns()})
            return
        if order["do"] == "resume":
            self._sent = order["have"]
            return
        if (number := order["id"]) not in self._answers:
            try:
                done = {"done": self._orders[order["do"]](self, order)}
            except Exception as error:  # the gate says what that means
                done = {"error": f"{type(error).__name__}: {error}"}
            self._answers[number] = {"answer": number, **done}
        self._answer(self._answers[number])

    def _answer(self, what: dict[str, Any]) -> None:
        self._urgent.append(json.dumps(what).encode() + b"\n")

    def _write(self) -> None:
        """Send what there is as far as the connection takes it; answers before what units said."""
        while self._connection is not None:
            if not self._outgoing:
                self._outgoing = self._next()
            if not self._outgoing:
                return
            try:
                sent = self._connection.send(self._outgoing)
            except BlockingIOError:
                with contextlib.suppress(KeyError):
                    both = selectors.EVENT_READ | selectors.EVENT_WRITE
                    self._selector.modify(self._connection, both, self._both)
                return
            except OSError:
                self._hang_up()
                return
            self._outgoing = self._outgoing[sent:]

    def _both(self) -> None:
        assert self._connection is not None
        self._selector.modify(self._connection, selectors.EVENT_READ, self._hear)
        self._hear()

    def _next(self) -> bytes:
        if self._urgent:
            return self._urgent.popleft()
        if self._sent >= self._number or not self._frames:
            return b""
        first = self._frames[0][0]
        if first > self._sent + 1:  # the gate did not take them in time
            self._sent = first - 1
        number, frame = self._frames[self._sent + 1 - first]
        self._sent = number
        return frame

    # -- orders ----------------------------------------------------------------------------

    def _start(self, order: dict[str, Any]) -> int:
        slot = self._slots[order["slot"]]
        env = {**self._slots[slot.unit].env, **order["env"]}
        at = time.monotonic_ns()
        slot.go(order["words"], env, stdin=order.get("stdin", False))
        return at

    def _open(self, order: dict[str, Any]) -> None:
        self._add(order["slot"], order["stream"])

    def _feed(self, order: dict[str, Any]) -> None:
        slot = self._slots[order["slot"]]
        if slot.over or slot.exited:
            raise BrokenPipeError("it has ended")
        slot.feed(order["text"].encode())

    def _put(self, order: dict[str, Any]) -> None:
        owner = self._slots[order["slot"]].owner
        for path, data in order["files"].items():
            transfer.put(path, base64.b64decode(data), owner, order["below"])

    def _pid(self, order: dict[str, Any]) -> int:
        pid = self._slots[order["slot"]].pid
        if pid is None:
            raise ProcessLookupError("it is not there yet")
        return pid

    def _cpu(self, order: dict[str, Any]) -> float | None:
        pid = self._pid(order)
        return processes.cpu_seconds(pid) if processes.alive(pid) else None

    def _machine(self, order: dict[str, Any]) -> dict[str, Any]:
        slot = self._slots.get(order["slot"])
        if slot is None or slot.pid is None:
            return processes.machine()
        own = {**processes.held_back(slot.pid), "run_delay": self._delays.of(slot.pid)}
        return {**processes.machine(), **own}

    def _signal(self, order: dict[str, Any]) -> None:
        processes.send(signal.Signals[order["signal"]], [self._pid(order)])

    def _kill(self, order: dict[str, Any]) -> list[int]:
        """Kill some, or all of a container."""
        which = order.get("pids")
        if which is None:
            which = processes.group(self._pid(order)) if self._slots[order["slot"]].pid else []
        return processes.kill(which)

    def _sockets(self, order: dict[str, Any]) -> dict[str, int]:
        return processes.sockets(order["ports"])

    def _processes(self, order: dict[str, Any]) -> dict[int, str]:
        name = order["slot"]
        beside = [s.pid for s in self._slots.values() if s.unit == name and s.is_command and s.pid]
        return processes.commands(self._pid(order), beside)

    def _hold(self, order: dict[str, Any]) -> None:
        self._holds.hold(self._pid(order), order["how"])

    def _state(self, order: dict[str, Any]) -> str:
        return self._holds.state(self._pid(order))

    def _end(self, order: dict[str, Any]) -> list[int]:  # noqa: ARG002
        self._ending = time.monotonic()
        return processes.kill(processes.outside())

    _orders: dict[str, Callable[[Agent, dict[str, Any]], Any]] = {  # noqa: RUF012
        "start": _start,
        "open": _open,
        "feed": _feed,
        "put": _put,
        "cpu": _cpu,
        "machine": _machine,
        "signal": _signal,
        "kill": _kill,
        "processes": _processes,
        "hold": _hold,
        "state": _state,
        "sockets": _sockets,
        "end": _end,
    }
