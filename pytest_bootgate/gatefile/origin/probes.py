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
    r"-[fsSkqv]+|--(?:fail|silent|show-error|insecure|verbose)|--(?:output|max-time)=\S+"
)
#: What servers answer with that `curl --fail` and a kubelet take for success. Neither reads what is
#: behind a redirect (a kubelet follows one on the same host).
CONTENT = [*range(200, 209), 226, *range(300, 305), 307, 308]
_WITH_VALUE = ("-o", "--output", "-m", "--max-time", "--connect-timeout")


def of_command(command: Sequence[str]) -> dict[str, Any]:
    """A command that must succeed; one that only asks an endpoint asks as a request does.

    One that follows redirects stays a command: a request does not follow them.
    """
    words = list(command)
    text = words[2] if len(words) == 3 and words[1] == "-c" else shlex.join(words)
    found = _asked(re.sub(r"\|\|\s*(exit\s+[1-9]\d*|false)\s*$", "", text))
    if found is None:
        return {"exec": words}
    asked = http(found["scheme"], int(found["port"] or 0), found["path"] or "/")
    return {**asked, "status": list(CONTENT)}


def _asked(text: str) -> re.Match[str] | None:
    """The one endpoint that a command asks, as curl does that fails where it is not well."""
    try:
        tool, *words = shlex.split(text)
    except ValueError:
        return None
    asked, fails = None, False
    while words:
        word = words.pop(0)
        if (found := _URL.fullmatch(word)) and asked is None:
            asked = found
        elif word in _WITH_VALUE:
            words = words[1:]
        elif _HARMLESS.fullmatch(word):
            fails = fails or word == "--fail" or ("f" in word and not word.startswith("--"))
        else:
            return None
    return asked if tool == "curl" and fails else None


def http(
    scheme: str, port: int, path: str, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """An endpoint, whose certificate is nobody's concern here."""
    port = port or (443 if scheme == "https" else 80)
    more: dict[str, Any] = {"headers": headers} if headers else {}
    if scheme == "https":
        return {"http": f"https://:{port}{path}", "verify": False, **more}
    return {"http": f":{port}{path}", **more}
