"""A configuration that an overlay adapts: what was changed is told wherever a user would look."""

from __future__ import annotations

import json

import pytest

OWN = {"channels": {"chat": {"enabled": True, "token": "chat-secret-12345"}}}


@pytest.fixture
def own(gate, pytester):
    path = gate()
    (pytester.path / "own.json").write_text(json.dumps(OWN))
    text = path.read_text().replace("bell: 8099}", "bell: 8099, model: 8100}\nconfig: ./own.json")
    assert text.count("gateway:\n") == 1
    files = '  files: {"${dir}/own.json": {path: ./preset.json, overlay: openclaw}}\n'
    path.write_text(text.replace("gateway:\n", f"gateway:\n{files}"))
    return path


def test_what_was_changed_is_told(played, own, pytester):
    words = ("--bootgate-json", "out.json", "--bootgate-html", "out.html")
    done = played(own.name, *words, "-v")
    assert done.ret == 0
    (changes,) = json.loads((pytester.path / "out.json").read_text())["adapted"].values()
    assert "channels.chat.enabled: false" in changes
    page, said = (pytester.path / "out.html").read_text(), done.stdout.str()
    assert f"own.json, changed for the gate in {len(changes)} places" in said
    for text in (page, said):
        assert "channels.chat.enabled: false" in text
        assert "channels.chat.token: removed" in text
        assert "chat-secret" not in text
