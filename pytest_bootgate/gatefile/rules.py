"""What must hold in a whole gate file, so that its verdict can mean something."""

from __future__ import annotations

import math

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.check import Section
from pytest_bootgate.gatefile.model import Gate
from pytest_bootgate.gatefile.notify_rules import check_notification
from pytest_bootgate.gatefile.patterns import Trials
from pytest_bootgate.gatefile.probe_rules import ProbeRules
from pytest_bootgate.gatefile.propagation_rules import PropagationRules
from pytest_bootgate.gatefile.quantities import Share
from pytest_bootgate.gatefile.tree import Mistakes, listed

#: The name of the item that stands for a whole boot, next to those of its phases.
WHOLE_BOOT = "boot"
#: The name of the node that stands for the upgrade in place, next to those of targets.
UPGRADE = "upgrade"
#: The smallest `slower`: boots scatter by several per cent.
_LEAST_TOLERANCE = 0.01


def check_rules(gate: Section, mistakes: Mistakes) -> None:
    """Report everything in an understood gate file that contradicts itself."""
    _Rules(gate, mistakes).all()


#: The exit code of what was killed: 128 and SIGKILL.
_MOST_RETRIES = 3
#: Of a profile and a target; each is booted several times.
_MOST_PAIRS = 1000
_KILLED = 137


