"""One command that runs in a container of a pod, over a connection that one thread owns.

A TLS connection used by two threads breaks, so what is to be sent is handed to its thread.
"""

from __future__ import annotations

import contextlib
import json
import queue
import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any

import websocket

from pytest_bootgate.engines.kubernetes.api import FORBIDDEN, Cluster
from pytest_bootgate.errors import EngineError

_OUT, _STATUS = 1, 3
_CONNECT = 10.0
#: The kubelet knows a container that has just started only after up to 2 s.
_KNOWN, _PAUSE = 3.0, 0.1
_PART = 1 << 16


class SessionError(Exception):
    """There is no such command, container or pod, or the connection broke."""


class Session:
    """A command; `heard` gets what it writes to its standard output, in its own thread.

    Raises `SessionError`, and `EngineError` where this user may not run any.
    """

    def __init__(
        self,
        cluster: Cluster,
        pod: str,
        container: str,
        command: Sequence[str],
        heard: Callable[[bytes], None],
    ) -> None:
        self._heard = heard
        self._todo: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # Sockets: a number that was closed may be another file's by then.
        self._wake, self._waker = socket.socketpair()
        try:
            self._websocket = _connected(cluster, cluster.exec_url(pod, container, command))
        except BaseException:
            self._closed()
            raise
        assert isinstance(self._websocket.sock, ssl.SSLSocket)
        self._tls = self._websocket.sock

    def send(self, data: bytes) -> None:
        """Write to its standard input, from any thread."""
        for at in range(0, len(data), _PART):
            self._todo.put(data[at : at + _PART])
            self._ring()

    def close(self) -> None:
        """End the connection, from any thread; `run` returns."""
        self._todo.put(None)
        self._ring()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # it has ended
            self._waker.send(b".")

    def run(self, tick: Callable[[], None] = lambda: None, every: float | None = None) -> int:
        """Own the connection until the command ends; its exit code.

        `tick` is called `every` so many seconds. Raises `SessionError` where the connection ends
        before.
        """
        try:
            return self._run(tick, every)
        except (websocket.WebSocketException, OSError) as error:
            raise SessionError(str(error) or type(error).__name__) from error
        finally:
            self._tls.close()
            self._closed()

    def _run(self, tick: Callable[[], None], every: float | None) -> int:
        due = time.monotonic()
        while True:
            if every is not None and time.monotonic() >= due:
                due = time.monotonic() + every
                tick()
            if not self._tls.pending():
                left = None if every is None else max(0.0, due - time.monotonic())
                ready, _, _ = select.select([self._tls, self._wake], [], [], left)
                if self._wake in ready:
                    self._wake.recv(1)
                    if (data := self._todo.get()) is None:
                        raise SessionError("closed")
                    self._websocket.send_binary(b"\0" + data)
                if self._tls not in ready:
                    continue
            opcode, message = self._websocket.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                raise SessionError("the server closed the connection")
            kind, data = message[:1], bytes(message[1:])
            if kind == bytes([_STATUS]):
                return _code(json.loads(data))
            if kind == bytes([_OUT]) and data:
                self._heard(data)

    def _closed(self) -> None:
        self._wake.close()
        self._waker.close()


def _connected(cluster: Cluster, url: str) -> websocket.WebSocket:
    until = time.monotonic() + _KNOWN
    while True:
        try:
            made = websocket.create_connection(
                url,
                header=cluster.headers(),
                sslopt={"context": cluster.tls()},
                subprotocols=["v4.channel.k8s.io"],
                timeout=_CONNECT,
            )
        except websocket.WebSocketBadStatusException as error:
            if error.status_code in (401, FORBIDDEN):
                raise EngineError(
                    f"The cluster does not let this user run commands in pods: {error}."
                    " docs/kubernetes.md lists what a gate needs."
                ) from error
            if error.status_code < 500 or time.monotonic() > until:
                raise SessionError(str(error)) from error
        except (websocket.WebSocketException, OSError) as error:
            raise SessionError(str(error) or type(error).__name__) from error
        else:
            made.settimeout(_CONNECT)
            return made
        time.sleep(_PAUSE)


def _code(status: dict[str, Any]) -> int:
    """The exit code in what the server says at the end. Raises `SessionError` where it has none."""
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise SessionError(str(status.get("message")))
