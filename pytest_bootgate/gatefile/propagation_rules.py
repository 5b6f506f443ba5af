"""What must hold for a propagation test, beyond the types of its entries."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.probe_rules import ProbeRules
from pytest_bootgate.gatefile.tree import Map, Place, did_you_mean, listed

#: The name of the item that stands for a propagation test, next to those of phases.
PROPAGATION = "propagation"


def check_names(targets: Map, add: Callable[[Place, str, str], None]) -> None:
    """No target is called what the propagation tests of all targets are called."""
    if PROPAGATION in targets:
        what = f"'{PROPAGATION}' stands for the propagation test of a target"
        add(targets.keys[PROPAGATION], what, "take another name")


def check_propagation(propagation: Map, target: Map, probes: ProbeRules) -> None:
    """A propagation test names a phase that there is, and a hold that is possible there."""
    hold, add = propagation.get("hold"), probes.mistake
    phases = target.section("phases")
    named = propagation.get("in")
    known = phases.entries and phases.whole and target.whole
    if isinstance(named, str) and known and named not in phases:
        others = f"there are {listed(phases.entries)}"
        way_out = partial(did_you_mean, named, phases.entries, others)
        add(propagation.at["in"], f"unknown phase '{named}'", way_out)
    if PROPAGATION in phases:
        add(
            phases.keys[PROPAGATION],
            f"'{PROPAGATION}' stands for the held boot",
            "take another name",
        )
    if hold == "mute" and not probes.has_stub:
        add(
            propagation.at["hold"],
            "there is no stub that could be mute",
            "add sidecar: {stub: {port: 8099}}, or write hold: pause",
        )
    for key in ("in", "after"):
        if hold == "mute" and key in propagation:
            add(
                propagation.keys[key],
                f"'{key}' has no meaning: a mute stub holds whoever calls it",
                "leave it out",
            )
    if hold == "kill" and "trigger" not in target and target.whole:
        add(
            propagation.at["hold"],
            "without a trigger the gateway is the runner, so there is none to kill",
            "write hold: pause",
        )
    if hold not in (None, "kill") and "runner" in propagation:
        add(propagation.keys["runner"], "'runner' goes only with 'hold: kill'", "leave it out")
    _runner(propagation, probes)


def _runner(propagation: Map, probes: ProbeRules) -> None:
    names = list(variables.names(propagation.get("runner") or ""))
    if names:
        probes.mistake(
            propagation.at["runner"],
            f"'runner' knows no variables, not '${{{names[0]}}}' either",
            "write a regular expression",
        )
    else:
        probes.pattern(propagation, "runner")
