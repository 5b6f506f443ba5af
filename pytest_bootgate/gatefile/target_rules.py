"""What must hold in a target, and for the names in a gate file."""

from __future__ import annotations

from collections.abc import Callable

from pytest_bootgate.gatefile.model import ACCEPTED
from pytest_bootgate.gatefile.probe_rules import ProbeRules
from pytest_bootgate.gatefile.proof_rules import check_never, check_proof
from pytest_bootgate.gatefile.propagation_rules import check_propagation
from pytest_bootgate.gatefile.tree import Map, Place, did_you_mean, listed

#: The name of the item that stands for a whole boot, next to those of its phases.
WHOLE_BOOT = "boot"


_PROOF = '`proof: {http: ":8080/health"}`'


def check_target(target: Map, gate: Map, probes: ProbeRules) -> None:
    """Report everything in a target that contradicts itself."""
    _TargetRules(gate, probes).all(target)


class _TargetRules:
    def __init__(self, gate: Map, probes: ProbeRules) -> None:
        self._gate, self._probes, self._add = gate, probes, probes.mistake

    def all(self, target: Map) -> None:
        phases = target.section("phases")
        triggered = "trigger" in target or not target.whole
        proved = phases.entries or not phases.whole or "proof" in target  # there, it is broken
        if not proved and target.whole:
            self._add(
                target.key,
                "nothing proves that this target started",
                f"give it phases or a proof, for example {_PROOF}",
            )
        well_named(self._add, phases, "phase", path=True)
        well_named(self._add, target.section("signals"), "signal", path=False)
        well_named(self._add, target.section("stages"), "stages entry", path=False)
        last = next(reversed([*phases.entries]), None)
        for name, phase in target.sections("phases").items():
            self._phase(name, phase, target, triggered=triggered, last=name == last)
        if last == ACCEPTED and target.get("trigger") is not None:
            self._add(
                phases.keys[last],
                "that the trigger was accepted does not prove that its task started",
                "add the phase that only the started task shows, or name this one for it",
            )
        for signal in target.sections("signals").values():
            self._probes.probe(signal, triggered=triggered)
            if signal.get("forbid") and signal.get("means") == "ok":
                what = "a report of success cannot be forbidden"
                self._add(signal.keys["forbid"], what, "leave it out, or drop means: ok")
        if isinstance(target.get("never"), Map):
            self._probes.probe(target.section("never"), triggered=triggered)
            check_never(target.section("never"), phases.section(last or ""), self._probes)
        self._clock(target, phases)
        for stages in target.sections("stages").values():
            self._probes.stages(stages, triggered=triggered)
        if self._gate.section("services").entries and not triggered:
            for phase in target.sections("phases").values():
                if "stub" in phase:
                    what = "a service could call the stub as well"
                    way_out = "add a trigger with ${token}, or take another probe"
                    self._add(phase.keys["stub"], what, way_out)
        if isinstance(target.get("trigger"), Map):
            self._probes.trigger(target.section("trigger"))
        if target.get("start") == "warm":
            self._warm(target)
        elif self._shares_gateway(target):
            self._fresh(target, "another target's job")
        if isinstance(target.get("propagation"), Map):
            check_propagation(target.section("propagation"), target, self._probes)

    def _clock(self, target: Map, phases: Map) -> None:
        """The mark from which on boots are compared is one that all of them show, and no proof."""
        since, names = target.get("from"), [*phases.entries]
        if since is None or not phases.whole:
            return
        if since not in names:
            way_out = did_you_mean(since, names[:-1], f"there are {listed(names[:-1])}")
            self._add(target.at["from"], f"there is no phase '{since}'", way_out)
        elif since == names[-1] or phases.section(since).get("optional"):
            what = "is the proof" if since == names[-1] else "may be missing"
            self._add(
                target.at["from"],
                f"the phase '{since}' {what}",
                "name an earlier phase that is not optional",
            )

    def _phase(self, name: str, phase: Map, target: Map, *, triggered: bool, last: bool) -> None:
        self._probes.probe(phase, triggered=triggered)
        self._probes.mark(phase)
        if last:
            check_proof(phase, target.section("trigger"), self._probes)
        if name == WHOLE_BOOT:
            self._add(phase.key, f"'{WHOLE_BOOT}' stands for the whole boot", "take another name")
        if last and phase.get("optional"):
            self._add(
                phase.keys["optional"],
                "the last phase proves the start, so it is not optional",
                "leave it out",
            )
        if not last and phase.get("stays") is not None:
            self._add(phase.keys["stays"], "only the proof, the last phase, stays", "leave it out")
        timeout = target.get("timeout")
        for key in ("limit", "deadline"):
            value = phase.get(key)
            if value is not None and timeout is not None and value > timeout > 0:
                self._add(
                    phase.at[key],
                    f"'{key}' ({value:g}s) is more than the target's timeout ({timeout:g}s)",
                    "shorten it, or lengthen the timeout",
                )

    def _warm(self, target: Map) -> None:
        place = target.at["start"]
        if "trigger" not in target:
            if target.whole:
                self._add(
                    place,
                    "without a trigger every boot is a start of the gateway, so none is warm",
                    "write start: cold, or add a trigger",
                )
            return
        self._fresh(target, "an earlier boot", ", or write start: cold")

    def _shares_gateway(self, target: Map) -> bool:
        """Whether an upgrade in place runs other targets' jobs on the same gateway."""
        if self._gate.get("upgrade") != "in-place" or target.get("trigger") is None:
            return False
        targets = self._gate.sections("targets").values()
        return sum(t.get("trigger") is not None and "extends" not in t for t in targets) > 1

    def _fresh(self, target: Map, other: str, else_: str = "") -> None:
        phases = target.sections("phases")
        if target.get("trigger") is not None and phases:
            proof = list(phases.values())[-1]
            self._probes.fresh(proof, target.section("trigger"), other, else_)


def well_named(
    add: Callable[[Place, str, str], None], section: Map, noun: str, *, path: bool
) -> None:
    """Names become parts of pytest's item ids, and those of targets and phases of paths."""
    for name, place in section.keys.items():
        if not name or name != name.strip():
            what = f"the {noun} '{name}' is empty or has spaces around it"
            add(place, what, "take another name")
        for part in ("::", "[", "]", "@", *(("/",) if path else ())):
            if part in name:
                add(place, f"the name of a {noun} cannot hold '{part}'", "take another name")
                break
