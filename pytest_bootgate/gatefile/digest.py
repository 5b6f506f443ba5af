"""What a gate file measures, as a digest: results are comparable only where it is the same."""

from __future__ import annotations

import hashlib
import json

import msgspec

from pytest_bootgate.gatefile.load import PRESETS, Loaded

#: What is compared, and how it is judged, does not change what a boot is.
_RULES = ("releases", "gate", "state", "notify")


def measures(loaded: Loaded) -> str:
    """A digest of everything in a gate file that decides what a boot is."""
    plain = msgspec.to_builtins(loaded.gate, enc_hook=float)
    for rule in _RULES:
        plain.pop(rule, None)
    # Nor does what a phase may take, so a result stays comparable under limits set after it.
    for target in (plain.get("target") or {}, *plain["targets"].values()):
        target.pop("propagation", None)  # a boot of its own
        target.pop("timeout_of", None)  # words of reports
        for probe in (*target.get("phases", {}).values(), target.get("proof") or {}):
            for rule in ("limit", "deadline"):
                probe.pop(rule, None)
    # Keys that came later change no digest where nobody uses them.
    for each in (plain.get("target") or {}, plain["gateway"], *plain["targets"].values()):
        for probe in (*each.get("phases", {}).values(), each.get("proof") or {}):
            if not probe.get("waits"):
                probe.pop("waits", None)
    if plain["system"] is not None:
        plain["system"] = {k: each for k, each in plain["system"].items() if each is not None}
    text = json.dumps(plain, sort_keys=True)
    # The same gate file in another checkout, with the plugin installed elsewhere.
    for directory in (str(PRESETS), str(loaded.path.parent)):
        text = text.replace(directory, "")
    return hashlib.sha256(text.encode()).hexdigest()[:16]
