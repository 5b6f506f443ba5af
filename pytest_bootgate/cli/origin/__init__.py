"""Gate files from what a system is run with already: Compose, Kubernetes, an image.

Each module reads one kind into `Found`, which is written as a commented gate file. Nothing here
boots, and nothing that the gate file cannot say is lost without a word: it stands in `notes`.
"""

from __future__ import annotations

import os
from pathlib import Path

from pytest_bootgate.cli.origin import image, kubernetes
from pytest_bootgate.cli.origin.written import written
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.origin import compose


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
    documents = compose.documents(path)
    for kind in (compose, kubernetes):
        if kind.knows(documents):
            found = kind.read(documents, path, service)
            instead = ""
            if kind is compose:
                there = path if path.is_absolute() else os.path.relpath(path, directory)
                instead = f"system: {{compose: {there}, service: {found.gated.key}}}"
            return written(found, str(path), directory, instead)
    raise BootgateError(
        f"{source} is neither a Compose file (services: ...) nor a manifest with a Deployment,"
        " StatefulSet, DaemonSet, ReplicaSet, Job, CronJob or Pod."
    )
