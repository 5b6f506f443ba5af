"""The two versions to compare, and the files they are given."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pytest_bootgate.demands import Command, Existing, ExistingFiles, must
from pytest_bootgate.gatefile.model.base import Entry
from pytest_bootgate.gatefile.presets import OVERLAYS

_is_overlay = must(
    OVERLAYS.__contains__, "there is no overlay '{value}'", f"write {', '.join(OVERLAYS)}"
)


class File(Entry, frozen=True, kw_only=True):
    """A file that is put into the gateway, or a service, before it starts.

    `path` is where its content comes from, relative to the file that names it; of a directory, or a
        pattern, all files are put below the name: ``path: ./staging.conf``, ``path: "./*.ini"``.
    `text` is its content: ``text: "queue = memory"``.
    `overlay` is how a preset adapts it, a configuration in JSON or JSON5, to the gate; ``bootgate
        check`` lists what that changes: ``overlay: openclaw``.
    `secret` hides every line of the file in all reports: ``secret: true``.
    """

    lone: ClassVar = "path"
    path: ExistingFiles | None = None
    text: str | None = None
    overlay: Annotated[str, _is_overlay] | None = None
    secret: bool = False


class Release(Entry, frozen=True, kw_only=True):
    """One version under gate: an `image`, a `command`, or both.

    `image` is the container image to boot: ``image: "my-api:1.8"``.
    `command` is the command to start; it replaces the gateway's:
        ``command: ["${here}/1.8/serve", --port, "${port.web}"]``.
    `env` are environment variables; they override the gateway's: ``env: {MODE: staging}``.
    `files` are files to put in place; they override the gateway's:
        ``files: {/etc/api.conf: {path: ./api.conf}}``.
    `version` is the version that the gateway's `version` probe must find before a boot counts:
        ``version: "1.8"``.
    `recorded` is an earlier result whose candidate stands in for a baseline that can no longer be
        booted: ``recorded: last-upgrade.json``.
    """

    lone: ClassVar = "image"
    image: str | None = None
    command: Command | None = None
    env: dict[str, str] = {}
    files: dict[str, File] = {}
    version: str | None = None
    recorded: Existing | None = None


class Releases(Entry, frozen=True, kw_only=True):
    """The two versions to compare.

    `candidate` is the new release to judge: ``candidate: {image: "my-api:1.9"}``.
    `baseline` is the release that production runs: ``baseline: {image: "my-api:1.8"}``.
    """

    noun: ClassVar = "the releases"
    candidate: Release
    baseline: Release | None = None
