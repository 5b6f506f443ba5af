"""Health checks of others as probes of a gate file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

_URL = re.compile(
    r"(?P<scheme>https?)://(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?::(?P<port>\d+))?"
    r"(?P<path>/[^\s\"'|;&)]*)?"
)
_ASKS = re.compile(r"\b(curl|wget)\b")
_ONLY_ASKS = re.compile(r"(\|\||&&|;|\||>|`|\$\()")


def of_command(command: Sequence[str]) -> dict[str, Any]:
    """A command that must succeed; one that only asks an endpoint asks as a request does."""
    words = list(command)
    text = words[2] if len(words) == 3 and words[1] == "-c" else shlex.join(words)
    rest = re.sub(r"\|\|\s*(exit\s+\d+|false)\s*$", "", text)
    found = _URL.search(rest)
    if found and _ASKS.search(rest) and not _ONLY_ASKS.search(rest.replace(found[0], "")):
        return http(found["scheme"], int(found["port"] or 0), found["path"] or "/")
    return {"exec": words}


def http(
    scheme: str, port: int, path: str, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """An endpoint, whose certificate is nobody's concern here."""
    port = port or (443 if scheme == "https" else 80)
    more: dict[str, Any] = {"headers": headers} if headers else {}
    if scheme == "https":
        return {"http": f"https://:{port}{path}", "verify": False, **more}
    return {"http": f":{port}{path}", **more}