class _Rules:
    def __init__(self, gate: Section, mistakes: Mistakes) -> None:
        self._gate = gate
        self._mistakes = mistakes
        trials = Trials()
        self._probes = ProbeRules(gate, mistakes, trials)
        self._propagations = PropagationRules(gate, mistakes, trials)

    def all(self) -> None:
        self._releases()
        self._gateway()
        self._thresholds()
        self._probes.stub(self._gate.section("sidecar").section("stub"))
        self._unfilled(self._gate.section("sidecar"), "image")
        ports = self._gate.section("ports")
        for name in ports.values:
            self._probes.port(ports, name)
        self._names(self._gate.section("profiles"), "profile", path=False)
        for profile in self._gate.sections("profiles").values():
            cpus = profile.get("cpus")
            if cpus is not None and not (cpus > 0 and math.isfinite(cpus)):
                self._mistakes.add(profile.at["cpus"], "'cpus' must be more than 0", "write 0.25")
            self._positive(profile, "memory", "512m")
        targets = self._gate.section("targets")
        if "targets" in self._gate and not targets.keys and targets.whole:
            self._mistakes.add(targets.place, "there are no targets", "name at least one")
        self._names(targets, "target", path=True)
        for target in self._gate.sections("targets").values():
            self._target(target)
        pairs = len(targets.keys) * len(self._gate.section("profiles").keys)
        if pairs > _MOST_PAIRS:
            self._mistakes.add(
                self._gate.section("profiles").place,
                f"these profiles and targets are {pairs} pairs, more than {_MOST_PAIRS}",
                "gate them in several files",
            )
        self._state()
        self._names(self._gate.section("notify"), "notification", path=False)
        for told in self._gate.sections("notify").values():
            check_notification(told, self._mistakes)
        if self._gate.get("upgrade") == "in-place":
            self._in_place()

    def _state(self) -> None:
        state = self._gate.section("state")
        self._positive(state, "stop", "2m")
        path = state.get("path")
        if isinstance(path, str) and not path.startswith(("/", "${dir}/")):
            self._mistakes.add(
                state.at["path"],
                f"'{path}' is not an absolute path",
                "write /state or ${dir}/state",
            )
        codes = state.get("stop_exit")
        if codes is not None and not (codes and all(0 <= c <= 255 and c != _KILLED for c in codes)):
            self._mistakes.add(
                state.at["stop_exit"],
                f"'stop_exit' must be exit codes from 0 to 255, not {_KILLED}, which is a kill",
                "write [0, 143]",
            )
        if "stop_signal" in state and "stop_command" in state:
            self._mistakes.add(
                state.keys["stop_command"],
                "the state has stop_signal and stop_command",
                "keep one: a gateway is asked to stop once",
            )
        for key in ("seed", "repair", "stop_command"):
            if state.get(key) == []:
                self._mistakes.add(state.at[key], f"'{key}' is empty", "write [program, argument]")
        for key in ("jobs", "run"):
            if isinstance(state.get(key), Section):
                self._probes.trigger(state.section(key))

    def _in_place(self) -> None:
        """An upgrade in place needs a state, a way to ask for its jobs, and one to run them."""
        state, place = self._gate.section("state"), self._gate.at["upgrade"]
        missing = [key for key in ("path", "jobs", "run") if key not in state]
        if missing and state.whole:
            self._mistakes.add(
                place,
                f"an upgrade in place needs {listed([f'state.{key}' for key in missing])}",
                "add it under state, or write upgrade: fresh",
            )
        releases = self._gate.section("releases")
        if "baseline" not in releases and releases.whole:
            self._mistakes.add(
                place,
                "an upgrade in place needs a baseline, which writes the state",
                "name one under releases, or write upgrade: fresh",
            )
        baseline = releases.section("baseline")
        if "recorded" in baseline:
            self._mistakes.add(
                baseline.keys["recorded"],
                "an upgrade in place boots the baseline, and a recorded one is not booted",
                "name its image or command, or write upgrade: fresh",
            )
        targets = self._gate.sections("targets")
        if targets and not any("trigger" in t or not t.whole for t in targets.values()):
            self._mistakes.add(
                place,
                "an upgrade in place needs a target with a trigger, which leaves a job",
                "add a trigger, or write upgrade: fresh",
            )
        if UPGRADE in targets:
            self._mistakes.add(
                self._gate.section("targets").keys[UPGRADE],
                f"'{UPGRADE}' stands for the upgrade in place",
                "take another name",
            )

    def _releases(self) -> None:
        gateway = self._gate.section("gateway")
        commanded = "command" in gateway or not gateway.whole
        for name, release in self._gate.sections("releases").items():
            if "recorded" in release:
                self._recorded(name, release)
                continue
            if not ("image" in release or "command" in release or commanded) and release.whole:
                self._mistakes.add(
                    release.place,
                    f"the {name} is neither an image nor a command",
                    'write image: "name:tag"',
                )
            self._command(release)
            for key in ("image", "version"):
                self._unfilled(release, key)
            told = release.get("version")
            if told is not None and "version" not in gateway and gateway.whole:
                self._mistakes.add(
                    release.at["version"],
                    f"nothing shows that the {name} is this version",
                    "give the gateway a version probe, or leave it out",
                )

    def _recorded(self, name: str, release: Section) -> None:
        if name != "baseline":
            self._mistakes.add(
                release.keys["recorded"],
                f"the {name} must be booted, a recorded one shows nothing",
                "only the baseline may be recorded",
            )
        for key in ("image", "command", "env", "files", "version"):
            if key in release:
                self._mistakes.add(
                    release.keys[key],
                    f"a recorded {name} is not booted, so '{key}' has no meaning",
                    "leave it out",
                )

    def _gateway(self) -> None:
        gateway = self._gate.section("gateway")
        self._command(gateway)
        self._positive(gateway, "ready_timeout", "120s")
        self._positive(gateway.section("needs"), "pids", "4096")
        for name in ("ready", "version", "health"):
            if isinstance(gateway.get(name), Section):
                probe = gateway.section(name)
                self._probes.probe(probe, triggered=False)
                if name == "version":
                    self._probes.version(probe)
        for stages in gateway.sections("stages").values():
            self._probes.stages(stages, triggered=False)
        self._names(gateway.section("stages"), "stages entry", path=False)

    def _thresholds(self) -> None:
        gate, default = self._gate.section("gate"), Gate()
        retries = gate.get("retries")
        if retries is not None and retries < 0:
            self._mistakes.add(
                gate.at["retries"],
                f"{retries} retries cannot be made",
                "write 1, or 0 to fail at the first boot timeout",
            )
        if retries is not None and retries > _MOST_RETRIES:
            self._mistakes.add(
                gate.at["retries"],
                f"{retries} retries would hide what they should tell",
                f"write 1, or at most {_MOST_RETRIES}",
            )
        if (noise := gate.get("noise")) is not None and not 1 < noise < math.inf:
            self._mistakes.add(
                gate.at["noise"], f"'noise' must be more than 1, not {noise:g}", "write 3"
            )
        self._tolerance(gate)
        if any(key in gate and gate.get(key) is None for key in ("fail_at", "warn_at")):
            return
        fail_at: Share = gate.values.get("fail_at", default.fail_at)
        warn_at: Share = gate.values.get("warn_at", default.warn_at)
        place = gate.at.get("fail_at", gate.at.get("warn_at", gate.place))
        if fail_at > 1:
            self._mistakes.add(
                place, f"fail_at is {fail_at:.0%}, more than a whole timeout", "write 80%"
            )
        if fail_at <= warn_at:
            self._mistakes.add(
                place,
                f"fail_at ({fail_at:.0%}) must be more than warn_at ({warn_at:.0%})",
                "raise fail_at or lower warn_at",
            )

    def _target(self, target: Section) -> None:
        phases = target.section("phases")
        triggered = "trigger" in target
        if not phases.keys and phases.whole and target.whole and not self._unread(target, "phases"):
            self._mistakes.add(
                target.place, "nothing proves that this target started", "give it phases or a proof"
            )
        self._positive(target, "timeout", "60s")
        self._tolerance(target)
        self._names(phases, "phase", path=True)
        self._names(target.section("signals"), "signal", path=False)
        self._names(target.section("stages"), "stages entry", path=False)
        for name, phase in target.sections("phases").items():
            self._phase(name, phase, target, last=name == next(reversed(phases.keys)))
        for signal in target.sections("signals").values():
            self._probes.probe(signal, triggered=triggered)
        for stages in target.sections("stages").values():
            self._probes.stages(stages, triggered=triggered)
        if isinstance(target.get("trigger"), Section):
            self._probes.trigger(target.section("trigger"))
        if target.get("start") == "warm":
            self._warm(target)
        if isinstance(target.get("propagation"), Section):
            self._propagations.check(target.section("propagation"), target)

    def _phase(self, name: str, phase: Section, target: Section, *, last: bool) -> None:
        self._probes.probe(phase, triggered="trigger" in target)
        self._probes.mark(phase)
        if name == WHOLE_BOOT:
            self._mistakes.add(
                phase.place, f"'{WHOLE_BOOT}' stands for the whole boot", "take another name"
            )
        if last and phase.get("optional"):
            self._mistakes.add(
                phase.keys["optional"],
                "the last phase proves the start, so it is not optional",
                "leave it out",
            )
        self._tolerance(phase)
        timeout = target.get("timeout")
        for key in ("limit", "deadline"):
            self._positive(phase, key, "5s")
            value = phase.get(key)
            if value is not None and timeout is not None and value > timeout > 0:
                self._mistakes.add(
                    phase.at[key],
                    f"'{key}' ({value:g}s) is more than the target's timeout ({timeout:g}s)",
                    "shorten it, or lengthen the timeout",
                )

    def _warm(self, target: Section) -> None:
        place = target.at["start"]
        if "trigger" not in target:
            if target.whole:
                self._mistakes.add(
                    place,
                    "without a trigger every boot is a start of the gateway, so none is warm",
                    "write start: cold, or add a trigger",
                )
            return
        trigger, phases = target.section("trigger"), target.sections("phases")
        if target.get("trigger") is None or not phases:
            return
        self._probes.fresh(list(phases.values())[-1], trigger)

    def _names(self, section: Section, noun: str, *, path: bool) -> None:
        """Names become parts of pytest's item ids, and those of targets and phases of paths."""
        for name, place in section.keys.items():
            if not name or name != name.strip():
                what = f"the {noun} '{name}' is empty or has spaces around it"
                self._mistakes.add(place, what, "take another name")
            for part in ("::", "[", "]", "@", *(("/",) if path else ())):
                if part in name:
                    self._mistakes.add(
                        place, f"the name of a {noun} cannot hold '{part}'", "take another name"
                    )
                    break

    def _tolerance(self, section: Section) -> None:
        slower = section.get("slower")
        if slower is not None and slower < _LEAST_TOLERANCE:
            self._mistakes.add(
                section.at["slower"],
                f"'slower' is {slower:.1%}: no number of boots shows so small a difference",
                "write 10%",
            )

    def _positive(self, section: Section, key: str, example: str) -> None:
        value = section.get(key)
        if value is not None and value <= 0:
            self._mistakes.add(section.at[key], f"'{key}' must be more than 0", f"write {example}")

    def _command(self, section: Section) -> None:
        if section.get("command") == []:
            self._mistakes.add(section.at["command"], "'command' is empty", "write [program, ...]")

    def _unfilled(self, section: Section, key: str) -> None:
        for name in variables.names(section.get(key) or ""):
            self._mistakes.add(
                section.at[key],
                f"'{key}' is read before any boot, '${{{name}}}' is known only in one",
                "write it out, or take an environment variable",
            )

    @staticmethod
    def _unread(section: Section, key: str) -> bool:
        return key in section and section.get(key) is None
