"""How ports and endpoints are written, and what somebody meant who wrote them otherwise."""

from __future__ import annotations

import re

_PORT = r"(?:(?P<port>[0-9]{1,6})|\$\{port\.[^{}]+\})"
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = rf"(?:\[[0-9A-Fa-f:.]+\]|(?:{_LABEL}(?:\.{_LABEL})*)?)"
ENDPOINT = re.compile(rf"(?:https?://{_HOST}(?=[:/])|{_HOST}(?=:))(?::{_PORT})?/\S*")
SOCKET = re.compile(rf"{_HOST}:{_PORT}")
STUB_PORT = re.compile(_PORT)
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+]*)://")
#: A port without what stands before one.
_BARE = re.compile(r"(?:[0-9]{1,5}|\$\{[^{}]*\})(?![^/\s])")
_PARTS = re.compile(r"(?P<host>[^/:\s]*)(?P<port>:[^/\s]+)?\s*(?P<path>/.*)?.*", re.DOTALL)


def meant_endpoint(text: str) -> str:
    """The endpoint that a text was to be; it keeps its scheme, its port and its path."""
    found = _SCHEME.match(text)
    scheme = f"{found[1].lower()}://" if found and found[1].lower() in ("http", "https") else ""
    rest = text[found.end() :] if found else text.strip()
    parts = _PARTS.fullmatch(f":{rest}" if _BARE.match(rest) else rest)
    assert parts is not None  # it matches any text
    host, port = parts["host"] if scheme or parts["port"] else "", parts["port"] or ""
    path = "%20".join((parts["path"] or "/health").split())
    written = f"{scheme}{host}{port or ('' if host else ':8080')}{path}"
    return written if ENDPOINT.fullmatch(written) else f"{scheme}:8080/health"


def meant_socket(text: str) -> str:
    """The port that a text was to be, be it the one of an endpoint."""
    rest = _SCHEME.sub("", text.strip(), count=1).partition("/")[0]
    written = f":{rest}" if _BARE.match(rest) else rest
    return written if SOCKET.fullmatch(written) else ":8080"
