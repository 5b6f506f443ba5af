"""Gate files from what a system is run with already: Compose, Kubernetes, an image.

Each module reads one kind into `Found`, which is written as a commented gate file. Nothing here
boots, and nothing that the gate file cannot say is lost without a word: it stands in `notes`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from pytest_bootgate.cli.origin import image
from pytest_bootgate.cli.origin.written import written
from pytest_bootgate.errors import BootgateError, GateFileError
from pytest_bootgate.gatefile import composed
from pytest_bootgate.gatefile.origin import compose, kubernetes
from pytest_bootgate.gatefile.origin.found import Found, Part
from pytest_bootgate.gatefile.tree import Mistakes, Place, Scalar, shown

#: What of 200 to 399 servers answer with.
_CONTENT = [*range(200, 209), 226, *range(300, 305), 307, 308]
#: A shorter secret stands in texts by chance.
_TELLING = 6


def gate_file(source: str, service: str | None, directory: Path) -> str:
    """The text of a gate file for a Compose file, a manifest, or the name of an image.

    `service` is which of several is gated; paths are relative to `directory`, where it will be.
    Raises `BootgateError` for what is none of them.
    """
    path = Path(source)
    if not path.exists():
        if path.suffix in (".yml", ".yaml", ".json"):
            raise BootgateError(f"There is no {source}. Name a file, or an image.")
        return written(image.read(source), f"the image {source}", directory)
    there = path if path.is_absolute() else Path(os.path.relpath(path, directory))
    documents = compose.documents(path)
    if compose.knows(documents):
        found = _compose(path, service)
        instead = f"system: {{compose: {there}, service: {found.gated.key}}}"
        return written(found, str(path), directory, instead)
    if kubernetes.knows(path):
        found = kubernetes.of_file(path, service)
        parts = {"": found.gated, **{part.name: part for part in found.services}}
        hidden = {
            name: {one: f"${{{_variable(one)}}}" for one in part.secret}
            for name, part in parts.items()
        }
        # Once more, with a variable wherever one of a Secret is put into another text.
        found = _short(kubernetes.of_file(path, service, lambda name: hidden.get(name, {})))
        instead = f"system: {{manifest: {there}, container: {found.gated.key}}}"
        return written(found, str(path), directory, instead)
    raise BootgateError(
        f"{source} is neither a Compose file (services: ...) nor a manifest with a Deployment,"
        " StatefulSet, DaemonSet, ReplicaSet, Job, CronJob or Pod."
    )


def _compose(path: Path, service: str | None) -> Found:
    """As `system: {compose: ...}` reads it, with variables left where a gate file can have them."""
    place, mistakes = Place(shown(path)), Mistakes()
    wanted = None if service is None else Scalar(place, place, service, service)
    origin = composed.service(path, wanted, os.environ, (), mistakes, set(), copied=True)
    if origin is None:
        raise GateFileError(mistakes.lines(path))
    origin.found.gated.lost += origin.beside
    return origin.found


def _short(found: Found) -> Found:
    """What was found in a manifest, as one writes it: with what is still to be set."""
    for part in (found.gated, *found.services):
        for probe in (part.ready, part.first):
            if probe is not None and "status" in probe:
                probe["status"] = [*_CONTENT]
        part.env |= {one.env: f"${{{one.env}:-}}" for one in part.lost if one.env}
        _hide(part)
    return found


def _hide(part: Part) -> None:
    """Put variables of the environment in the place of what a Secret holds.

    Of a text only as a whole: a part of one that is the same (a password `shop`) is none.
    """
    known = {name: part.env[name] for name in sorted(part.secret)}
    names = {secret: name for name, secret in known.items() if len(secret) >= _TELLING}

    def without(text: str) -> str:
        return f"${{{_variable(names[text])}}}" if text in names else text

    for name in part.env:
        hidden = name in known
        part.env[name] = f"${{{_variable(name)}}}" if hidden else without(part.env[name])
    part.command = part.command and [without(word) for word in part.command]
    if "entrypoint" in part.container:
        words = part.container["entrypoint"]
        part.container["entrypoint"] = [without(word) for word in words]
    for path, file in part.files.items():
        if file.get("secret"):
            part.notes.append(f"{path} is not copied: set {_variable(path)} where the gate runs")
            file["text"] = f"${{{_variable(path)}}}"
    part.notes += [
        f"{name} of a Secret is not copied: set {_variable(name)} where the gate runs"
        for name in known
    ]


def _variable(name: str) -> str:
    """The name of an environment variable for what is called so."""
    return re.sub(r"[^A-Z0-9_]", "_", name.upper().strip("/")).lstrip("0123456789") or "SECRET"
