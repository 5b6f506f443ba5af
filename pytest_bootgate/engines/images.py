"""Images of an engine: found, or pulled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker.errors import APIError, NotFound
from docker.utils import parse_repository_tag

from pytest_bootgate.engines.docker_api import said
from pytest_bootgate.errors import ImageError

if TYPE_CHECKING:
    from docker.api import APIClient


def image_id(client: APIClient, image: str) -> str:
    """The id of an image that is here."""
    return str(client.inspect_image(image)["Id"])  # type: ignore[no-untyped-call]


def have(client: APIClient, image: str) -> str:
    """The id of an image, pulled where it is missing. Raises `ImageError`."""
    try:
        return image_id(client, image)
    except NotFound:
        pull(client, image)
    except APIError as error:
        raise not_pulled(image, said(error)) from error
    return image_id(client, image)


def pull(client: APIClient, image: str) -> None:
    """Pull one image; what the engine says about it arrives inside the stream, or as an answer."""
    repository, tag = parse_repository_tag(image)
    try:
        for step in client.pull(repository, tag or "latest", stream=True, decode=True):
            if "error" in step:
                raise not_pulled(image, str(step["error"]))
    except APIError as error:
        raise not_pulled(image, said(error)) from error


def not_pulled(image: str, why: str) -> ImageError:
    """The error that says why an image is not here, and what to do."""
    text, why = why.lower(), why.strip().rstrip(".")
    if "invalid reference" in text or "invalid repository" in text:
        return ImageError(f"{image!r} is not the name of an image: {why}.")
    if any(
        sign in text for sign in ("not found", "manifest unknown", "does not exist", "no such i")
    ):
        if "pull access denied" in text or "may require" in text:
            return ImageError(
                f"Image {image} is neither local nor in its registry, or pulling it requires"
                f" `docker login`: {why}. Check the name and tag, build it, or log in."
            )
        return ImageError(
            f"Image {image} is neither local nor in its registry: {why}. Check the name and tag, or"
            " build it first."
        )
    if any(sign in text for sign in ("unauthorized", "authentication", "denied", "credentials")):
        return ImageError(
            f"The registry denies this user access to {image}: {why}. Run `docker"
            f" login`{_registry(image)} first."
        )
    return ImageError(
        f"Image {image} is not local and could not be pulled from its registry: {why}. Check that"
        " the registry is reachable, or load the image (`docker load`), and rerun."
    )


def _registry(image: str) -> str:
    host, slash, _ = image.partition("/")
    return f" {host}" if slash and ("." in host or ":" in host) else ""
