"""The connection to a Docker engine, and its errors as sentences that help."""

from __future__ import annotations

import http.client
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import docker
import requests
import urllib3
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env

from pytest_bootgate.errors import EngineError, in_words, lacking

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
_WITHOUT = "or boot without containers (--bootgate-engine process) where releases have commands"


class DockerApi:
    """Clients of one engine, lent to one thread at a time.

    The engine is the one of ``DOCKER_HOST``, else of the docker command's current context.
    Raises `EngineError` where no engine answers, from the start on.
    """

    def __init__(self) -> None:
        self._arguments, self._where = _address()
        self._idle: list[APIClient] = []
        self._lock = threading.Lock()
        self._api_version = "auto"
        self._timeout = CALL_TIMEOUT
        self.version = ""
        with self._explained("reach the engine"):
            _knock(self._arguments.get("base_url", DEFAULT_UNIX_SOCKET.removeprefix("http+")))
        with self.call("reach the engine") as client:
            self._api_version = client.api_version
            self.version = str(client.version()["Version"])

    @contextmanager
    def call(self, doing: str) -> Iterator[APIClient]:
        """A client for some calls; `doing` finishes the sentence "could not …".

        `NotFound` and other answers of the engine that the caller expects are to be caught
        inside; all that leaves becomes an `EngineError`.
        """
        with self._explained(doing):
            with self._lock:
                client = self._idle.pop() if self._idle else None
            client = client or docker.APIClient(version=self._api_version, **self._arguments)
            client.timeout = self._timeout
            try:
                yield client
            finally:
                with self._lock:
                    self._idle.append(client)

    def close(self) -> None:
        """Close the connections; the next call opens one again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for client in idle:
            client.close()

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
            words = _unreachable(error, doing, self._where, self._timeout, once=bool(self.version))
            if _timed_out(error):
                self._timeout = _HUNG_TIMEOUT
            raise EngineError(words) from error


def said(error: APIError) -> str:
    """What the engine said, without the SDK's wrapping."""
    return str(error.explanation or error).strip().rstrip(".")


@contextmanager
def gone_is_fine() -> Iterator[None]:
    """For what may have been removed by somebody else."""
    with suppress(NotFound):
        yield


def _address() -> tuple[dict[str, Any], str]:
    """The client's arguments, and the address for people."""
    if os.environ.get("DOCKER_HOST"):
        try:
            return {**kwargs_from_env()}, f"DOCKER_HOST={os.environ['DOCKER_HOST']}"
        except (DockerException, ValueError) as error:
            raise EngineError(
                f"DOCKER_HOST={os.environ['DOCKER_HOST']} cannot be used: {error}. Correct it,"
                f" unset it, {_WITHOUT}."
            ) from error
    name = os.environ.get("DOCKER_CONTEXT")
    try:
        context = ContextAPI.get_context(name)
    except Exception as error:  # the SDK raises bare Exceptions for a damaged context
        raise EngineError(f"The docker context {name or ''} cannot be read: {error}.") from error
    if context is None:
        raise EngineError(
            f"There is no docker context {name or 'of the name in ~/.docker/config.json'}. See"
            " `docker context ls`, then choose one with `docker context use` or DOCKER_CONTEXT."
        )
    if context.Name == "default":
        return {}, "the default socket"
    return (
        {"base_url": context.Host, "tls": context.TLSConfig or False},
        f"context {context.Name}, {context.Host}",
    )


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
            f" and log in again, {_WITHOUT}."
        )
    if _timed_out(error):
        return (
            f"Docker could not {doing} within {timeout} s ({where}). Check whether the engine is"
            " overloaded or hangs (`docker info`)."
        )
    if "Install paramiko" in text:
        return (
            f"Reaching Docker over ssh ({where}) needs another package: pip install 'docker[ssh]'."
        )
    if once and any(sign in text for sign in _NOBODY):
        return (
            f"The Docker engine ({where}) stopped or restarted during the gate: it no longer"
            f" answers, so it could not {doing}. Start it and rerun."
        )
    if any(sign in text for sign in _NOBODY):
        return (
            f"No Docker engine answers ({where}). Start Docker (`docker info` must work),"
            f" correct DOCKER_HOST, {_WITHOUT}."
        )
    return (
        f"Docker ({where}) could not {doing}: {str(error).rstrip('.')}. Check that `docker info`"
        f" works and that DOCKER_HOST is right, {_WITHOUT}."
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
