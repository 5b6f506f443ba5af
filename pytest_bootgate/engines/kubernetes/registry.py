"""What an image says of itself, asked of its registry: a cluster does not tell its entry point."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx2

from pytest_bootgate.errors import EngineError

_TIMEOUT = 10.0
_KINDS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        *("oci.image.index.v1", "docker.distribution.manifest.list.v2"),
        *("oci.image.manifest.v1", "docker.distribution.manifest.v2"),
    )
)
_HUB = "registry-1.docker.io"
_ALSO_HUB = ("docker.io", "index.docker.io")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Config:
    """What an image is made to run: `health` is its health check as a command, if it has one."""

    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    health: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def config(image: str) -> Config:
    """What an image says of itself. Raises `EngineError` where its registry does not tell."""
    with _asked(image) as (registry, reference):
        found = registry.get(f"manifests/{reference}")
        if "manifests" in found:
            found = registry.get(f"manifests/{_mine(found['manifests'])}")
        said = registry.get(f"blobs/{found['config']['digest']}").get("config") or {}
    entrypoint, command = said.get("Entrypoint") or (), said.get("Cmd") or ()
    return Config(tuple(entrypoint), tuple(command), _health(said))


def pinned(image: str) -> str:
    """An image by its digest, which is the same everywhere. Raises `EngineError` as `config`."""
    name, at, _ = image.partition("@")
    if at:
        return image
    with _asked(image) as (registry, reference):
        digest = hashlib.sha256(registry.fetch(f"manifests/{reference}")).hexdigest()
    return f"{name}@sha256:{digest}"


@contextmanager
def _asked(image: str) -> Iterator[tuple[_Registry, str]]:
    host, repository, reference = parsed(image)
    try:
        with httpx2.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
            yield _Registry(client, host, repository), reference
    except (httpx2.HTTPError, KeyError, ValueError) as error:
        raise EngineError(
            f"The registry of image {image} does not say what the image runs:"
            f" {str(error) or type(error).__name__}. Write it out: `command`, and"
            " container: {entrypoint: [...]} ([] for none)."
        ) from error


def parsed(image: str) -> tuple[str, str, str]:
    """The host, the repository and the tag or digest in the name of an image."""
    name, _, digest = image.partition("@")
    first, slash, rest = name.partition("/")
    if slash and (set(".:") & set(first) or first == "localhost"):
        host, name = (_HUB if first in _ALSO_HUB else first), rest
    else:
        host = _HUB
    name, _, tag = name.partition(":")
    if host == _HUB and "/" not in name:
        name = f"library/{name}"
    return host, name, digest or tag or "latest"


def _mine(manifests: list[dict[str, Any]]) -> str:
    """The digest of the image for Linux and the architecture of this machine."""
    machine = _ARCHITECTURES.get(os.uname().machine, os.uname().machine)
    for one in manifests:
        platform = one.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", machine):
            return str(one["digest"])
    return str(manifests[0]["digest"])


def _health(said: Mapping[str, Any]) -> tuple[str, ...]:
    kind, *command = (said.get("Healthcheck") or {}).get("Test") or ["NONE"]
    if kind == "CMD-SHELL":
        return (*(said.get("Shell") or ["/bin/sh", "-c"]), *command)
    return tuple(command)


class _Registry:
    """One repository, over HTTPS, or HTTP where only that is spoken, with `docker login`'s word."""

    def __init__(self, client: httpx2.Client, host: str, repository: str) -> None:
        self._client, self._host = client, host
        self._headers = {"Accept": _KINDS}
        self._base = f"https://{host}/v2/{repository}"
        try:
            client.get(f"https://{host}/v2/")
        except httpx2.ConnectError:
            if host == _HUB:
                raise
            self._base = f"http://{host}/v2/{repository}"

    def get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.fetch(path))
        return found

    def fetch(self, path: str) -> bytes:
        answer = self._client.get(f"{self._base}/{path}", headers=self._headers)
        if answer.status_code == 401 and "Authorization" not in self._headers:
            self._headers["Authorization"] = self._login(answer.headers["WWW-Authenticate"])
            answer = self._client.get(f"{self._base}/{path}", headers=self._headers)
        answer.raise_for_status()
        return bytes(answer.content)

    def _login(self, challenge: str) -> str:
        basic = _docker_login(self._host)
        if challenge.lower().startswith("basic"):
            return f"Basic {basic}"
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        headers = {"Authorization": f"Basic {basic}"} if basic else {}
        answer = self._client.get(wanted.pop("realm"), params=wanted, headers=headers)
        answer.raise_for_status()
        said = answer.json()
        return f"Bearer {said.get('token') or said['access_token']}"


def _docker_login(host: str) -> str:
    """User and password as `docker login` has kept them, empty for none."""
    directory = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    try:
        auths = json.loads(Path(directory, "config.json").read_text()).get("auths") or {}
    except (OSError, ValueError):
        return ""
    names = (host, f"https://{host}") + (("https://index.docker.io/v1/",) * (host == _HUB))
    for name in names:
        if found := (auths.get(name) or {}).get("auth"):
            base64.b64decode(found)
            return str(found)
    return ""
