"""What a proof must not be: what the target need not have started for."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.commands import says, vain
from pytest_bootgate.gatefile.probe_rules import ProbeRules, texts
from pytest_bootgate.gatefile.tree import Map, Tree, value
from pytest_bootgate.probes import asked, keys


def check_proof(proof: Map, trigger: Map, rules: ProbeRules) -> None:
    """Report what a service, or the trigger itself, could show although nothing started."""
    _by_a_service(proof, rules)
    _by_the_trigger(proof, trigger, rules)


def check_never(never: Map, proof: Map, rules: ProbeRules) -> None:
    """Report what would fail every boot."""
    line, where = never.get("line"), ""
    if isinstance(line, str) and "file" not in never and rules.too_wide(line) == "every":
        where, what = "line", "'line' matches every line"
    if vain([variables.blank(word) for word in texts(never.entries.get("exec"))]):
        where, what = "exec", "this command always succeeds"
    if (same := _asks(never)) and same == _asks(proof):
        where, what = next(iter(same)), "this is what the proof looks for"
    if where:
        way_out = "name only what must not appear"
        rules.mistake(never.at[where], f"{what}, so every boot would fail", way_out)


def _by_a_service(proof: Map, rules: ProbeRules) -> None:
    """A service does its own work whether the target starts or not; a token it cannot know."""
    for key, where, what in (
        ("line", "from", "print this line"),
        ("exec", "in", "make this command succeed"),
    ):
        service, written = proof.get(where), [*texts(proof.entries.get(key))]
        known = any("token" in variables.names(text) for text in written)
        if service in (rules.services or ()) and not known and proof.whole:
            rules.mistake(
                proof.at[key] if key in proof else proof.key,
                f"{service} could {what} although the target never started",
                f"put ${{token}} into '{key}', or make this an earlier phase and ask the gateway"
                " in the proof",
            )


def _by_the_trigger(proof: Map, trigger: Map, rules: ProbeRules) -> None:
    """What the trigger's own command prints says nothing of the gateway."""
    line, command = proof.get("line"), [*texts(trigger.entries.get("exec"))]
    if not isinstance(line, str) or proof.get("from") != "trigger":
        return
    said = [*says([variables.blank(word) for word in command])]
    with contextlib.suppress(re.error, OverflowError, RecursionError):
        pattern = re.compile(variables.blank(line))
        if any(pattern.search(text) for text in said):
            rules.mistake(
                proof.at["line"],
                "the trigger prints this line itself, whatever the gateway does",
                "name what only the started task shows",
            )


def _asks(probe: Map) -> dict[str, Any]:
    """What a probe looks for and where, without what it says besides."""
    known = {key for kind in asked(probe.entries) for key in keys(kind)} - {"every", "patience"}
    found = {key: _plain(tree) for key, tree in probe.entries.items() if key in known}
    return {key: each for key, each in found.items() if (key, each) != ("from", "gateway")}


def _plain(tree: Tree) -> Any:
    """What a tree holds, without where."""
    if isinstance(tree, Map):
        return {key: _plain(each) for key, each in tree.entries.items()}
    return value(tree)
