"""The application: it says that it is well, and which release serves it."""

import json
from collections.abc import Callable, Iterable

from gunicorn import __version__


def app(_environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer every request."""
    body = json.dumps({"status": "ok", "gunicorn": __version__}).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]
