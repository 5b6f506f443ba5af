"""Where a Docker engine is: the one that the docker command would take, or one that was named."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from docker.context import ContextAPI
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from pytest_bootgate.errors import EngineError

#: By this the process that cleans up, and `bootgate clean`, find the hosts of a run.
HOSTS = "BOOTGATE_HOSTS"
WITHOUT = "or boot without containers (--bootgate-engine process) where releases have commands"
_SCHEMES = ("ssh", "tcp", "unix")
_CONTEXT = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]*")


@dataclass(frozen=True, slots=True)
class Address:
    """What the SDK's client takes, and the same in words.

    `name` is the machine's, empty where nobody named it.
    """

    arguments: Mapping[str, Any]
    words: str
    name: str = ""


def hosts(text: str) -> list[str]:
    """What ``--bootgate-hosts`` names. Raises ValueError."""
    found = [one.strip() for one in text.split(",") if one.strip()]
    if not found:
        raise ValueError("name at least one Docker host, such as ssh://user@host")
    for one in found:
        scheme, slashes, rest = one.partition("://")
        if slashes and scheme not in _SCHEMES:
            raise ValueError(f"{one!r} begins with {scheme}://; a Docker host is {_FORMS}")
        if (slashes and not rest) or (not slashes and not _CONTEXT.fullmatch(one)):
            raise ValueError(f"{one!r} is no Docker host, which is {_FORMS}")
        _sound(one)
        if found.count(one) > 1:
            raise ValueError(f"{one!r} is named twice")
    return found


def _sound(address: str) -> None:
    """Raises ValueError, which repeats no password, for an address that is none or has one."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - it raises where it is no port
    except ValueError as error:
        # What cannot be read may hold a password, too.
        raise ValueError(f"a Docker host cannot be read: {error}; it is {_FORMS}") from None
    if parts.password is not None:
        raise ValueError(
            f"the Docker host {parts.hostname} is given with a password, which would be seen in"
            " lists of processes and in results: take keys (ssh) or certificates (tcp)"
        )


_FORMS = "ssh://[USER@]HOST[:PORT], tcp://HOST:PORT, unix:///PATH, or the name of a docker context"


def named(text: str) -> Address:
    """One of `hosts`. Raises `EngineError`."""
    scheme, slashes, rest = text.partition("://")
    if not slashes:
        return _of_context(text, text)
    arguments: dict[str, Any] = {"base_url": text}
    if scheme == "tcp":
        arguments = _by_environment({**os.environ, "DOCKER_HOST": text}, text)
    return Address(arguments, text, rest)


def own() -> Address:
    """The one of ``DOCKER_HOST``, else of the docker command's context. Raises `EngineError`."""
    if host := os.environ.get("DOCKER_HOST"):
        _refuse(host, "DOCKER_HOST")
        words = f"DOCKER_HOST={host}"
        return Address(_by_environment(os.environ, words), words)
    return _of_context(os.environ.get("DOCKER_CONTEXT"), "")


def _refuse(address: str, where: str) -> None:
    try:
        _sound(address)
    except ValueError as error:
        raise EngineError(f"{where} cannot be used: {error}.") from None


def _by_environment(environment: Mapping[str, str], words: str) -> dict[str, Any]:
    try:
        return {**kwargs_from_env(dict(environment))}
    except (DockerException, ValueError) as error:
        raise EngineError(
            f"{words} cannot be used: {error}. Correct it, unset it, {WITHOUT}."
        ) from error


def _of_context(context: str | None, name: str) -> Address:
    try:
        found = ContextAPI.get_context(context)
    except Exception as error:  # the SDK raises bare Exceptions for a damaged context
        raise EngineError(f"The docker context {context or ''} cannot be read: {error}.") from error
    if found is None:
        raise EngineError(
            f"There is no docker context {context or 'of the name in ~/.docker/config.json'}. See"
            " `docker context ls`, then choose one with `docker context use` or DOCKER_CONTEXT."
        )
    if found.Name == "default":
        return Address({}, "the default socket", name)
    _refuse(found.Host or "", f"The docker context {found.Name}")
    arguments = {"base_url": found.Host, "tls": found.TLSConfig or False}
    return Address(arguments, f"context {found.Name}, {found.Host}", name)
