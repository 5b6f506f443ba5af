"""Requests to endpoints: plain, over TLS, or through a Unix socket."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from functools import cache
from typing import Any

Event = dict[str, Any]

TIMED_OUT = "timed out"
_LOOPBACK = "127.0.0.1"
_PORTS = {"http": 80, "https": 443}


def endpoint(text: str) -> tuple[str, int, str]:
    """``:8080/path``, with or without a scheme and a host, as host, port and path."""
    scheme, _, rest = text.rpartition("://")
    place, slash, path = rest.partition("/")
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, str(_PORTS.get(scheme, 80))
    return host.strip("[]") or _LOOPBACK, int(port), slash + path or "/"


@cache
def _tls(verify: bool | str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Connection(http.client.HTTPConnection):
    """A connection to the endpoint of an order.

    `verify` of the order is false, or the text of the certificates to trust, by default those of
    this system. Who answers must have the name in the header Host, or else in the endpoint.
    """

    def __init__(self, order: Event, timeout: float | None) -> None:
        host, port, self.path = endpoint(order["http"])
        super().__init__(host, port, timeout=timeout)
        self._unix: str | None = order.get("unix")
        tls = order["http"].startswith("https://")
        self._tls = _tls(order.get("verify")) if tls else None
        self.headers = {str(k): str(v) for k, v in (order.get("headers") or {}).items()}
        named = {key.lower(): value for key, value in self.headers.items()}.get("host", host)
        name = named if named.count(":") > 1 else named.partition(":")[0]
        self._name = "localhost" if name == _LOOPBACK else name

    def connect(self) -> None:
        """Open the socket."""
        if self._unix is not None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._unix)
        else:
            super().connect()
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def request(order: Event, method: str, timeout: float | None) -> Connection:
    """Send the request of an order; `method` is the one it has if it names none."""
    connection = Connection(order, timeout)
    headers, body = connection.headers, order.get("body")
    if order.get("json") is not None:
        body = json.dumps(order["json"])
        if "content-type" not in map(str.lower, headers):
            headers["Content-Type"] = "application/json"
    data = None if body is None else body.encode()
    try:
        connection.request(order.get("method") or method, connection.path, data, headers)
    except BaseException:
        connection.close()
        raise
    return connection


def why(error: BaseException) -> str:
    """Why an endpoint or a port did not answer, in plain words."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, (TimeoutError, socket.timeout)):
        return TIMED_OUT
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message.lower().rstrip('.')}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {(error.reason or short(error)).lower().replace('_', ' ')}"
    if isinstance(error, ConnectionResetError):  # as servers do that speak TLS only
        return "closed without an answer (TLS?)"
    if isinstance(error, http.client.BadStatusLine):
        return "not HTTP" + (" (TLS?)" if str(error).startswith("\x15\x03") else "")
    return (getattr(error, "strerror", None) or str(error) or short(error)).lower()


def short(error: BaseException) -> str:
    """An error's name, for people."""
    return type(error).__name__.removesuffix("Error")
