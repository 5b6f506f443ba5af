"""Looks from outside: does an endpoint answer, a port accept, a file exist?"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Callable
from typing import Any

REQUEST_TIMEOUT = 2.0
#: How many characters of a body that is not as wanted are reported.
LONGEST_BODY = 200
TIMED_OUT = "timed out"
#: What a server answers that has not done what was asked, but will (RFC 9110, 15.3.3).
LATER = 202

Event = dict[str, Any]

#: One look: what was seen (None: not yet), and how it stands instead.
Look = Callable[[], "tuple[Event | None, str]"]


def look_of(order: Event) -> Look:
    """How to look for what an order names: an endpoint, a port or a file."""
    if "http" in order:
        host, port, path = endpoint(order["http"])
        status, wanted = order.get("status"), order.get("json")
        return lambda: look_http(host, port, path, status, wanted)
    if "tcp" in order:
        host, port, _ = endpoint(order["tcp"])
        return lambda: look_tcp(host, port)
    file = order["exists"]
    return lambda: ({}, "") if os.path.exists(file) else (None, "no such file")  # noqa: PTH110


def look_http(
    host: str, port: int, path: str, status: int | None, wanted: Any
) -> tuple[Event | None, str]:
    """Whether an endpoint answers as wanted; any 2xx but 202 where `status` is None."""
    until = time.monotonic() + REQUEST_TIMEOUT
    connection = http.client.HTTPConnection(host, port, timeout=REQUEST_TIMEOUT)
    body = b""
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        done = 200 <= answer.status < 300 and answer.status != LATER
        right = done if status is None else answer.status == status
        if right and wanted is None:
            return {"status": answer.status}, ""
        while len(body) < 1 << 20 and time.monotonic() < until:
            data = answer.read1(65536)
            if not data:
                break
            body += data
        if right and contains(parsed(body), wanted):
            return {"status": answer.status}, ""
    except (OSError, http.client.HTTPException, ValueError) as error:
        return None, why(error)
    finally:
        connection.close()
    said = " ".join(body[: 4 * LONGEST_BODY].decode("utf-8", "replace").split())[:LONGEST_BODY]
    stands = f"{answer.status} {answer.reason}".strip()
    return None, f"{stands}: {said}" if said else stands


def look_tcp(host: str, port: int) -> tuple[Event | None, str]:
    """Whether a port accepts."""
    try:
        socket.create_connection((host, port), REQUEST_TIMEOUT).close()
    except OSError as error:
        return None, why(error)
    return {}, ""


def contains(answer: Any, wanted: Any) -> bool:
    """Whether all that is wanted is in an answer; in a list each wanted item must be somewhere."""
    if isinstance(wanted, dict):
        return isinstance(answer, dict) and all(
            key in answer and contains(answer[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(answer, list) and all(
            any(contains(item, value) for item in answer) for value in wanted
        )
    return isinstance(answer, bool) == isinstance(wanted, bool) and bool(answer == wanted)


def parsed(body: bytes) -> Any:
    """A body as JSON; what is none contains nothing."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def endpoint(text: str) -> tuple[str, int, str]:
    """``:8080/path``, with or without a scheme and a host, as host, port and path."""
    place, slash, path = text.split("://", 1)[-1].partition("/")
    host, _, port = place.rpartition(":")
    return host or "127.0.0.1", int(port), slash + path or "/"


def why(error: BaseException) -> str:
    """Why an endpoint or a port did not answer, in plain words."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, (TimeoutError, socket.timeout)):
        return TIMED_OUT
    if isinstance(error, ConnectionResetError):  # as servers do that speak TLS only
        return "closed without an answer (TLS?)"
    if isinstance(error, http.client.BadStatusLine):
        return "not HTTP" + (" (TLS?)" if str(error).startswith("\x15\x03") else "")
    return (getattr(error, "strerror", None) or str(error) or short(error)).lower()


def short(error: BaseException) -> str:
    """An error's name, for people."""
    return type(error).__name__.removesuffix("Error")


def request(order: Event, method: str, timeout: float | None) -> http.client.HTTPConnection:
    """Send the request of an order; `method` is the one it has if it names none."""
    host, port, path = endpoint(order["http"])
    headers = {str(key): str(value) for key, value in (order.get("headers") or {}).items()}
    body = order.get("body")
    if order.get("json") is not None:
        body = json.dumps(order["json"])
        if "content-type" not in map(str.lower, headers):
            headers["Content-Type"] = "application/json"
    data = None if body is None else body.encode()
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    connection.request(order.get("method") or method, path, data, headers)
    return connection
