"""The way back to whoever triggered: commands and webhooks that get the verdict."""

from __future__ import annotations

import http.client
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pytest_bootgate.events import Hear, NotificationFailed
from pytest_bootgate.gatefile.model import Notify
from pytest_bootgate.gatefile.variables import fill, fill_all
from pytest_bootgate.masking import Mask
from pytest_bootgate.reports.notice import notice
from pytest_bootgate.result import GateResult

_SAID = 300  # characters of what a command said


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
            untold.append(f"{name} could not be told: {why}")
            hear(NotificationFailed(run=result.run, to=name, detail=why))
        else:
            told.append(name)
    return told, untold


class _UntoldError(Exception):
    """Why somebody could not be told, in half a sentence, without secrets."""


def _run(one: Notify, body: bytes, here: Path, mask: Mask) -> None:
    command = [fill(word, {"here": str(here)}) for word in one.command or ()]
    try:
        ran = subprocess.run(
            command,
            input=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=here,
            timeout=float(one.deadline),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _UntoldError(f"`{command[0]}` still ran after {one.deadline:g} s") from None
    except OSError as error:
        raise _UntoldError(f"`{command[0]}` could not be run: {error.strerror or error}") from None
    if ran.returncode != 0:
        said = mask.text(ran.stdout.decode(errors="replace"))
        last = " / ".join(said.strip().splitlines()[-3:])[-_SAID:]
        raise _UntoldError(f"`{command[0]}` ended with {ran.returncode}{last and f': {last}'}")


def _post(one: Notify, body: bytes, here: Path) -> None:
    url = fill(one.webhook or "", {"here": str(here)})
    where = urlsplit(url).hostname or "the webhook"  # the path of a webhook is often its secret
    headers: Mapping[str, str] = fill_all(one.headers, {"here": str(here)})
    try:
        asked = urllib.request.Request(  # noqa: S310 (http and https only: gatefile.notify_rules)
            url, data=body, headers={"Content-Type": "application/json", **headers}, method="POST"
        )
        with _no_redirect(asked, float(one.deadline)):
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise _UntoldError(f"{where} answered {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "reason", None) or error
        text = str(why) if not isinstance(error, ValueError) else "not a URL that can be posted to"
        raise _UntoldError(f"{where} could not be reached ({text})") from None


class _Stay(urllib.request.HTTPRedirectHandler):
    """A POST that is redirected arrives as a GET, without the verdict: that is no success."""

    def redirect_request(self, *_: object) -> None:
        return None


def _no_redirect(asked: urllib.request.Request, deadline: float) -> http.client.HTTPResponse:
    open_: Callable[..., http.client.HTTPResponse] = urllib.request.build_opener(_Stay).open
    return open_(asked, timeout=deadline)
