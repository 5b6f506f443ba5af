"""Health checks that are commands: which of them only ask an endpoint."""

from __future__ import annotations

import pytest

from pytest_bootgate.gatefile.origin.probes import CONTENT, of_command


@pytest.mark.parametrize(
    ("text", "probe"),
    [
        ("curl -f http://localhost:8000/health", {"http": ":8000/health"}),
        ("curl -fsS -m 3 -o /dev/null http://127.0.0.1/ || exit 1", {"http": ":80/"}),
        ("curl -f 'http://localhost:9000/?a=b'", {"http": ":9000/?a=b"}),
        ("curl --fail -k https://localhost/x", {"http": "https://:443/x", "verify": False}),
        # They follow redirects.
        ("curl -fL http://localhost:8000/health", None),
        ("wget -q --spider http://localhost:9000/live", None),
        # It never fails.
        ("curl -f http://localhost:8000/health || exit 0", None),
        # Curl by itself takes an error 500 for success.
        ("curl http://localhost:8000/health", None),
        ("curl -f -H 'Host: shop.example' http://localhost/", None),
        ("curl -f -X POST http://localhost/", None),
        ("curl -fs http://localhost/ | grep ok", None),
        ("curl -f http://localhost/$PAGE", None),
        ("curl -f http://localhost/?a=b&c=d", None),
        ("curl -f http://localhost/a http://localhost/b", None),
        ("curl -f http://db:8000/", None),
        ("python check.py http://localhost/", None),
        ("curl -f 'http://localhost/", None),
        ("", None),
    ],
)
def test_a_command(text, probe):
    words = ["sh", "-c", text]
    assert of_command(words) == ({**probe, "status": CONTENT} if probe else {"exec": words})


def test_words():
    words = ["curl", "-f", "http://localhost:8000/health"]
    assert of_command(words) == {"http": ":8000/health", "status": CONTENT}
    assert {200, 202, 204, 302} < set(CONTENT)  # for all of which curl exits with 0
    assert of_command(["pg_isready", "-q"]) == {"exec": ["pg_isready", "-q"]}
