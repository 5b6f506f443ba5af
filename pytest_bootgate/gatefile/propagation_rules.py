"""What must hold for a propagation test, beyond the types of its entries."""

from __future__ import annotations

import re
from functools import partial

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.check import Section
from pytest_bootgate.gatefile.patterns import ONE_WAY, Trials
from pytest_bootgate.gatefile.tree import Mistakes, did_you_mean, listed

#: The name of the item that stands for a propagation test, next to those of phases.
PROPAGATION = "propagation"


class PropagationRules:
    """The rules of propagation tests in one gate file."""

    def __init__(self, gate: Section, mistakes: Mistakes, trials: Trials) -> None:
        sidecar = gate.section("sidecar")
        self._stub = "stub" in sidecar or not sidecar.whole
        self._mistakes, self._trials = mistakes, trials

    def check(self, propagation: Section, target: Section) -> None:
        """A propagation test names a phase that there is, and a hold that is possible there."""
        hold, add = propagation.get("hold"), self._mistakes.add
        phases = target.section("phases")
        named = propagation.get("in")
        if isinstance(named, str) and phases.keys and named not in phases.keys:
            others = f"there are {listed(phases.keys)}"
            way_out = partial(did_you_mean, named, phases.keys, others)
            add(propagation.at["in"], f"unknown phase '{named}'", way_out)
        if PROPAGATION in phases.keys:
            add(
                phases.keys[PROPAGATION],
                f"'{PROPAGATION}' stands for the held boot",
                "take another name",
            )
        if hold == "mute" and not self._stub:
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
        self._pattern(propagation)
        for key, example in (("timeout", "60s"), ("for", "15s"), ("listen", "30s")):
            value = propagation.get(key)
            if value is not None and value <= 0:
                add(propagation.at[key], f"'{key}' must be more than 0", f"write {example}")

    def _pattern(self, propagation: Section) -> None:
        text = propagation.get("runner")
        if not isinstance(text, str):
            return
        if names := list(variables.names(text)):
            self._mistakes.add(
                propagation.at["runner"],
                f"'runner' knows no variables, not '${{{names[0]}}}' either",
                "write a regular expression",
            )
            return
        try:
            pattern = re.compile(text)
        except (re.error, OverflowError, RecursionError) as error:
            place = propagation.at["runner"]
            self._mistakes.add(place, "'runner' is not a regular expression", str(error))
            return
        if self._trials.takes_for_ever(pattern):
            place = propagation.at["runner"]
            self._mistakes.add(place, "'runner' takes for ever on some short lines", ONE_WAY)
