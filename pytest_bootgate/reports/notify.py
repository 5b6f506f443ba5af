"""The way back to whoever triggered: commands and webhooks that get the verdict."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pytest_bootgate.gatefile.model import Notify
from pytest_bootgate.gatefile.variables import fill, fill_all
from pytest_bootgate.masking import Mask
from pytest_bootgate.records.events import Hear, NotificationFailed
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.notice import notice

_SAID = 300  # characters of what a command said
_KEPT = 1 << 16  # bytes of it, in which secrets are looked for
_LAST_WORDS = 1.0  # seconds between the end of a command and its last words


def notify(
    result: GateResult, asked: Mapping[str, Notify], hear: Hear, mask: Mask
) -> tuple[list[str], list[str]]:
    """Tell all who are `asked` for and are to be told of this verdict, one after another.

    `mask` hides what a command should not have printed. Returns the names of those who were told,
    and for each of the others a sentence that says why not; each of these is an event
    `NotificationFailed` as well.
    """
    told, untold = [], []
    body = b""
    for name, one in asked.items():
        if result.verdict not in one.when:
            continue
        body = body or notice(result)
        here = Path(result.file).parent
        try:
            if one.command is not None:
                _run(one, body, here, mask)
            else:
                _post(one, body, here)
        except _UntoldError as error:
            why = mask.text(str(error))
            untold.append(f"{name} could not be notified: {why}")
            hear(NotificationFailed(run=result.run, wall=time.time(), to=name, detail=why))
        else:
            told.append(name)
    return told, untold


class _UntoldError(Exception):
    """Why somebody could not be told, in half a sentence, without secrets."""


def _run(one: Notify, body: bytes, here: Path, mask: Mask) -> None:
    command = [fill(word, {"here": str(here)}) for word in one.command or ()]
    said = _Tail()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=said.pipe,
            stderr=subprocess.STDOUT,
            cwd=here,
            start_new_session=True,
        )
    except OSError as error:
        raise _UntoldError(f"`{command[0]}` could not be run: {error.strerror or error}") from None
    finally:
        said.begin()
    try:
        process.communicate(body, float(one.deadline))
    except subprocess.TimeoutExpired:
        raise _UntoldError(f"`{command[0]}` still ran after {one.deadline:g} s") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # and what it started
            process.wait()
    if process.returncode != 0:
        text = mask.text(said.text().decode(errors="replace"))
        last = " / ".join(text.strip().splitlines()[-3:])[-_SAID:]
        raise _UntoldError(f"`{command[0]}` exited with {process.returncode}{last and f': {last}'}")


class _Tail:
    """The last of what is written into a pipe, however much that is."""

    def __init__(self) -> None:
        self._from, self.pipe = os.pipe()
        self._kept = b""
        self._reader = threading.Thread(target=self._read, daemon=True)

    def begin(self) -> None:
        """Read until nobody has the pipe open any more; this process does not."""
        os.close(self.pipe)
        self._reader.start()

    def text(self) -> bytes:
        """What was kept; what somebody left behind may hold the pipe open."""
        self._reader.join(_LAST_WORDS)
        return self._kept

    def _read(self) -> None:
        with contextlib.closing(os.fdopen(self._from, "rb", buffering=0)) as source:
            while data := source.read(1 << 16):
                self._kept = (self._kept + data)[-_KEPT:]


def _post(one: Notify, body: bytes, here: Path) -> None:
    url = fill(one.webhook or "", {"here": str(here)})
    where = urlsplit(url).hostname or "the webhook"  # the path of a webhook is often its secret
    headers: Mapping[str, str] = fill_all(one.headers, {"here": str(here)})
    told: list[str] = []

    def post() -> None:
        told.append(_posted(url, where, {"Content-Type": "application/json", **headers}, body, one))

    # A socket's own timeout begins anew with each byte, and there is none for its name.
    poster = threading.Thread(target=post, daemon=True)
    poster.start()
    poster.join(float(one.deadline) + _LAST_WORDS)
    why = told[0] if told else f"{where} did not answer within {one.deadline:g} s"
    if why:
        raise _UntoldError(why)


def _posted(url: str, where: str, headers: Mapping[str, str], body: bytes, one: Notify) -> str:
    """Why a webhook was not told; empty where it was."""
    try:
        asked = urllib.request.Request(  # noqa: S310 (http and https only: gatefile.notify_rules)
            url, data=body, headers=dict(headers), method="POST"
        )
        with _no_redirect(asked, float(one.deadline)):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return f"{where} answered {error.code}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "reason", None) or error
        text = (
            str(why) if not isinstance(error, ValueError) else "not a valid URL for a POST request"
        )
        return f"{where} could not be reached ({text})"


class _Stay(urllib.request.HTTPRedirectHandler):
    """A POST that is redirected arrives as a GET, without the verdict: that is no success."""

    def redirect_request(self, *_: object) -> None:
        return None


def _no_redirect(asked: urllib.request.Request, deadline: float) -> http.client.HTTPResponse:
    open_: Callable[..., http.client.HTTPResponse] = urllib.request.build_opener(_Stay).open
    return open_(asked, timeout=deadline)
