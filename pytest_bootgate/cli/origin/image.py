"""An image by itself: its own health check and ports."""

from __future__ import annotations

import re

from pytest_bootgate.gatefile.commands import vain
from pytest_bootgate.gatefile.origin.found import Found, Part

#: The defaults of a health check of an image, in seconds.
_INTERVAL, _RETRIES = 30.0, 3


def read(name: str) -> Found:
    """What the image says of itself, pulled where it is missing. Raises `BootgateError`."""
    from pytest_bootgate.engines.docker_api import DockerApi
    from pytest_bootgate.engines.images import image_id, pull

    api = DockerApi()
    try:
        with api.call(f"look at image {name}") as client:
            if not client.images(name):
                pull(client, name)
            about = client.inspect_image(image_id(client, name))  # type: ignore[no-untyped-call]
    finally:
        api.close()
    config = about.get("Config") or {}
    repository = name.partition("@")[0].rpartition("/")[2].partition(":")[0]
    part = Part(name=re.sub(r"[^A-Za-z0-9._-]", "-", repository) or "boot", image=name)
    health = config.get("Healthcheck") or {}
    ports = sorted(int(port.partition("/")[0]) for port in config.get("ExposedPorts") or {})
    kind, *words = health.get("Test") or ["NONE"]
    if kind != "NONE":
        command = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        # In the gate file it stands by name; what it runs says whether it is a proof.
        part.ready = {"exec": command} if vain(command) else {"healthcheck": True}
        interval = (health.get("Interval") or 0) / 1e9 or _INTERVAL
        start = (health.get("StartPeriod") or 0) / 1e9
        part.timeout = start + (health.get("Retries") or _RETRIES) * interval
    part.ports = ports
    return Found(part)
