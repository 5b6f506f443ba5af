"""The connection to a Docker engine, and its errors as sentences that help."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from typing import TYPE_CHECKING, Any

import docker
import requests
import urllib3
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.errors import APIError, DockerException, NotFound

from pytest_bootgate.engines.docker_address import WITHOUT, Address, own
from pytest_bootgate.engines.ssh import Tunnel
from pytest_bootgate.errors import EngineError, LostError, in_words, lacking

if TYPE_CHECKING:
    from docker.api import APIClient

#: How many seconds one call may take; streams and pulls have no such deadline.
CALL_TIMEOUT = 60
#: The same once a call was not answered: what is left to do must not take a minute each time.
_HUNG_TIMEOUT = 5
_NOBODY = (
    *("FileNotFoundError", "refused", "Connection aborted", "RemoteDisconnected", "reset by"),
    *("NameResolutionError", "gaierror"),
)
#: Not what goes wrong with files of this machine.
_AWAY = (
    *(requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException),
    *(ConnectionError, TimeoutError),
)


class DockerApi:
    """Clients of one engine, lent to one thread at a time.

    Without an `address` the engine is the one of ``DOCKER_HOST``, else of the docker command's
    current context. Raises `EngineError` where no engine answers, from the start on. If it does not
    later on, and `lost` is given, that is told why, and a `LostError` is raised.
    """

    def __init__(
        self, address: Address | None = None, *, lost: Callable[[str], None] | None = None
    ) -> None:
        address = address or own()
        self._arguments, self._where = {**address.arguments}, address.words
        self._lost = lost
        self._guard: Callable[[], None] = lambda: None
        self._tunnel: Tunnel | None = None
        if str(self._arguments.get("base_url", "")).startswith("ssh://"):
            self._tunnel = Tunnel(str(self._arguments["base_url"]))
            self._arguments = {"base_url": self._tunnel.address}
        self._idle: list[APIClient] = []
        self._lock = threading.Lock()
        self._api_version = "auto"
        self._timeout = CALL_TIMEOUT
        self.version = ""
        try:
            if self._tunnel is None:
                default = DEFAULT_UNIX_SOCKET.removeprefix("http+")
                with self._explained("reach the engine"):
                    _knock(str(self._arguments.get("base_url", default)))
            with self.call("reach the engine") as client:
                self._api_version = client.api_version
                self.version = str(client.version()["Version"])
        except BaseException:
            self.close()
            raise

    def guarded(self, guard: Callable[[], None]) -> DockerApi:
        """The same clients; `guard` is called before each call, and may raise."""
        twin = copy(self)
        twin._guard = guard  # noqa: SLF001
        return twin

    @contextmanager
    def call(self, doing: str) -> Iterator[APIClient]:
        """A client for some calls; `doing` finishes the sentence "could not …".

        `NotFound` and other answers of the engine that the caller expects are to be caught
        inside; all that leaves becomes an `EngineError`.
        """
        self._guard()
        with self._explained(doing):
            with self._lock:
                client = self._idle.pop() if self._idle else None
            client = client or self._client()
            client.timeout = self._timeout
            try:
                yield client
            finally:
                with self._lock:
                    self._idle.append(client)

    def _client(self) -> APIClient:
        client = docker.APIClient(version=self._api_version, **self._arguments)
        if self._tunnel is not None:
            # The SDK opens a connection for each URL, which over ssh takes a tenth of a second.
            adapter: Any = client.get_adapter(client.base_url)
            known = adapter.get_connection
            adapter.get_connection = lambda _, proxies=None: known(client.base_url, proxies)
        return client

    def close(self) -> None:
        """Close the connections; the next call opens one again, but for ssh."""
        with self._lock:
            idle = self._idle[:]
            self._idle.clear()
        for client in idle:
            client.close()
        if self._tunnel is not None:
            self._tunnel.close()

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except APIError as error:
            raise EngineError(f"Docker could not {doing}: {said(error)}.") from error
        except (
            DockerException,
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
            ValueError,
        ) as error:
            words = _unreachable(error, doing, self._place, self._timeout, once=bool(self.version))
            if _timed_out(error):
                self._timeout = _HUNG_TIMEOUT
            away = isinstance(error, _AWAY) and _lack(error) is None
            if self._lost is None or not self.version or not away:
                raise EngineError(words) from error
            self._lost(words)
            raise LostError(words.rstrip(".")) from error

    @property
    def _place(self) -> str:
        """Where the engine is, and what ssh says of it."""
        said = "" if self._tunnel is None else self._tunnel.complaint
        return f"{self._where}: {said}" if said else self._where


def said(error: APIError) -> str:
    """What the engine said, without the SDK's wrapping."""
    return str(error.explanation or error).strip().rstrip(".")


@contextmanager
def gone_is_fine() -> Iterator[None]:
    """For what may have been removed by somebody else."""
    with suppress(NotFound):
        yield


def _knock(address: str) -> None:
    """Fail early and cleanly: the SDK leaks a socket that could not be connected."""
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(CALL_TIMEOUT)
            door.connect(address.removeprefix("unix://"))


def _timed_out(error: Exception) -> bool:
    return "timed out" in _whole(error).lower()


def _unreachable(error: Exception, doing: str, where: str, timeout: int, *, once: bool) -> str:
    if (lack := _lack(error)) is not None:
        return in_words(lack)
    text = _whole(error)
    if "PermissionError" in text or "Permission denied" in text:
        return (
            f"The Docker engine ({where}) refuses this user. Add the user to the `docker` group"
            f" and log in again, {WITHOUT}."
        )
    if _timed_out(error):
        return (
            f"Docker could not {doing} within {timeout} s ({where}). Check whether the engine is"
            " overloaded or hangs (`docker info`)."
        )
    if once and any(sign in text for sign in _NOBODY):
        return (
            f"The Docker engine ({where}) stopped or restarted during the gate: it no longer"
            f" answers, so it could not {doing}. Start it and rerun."
        )
    if any(sign in text for sign in _NOBODY):
        return (
            f"No Docker engine answers ({where}). Start Docker (`docker info` must work),"
            f" correct DOCKER_HOST, {WITHOUT}."
        )
    return (
        f"Docker ({where}) could not {doing}: {str(error).rstrip('.')}. Check that `docker info`"
        f" works and that DOCKER_HOST is right, {WITHOUT}."
    )


def _lack(error: BaseException | None) -> OSError | None:
    """What this machine lacked, which the SDK tells as an engine that does not answer."""
    while error is not None and not (isinstance(error, OSError) and lacking(error)):
        error = error.__cause__ or error.__context__
    return error


def _whole(error: BaseException) -> str:
    """An error and what it came from: the SDK buries the reason."""
    inner = error.__cause__ or error.__context__
    return repr(error) + (_whole(inner) if inner is not None else "")
