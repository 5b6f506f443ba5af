"""Health checks of others as probes of a gate file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

_URL = re.compile(
    r"(?P<scheme>https?)://(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?::(?P<port>\d+))?"
    r"(?P<path>/[^\s\"'|;&)(`$<>]*)?"
)
#: What changes nothing of a request but how much is said of it, and how long it may take.
_HARMLESS = re.compile(
    r"-[fsSLkqnv]+|-q?O-|--(?:fail|silent|show-error|location|insecure|quiet|no-verbose|spider)"
    r"|--no-check-certificate|--output-document=\S+|--(?:tries|timeout|max-time)=\S+"
)
_WITH_VALUE = ("-o", "--output", "-m", "--max-time", "--connect-timeout", "-t", "-T", "--tries")


def of_command(command: Sequence[str]) -> dict[str, Any]:
    """A command that must succeed; one that only asks an endpoint asks as a request does."""
    words = list(command)
    text = words[2] if len(words) == 3 and words[1] == "-c" else shlex.join(words)
    found = _asked(re.sub(r"\|\|\s*(exit\s+\d+|false)\s*$", "", text))
    if found is None:
        return {"exec": words}
    return http(found["scheme"], int(found["port"] or 0), found["path"] or "/")


def _asked(text: str) -> re.Match[str] | None:
    """The one endpoint that a command asks, as curl and wget do that fail where it is not well."""
    try:
        tool, *words = shlex.split(text)
    except ValueError:
        return None
    asked, fails = None, tool == "wget"
    while words:
        word = words.pop(0)
        if (found := _URL.fullmatch(word)) and asked is None:
            asked = found
        elif word in _WITH_VALUE or (word == "-O" and tool == "wget"):
            words = words[1:]
        elif _HARMLESS.fullmatch(word):
            fails = fails or word == "--fail" or ("f" in word and not word.startswith("--"))
        else:
            return None
    return asked if tool in ("curl", "wget") and fails else None


def http(
    scheme: str, port: int, path: str, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """An endpoint, whose certificate is nobody's concern here."""
    port = port or (443 if scheme == "https" else 80)
    more: dict[str, Any] = {"headers": headers} if headers else {}
    if scheme == "https":
        return {"http": f"https://:{port}{path}", "verify": False, **more}
    return {"http": f":{port}{path}", **more}
