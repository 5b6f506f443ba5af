"""Looks from outside: does an endpoint answer, a port accept, a command succeed, a file exist?"""

from __future__ import annotations

import contextlib
import http.client
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from pytest_bootgate.sidecar.contained import contains, mistyped, parsed
from pytest_bootgate.sidecar.grpc import SERVING, health
from pytest_bootgate.sidecar.web import TIMED_OUT, Event, endpoint, request, why

#: How many seconds one answer may take where nothing is said of it.
PATIENCE = 2.0
#: How many characters of a body that is not as wanted, or of what a command says, are reported.
LONGEST_BODY = 200
#: So many bytes of a body are looked at.
_MOST_BODY = 1 << 20
#: How many seconds the last output of a command that has ended is waited for.
_LAST_WORDS = 0.1
#: What a server answers that has not done what was asked, but will (RFC 9110, 15.3.3).
LATER = 202


class Said(str):
    """How it stands by somebody's answer, if not the wanted one."""

    __slots__ = ()


#: One look: what was seen (None: not yet), and how it stands instead.
Look = Callable[[], "tuple[Event | None, str]"]


def look_of(order: Event) -> Look:
    """How to look once for what an order names: an endpoint, a port, a command or a file.

    An answer may take the `patience` of the order, by default `PATIENCE`.
    """
    return _look(order, order.get("patience") or PATIENCE)


def watch_of(order: Event) -> Look:
    """How to look again and again. Without `patience` in the order no answer comes too late."""
    if order.get("patience") or not {"http", "exec", "grpc"} & order.keys():
        return look_of(order)
    return Patient(_look(order, None))


def _look(order: Event, patience: float | None) -> Look:
    if "http" in order:
        return lambda: look_http(order, patience)
    if "exec" in order:
        return lambda: look_exec(order["exec"], patience)
    if "grpc" in order:
        return lambda: look_grpc(order["grpc"], order.get("service") or "", patience)
    if "tcp" in order:
        host, port, _ = endpoint(order["tcp"])
        return lambda: _connected(socket.create_connection, (host, port), PATIENCE)
    if "unix" in order:
        return lambda: _connected(_connect_unix, order["unix"])
    file = order["exists"]
    return lambda: ({}, "") if os.path.exists(file) else (None, "no such file")  # noqa: PTH110


class Patient:
    """A look that another one joins where its answer takes long: whichever is right counts.

    The first may hang for good (a server that took the connection before it could answer), or be
    just slow; so both are right. Each further look waits twice as long as the last one.
    """

    def __init__(self, look: Look) -> None:
        self._look, self._wait = look, PATIENCE
        self._answers: queue.Queue[tuple[Event | None, str]] = queue.Queue()

    def __call__(self) -> tuple[Event | None, str]:
        """Look, and wait for any of the answers."""
        threading.Thread(target=lambda: self._answers.put(self._look()), daemon=True).start()
        try:
            found = self._answers.get(timeout=self._wait)
        except queue.Empty:
            self._wait *= 2
            return None, TIMED_OUT
        self._wait = PATIENCE
        return found


def look_http(order: Event, patience: float | None) -> tuple[Event | None, str]:
    """Whether an endpoint answers as wanted; with any 2xx but 202 where it names no `status`."""
    until = time.monotonic() + patience if patience else float("inf")
    status, wanted, pattern = order.get("status"), order.get("json"), order.get("body")
    body, connection = b"", None
    try:
        connection = request(
            {key: each for key, each in order.items() if key not in ("json", "body")},
            "GET",
            patience,
        )
        answer = connection.getresponse()
        if status is None:
            right = 200 <= answer.status < 300 and answer.status != LATER
        else:
            right = answer.status in (status if isinstance(status, list) else [status])
        if right and wanted is None and pattern is None:
            return {"status": answer.status}, ""
        while len(body) < _MOST_BODY and time.monotonic() < until:
            data = answer.read1(65536)
            body += data
            text = body.decode("utf-8", "replace")
            # A stream may have what is wanted long before its end.
            there = pattern is None or re.search(pattern, text, re.MULTILINE)
            if right and there and (wanted is None or contains(parsed(body), wanted)):
                return {"status": answer.status}, ""
            if not data:
                break
    except (OSError, http.client.HTTPException, ValueError) as error:
        return None, why(error)
    finally:
        if connection is not None:
            connection.close()
    said = " ".join(text[: 4 * LONGEST_BODY].split())[:LONGEST_BODY]
    stands = f"{answer.status} {answer.reason}".strip()
    other = mistyped(parsed(body), wanted)
    beside = f" ({other})" if other else ""
    return None, Said(f"{stands}: {said}{beside}" if said else stands)


def look_exec(command: list[str], patience: float | None) -> tuple[Event | None, str]:
    """Whether a command ends with 0; what else it says last is how it stands.

    What it leaves running may keep its output open, and it may print without an end.
    """
    try:
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return None, f"{command[0]}: {why(error)}"
    last = [b""]
    assert running.stdout is not None
    reading = threading.Thread(target=_keep_last, args=(running.stdout, last), daemon=True)
    reading.start()
    try:
        code = running.wait(patience)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        return None, TIMED_OUT
    if code == 0:
        return {}, ""
    reading.join(_LAST_WORDS)
    said = last[0].decode("utf-8", "replace").strip().rpartition("\n")[2][:LONGEST_BODY]
    return None, Said(f"exit {code}: {said}" if said else f"exit {code}")


def _keep_last(output: IO[bytes], last: list[bytes]) -> None:
    """Read to the end; only the last of it is kept."""
    with contextlib.suppress(OSError, ValueError):
        while data := output.read1(65536):  # type: ignore[attr-defined]
            last[0] = (last[0] + data)[-4 * LONGEST_BODY :]


def look_grpc(where: str, service: str, patience: float | None) -> tuple[Event | None, str]:
    """Whether a server says by the health protocol of gRPC that a service is well."""
    host, port, _ = endpoint(where)
    try:
        with socket.create_connection((host, port), patience) as opened:
            says = health(opened, f"{host}:{port}", service)
    except (OSError, ValueError) as error:
        return None, why(error)
    if says is None:
        return None, "it has no such health service"
    return ({}, "") if says == SERVING else (None, Said(says))


def _connected(connect: Callable[..., socket.socket], *where: Any) -> tuple[Event | None, str]:
    """Whether something accepts there."""
    try:
        connect(*where).close()
    except (OSError, ValueError) as error:  # a name that cannot be one
        return None, why(error)
    return {}, ""


def _connect_unix(path: str) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX)
    opened.settimeout(PATIENCE)
    try:
        opened.connect(path)
    except BaseException:
        opened.close()
        raise
    return opened
