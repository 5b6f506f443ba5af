"""What must hold in a whole gate file, so that its verdict can mean something."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.model import Gate
from pytest_bootgate.gatefile.model.service import TAKEN
from pytest_bootgate.gatefile.overlay import read
from pytest_bootgate.gatefile.patterns import finds_nothing
from pytest_bootgate.gatefile.presets import OVERLAYS
from pytest_bootgate.gatefile.probe_rules import ProbeRules, check_headers, texts
from pytest_bootgate.gatefile.propagation_rules import check_names
from pytest_bootgate.gatefile.target_rules import check_target, well_named
from pytest_bootgate.gatefile.tree import Map, Mistakes, listed, shown

#: The name of the node that stands for the upgrade in place, next to those of targets.
UPGRADE = "upgrade"
#: An empty volume in which files can be put.
_OPEN = re.compile(r"/[^:]*:rw")
_SERVICE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: Of a profile and a target; each is booted several times.
_MOST_PAIRS = 1000


def check_rules(gate: Map, mistakes: Mistakes) -> None:
    """Report everything in an understood gate file that contradicts itself."""
    _Rules(gate, mistakes).all()


class _Rules:
    def __init__(self, gate: Map, mistakes: Mistakes) -> None:
        self._gate = gate
        self._add = mistakes.add
        self._probes = ProbeRules(gate, mistakes)

    def all(self) -> None:
        self._releases()
        services = self._gate.sections("services")
        releases = self._gate.sections("releases").values()
        for holder in (self._gate.section("gateway"), *releases, *services.values()):
            for file in holder.sections("files").values():
                what = "a file has its content from 'path' or from 'text'"
                self._one_of(file, ("path", "text"), what)
                self._overlay(file)
        self._gateway()
        self._hidden()
        for name, service in services.items():
            self._service(name, service)
        self._unread()
        self._thresholds()
        self._probes.stub(self._gate.section("sidecar").section("stub"))
        self._unfilled(self._gate.section("sidecar"), "image")
        well_named(self._add, self._gate.section("profiles"), "profile", path=False)
        targets = self._gate.section("targets")
        if "targets" in self._gate and not targets.entries and targets.whole:
            self._add(targets.key, "there are no targets", "name at least one")
        well_named(self._add, targets, "target", path=True)
        check_names(targets, self._add)
        for target in self._gate.sections("targets").values():
            check_target(target, self._gate, self._probes)
        profiles = self._gate.section("profiles")
        pairs = len(targets.entries) * len(profiles.entries)
        if pairs > _MOST_PAIRS:
            self._add(
                profiles.key,
                f"these profiles and targets are {pairs} pairs, more than {_MOST_PAIRS}",
                "gate them in several files",
            )
        self._state()
        well_named(self._add, self._gate.section("notify"), "notification", path=False)
        for told in self._gate.sections("notify").values():
            self._notification(told)
        if self._gate.get("upgrade") == "in-place":
            self._in_place()

    def _overlay(self, file: Map) -> None:
        """What an overlay adapts is a configuration in a file."""
        if (name := file.get("overlay")) not in OVERLAYS or not file.whole:
            return
        path, place = file.get("path"), file.keys["overlay"]
        if "path" not in file:
            self._add(place, "an overlay adapts a file", "give it a 'path', or leave that out")
        lacking = [port for port in OVERLAYS[name].ports if port not in self._gate.section("ports")]
        if lacking:
            what = f"the overlay {name} needs {listed([f'ports.{port}' for port in lacking])}"
            self._add(place, what, f"add it, or use preset: {name}")
        if isinstance(path, str) and (there := Path(path)).is_absolute() and there.exists():
            try:
                read(there)
            except OSError as error:
                self._add(file.at["path"], f"{shown(there)} cannot be read: {error.strerror}")
            except ValueError as error:
                self._add(file.at["path"], str(error), f"correct {shown(there)}")

    def _hidden(self) -> None:
        """What is put into a container must not lie below what is mounted over it."""
        gateway, state = self._gate.section("gateway"), self._gate.section("state")
        container = gateway.section("container")
        mounts = [(one, "tmpfs") for one in texts(container.below("tmpfs"))]
        mounts += [(one, "volumes") for one in texts(container.below("volumes"))]
        path = state.get("path") if "from" in state else None
        filled = [one.removesuffix(":rw") for one, _ in mounts if _OPEN.fullmatch(one)]
        for text, key in mounts:
            parts = text.removesuffix(":rw").split(":")
            target = parts[0] if key == "tmpfs" or len(parts) == 1 else parts[1]
            place = container.keys[key]
            if isinstance(path, str) and _overlap(path, target, both=True):
                what = f"{target} of '{key}' and the state at {path} are the same place"
                self._add(place, what, "leave one out")
            for file in gateway.section("files").entries:
                if _overlap(file, target) and file != target and target not in filled:
                    what = f"{target} of '{key}' would hide the file {file}"
                    self._add(place, what, "put the file elsewhere, or leave that out")
        if container.get("read_only"):
            inside = ["${dir}", *([path] if isinstance(path, str) else []), *filled]
            below = tuple(f"{one.rstrip('/')}/" for one in inside)
            outside = [f for f in gateway.section("files").entries if not f.startswith(below)]
            if outside:
                what = f"{outside[0]} cannot be put into a read-only file system"
                way_out = "put it below ${dir}, or bind it: volumes: [./FILE:PATH]"
                self._add(container.keys["read_only"], what, way_out)

    def _service(self, name: str, service: Map) -> None:
        if not _SERVICE.fullmatch(name):
            what = f"'{name}' cannot be the name of a service, which is a host name"
            self._add(service.key, what, "take small letters, digits and hyphens, such as db-1")
        if name in TAKEN:
            what = f"the name '{name}' is taken: no service can be called so"
            self._add(service.key, what, "take another name, such as db")
        if service.whole and not {"image", "command"} & service.entries.keys():
            what = f"the service {name} is neither an image nor a command"
            self._add(service.key, what, 'write image: "name:tag"')
        self._unfilled(service, "image")
        if service.get("once") and "ready" in service:
            what = f"the service {name} runs once: it is done when it has exited with 0"
            self._add(service.keys["ready"], what, "leave `ready` or `once` out")
        elif isinstance(service.get("ready"), Map):
            self._probes.within(name).probe(service.section("ready"), triggered=False)

    def _state(self) -> None:
        state = self._gate.section("state")
        if "from" in state and "path" not in state and state.whole:
            what = "it is not known where in the gateway this state belongs"
            self._add(state.keys["from"], what, "write path: /state beside it")
        for key in ("exclude", "redact"):
            own = key in state and state.keys[key].file == self._gate.place.file
            if own and "from" not in state and state.whole:
                self._add(state.keys[key], f"'{key}' goes only with 'from'", "leave it out")
        redact = state.section("redact")
        for name in redact.entries:
            pattern = self._probes.pattern(redact, name, of_bytes=True)
            if pattern is not None and finds_nothing(pattern):
                what = f"the pattern for '{name}' also matches where there is no text"
                self._add(redact.at[name], what, "let it match only what is to be taken out")
        for name in variables.names(state.get("path") or ""):
            if name != "dir" and "from" in state:
                what = f"the state is copied before any boot, '${{{name}}}' is known only in one"
                self._add(state.at["path"], what, "write the path out")
        if "stop_signal" in state and "stop_command" in state:
            self._add(
                state.keys["stop_command"],
                "the state has stop_signal and stop_command",
                "keep one: a gateway is asked to stop once",
            )
        for key in ("jobs", "run"):
            if isinstance(state.get(key), Map):
                self._probes.trigger(state.section(key))

    def _in_place(self) -> None:
        """An upgrade in place needs a state, a way to ask for its jobs, and one to run them."""
        state, place = self._gate.section("state"), self._gate.at["upgrade"]
        missing = [key for key in ("path", "jobs", "run") if key not in state]
        if missing and state.whole:
            self._add(
                place,
                f"an upgrade in place needs {listed([f'state.{key}' for key in missing])}",
                "add it under state, or write upgrade: fresh",
            )
        releases = self._gate.section("releases")
        if "baseline" not in releases and releases.whole:
            self._add(
                place,
                "an upgrade in place needs a baseline, which writes the state",
                "name one under releases, or write upgrade: fresh",
            )
        baseline = releases.section("baseline")
        if "recorded" in baseline:
            self._add(
                baseline.keys["recorded"],
                "an upgrade in place boots the baseline, and a recorded one is not booted",
                "name its image or command, or write upgrade: fresh",
            )
        section, targets = self._gate.section("targets"), self._gate.sections("targets")
        understood = len(targets) == len(section.entries)
        untriggered = all("trigger" not in t and t.whole for t in targets.values())
        if targets and understood and untriggered:
            self._add(
                place,
                "an upgrade in place needs a target with a trigger, which leaves a job",
                "add a trigger, or write upgrade: fresh",
            )
        if UPGRADE in targets:
            self._add(
                section.keys[UPGRADE],
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
                self._add(
                    release.key,
                    f"the {name} is neither an image nor a command",
                    'write image: "name:tag"',
                )
            for key in ("image", "version"):
                self._unfilled(release, key)
            told = release.get("version")
            if told is not None and "version" not in gateway and gateway.whole:
                self._add(
                    release.at["version"],
                    f"nothing shows that the {name} is this version",
                    "give the gateway a version probe, or leave it out",
                )

    def _recorded(self, name: str, release: Map) -> None:
        if name != "baseline":
            self._add(
                release.keys["recorded"],
                f"the {name} must be booted, a recorded one shows nothing",
                "only the baseline may be recorded",
            )
        for key in ("image", "command", "env", "files", "version"):
            if key in release:
                self._add(
                    release.keys[key],
                    f"a recorded {name} is not booted, so '{key}' has no meaning",
                    "leave it out",
                )

    def _gateway(self) -> None:
        gateway = self._gate.section("gateway")
        for name in ("ready", "version", "health"):
            if isinstance(gateway.get(name), Map):
                probe = gateway.section(name)
                self._probes.probe(probe, triggered=False)
                if name == "version":
                    self._probes.version(probe)
        for stages in gateway.sections("stages").values():
            self._probes.stages(stages, triggered=False)
        well_named(self._add, gateway.section("stages"), "stages entry", path=False)

    def _unread(self) -> None:
        """What no boot of this gate looks at; a preset's keys may be for other gates."""
        gateway, targets = self._gate.section("gateway"), self._gate.sections("targets")
        understood = len(targets) == len(self._gate.section("targets").entries) > 0
        fresh = self._gate.get("upgrade") != "in-place"  # that asks for a trigger anyway
        # A propagation test watches the health of what it holds.
        if (
            understood
            and fresh
            and all(
                target.whole and not {"trigger", "propagation"} & target.entries.keys()
                for target in targets.values()
            )
        ):
            what = "'{}' is for what comes before a trigger, and no target has one"
            for key in ("ready", "health"):
                self._idle(gateway, key, what, "make it the proof of a target, or leave it out")
            for key in ("ready_timeout", "settle", "timeout"):
                self._idle(gateway, key, what, "leave it out")
        if "upgrade" not in self._gate and self._gate.whole:
            what = "'{}' is used only by an upgrade in place"
            add = "add upgrade: in-place, or"
            state = self._gate.section("state")
            if "from" not in state:
                way_out = "name its source (`from`), add upgrade: in-place, or leave it out"
                self._idle(self._gate, "state", what, way_out)
            for key in state.entries.keys() - {"from", "path", "exclude", "redact"}:
                self._idle(state, key, what, f"{add} leave it out")
            if all("trigger" in target or not target.whole for target in targets.values()):
                self._idle(gateway, "stages", what, f"{add} write them into a target")

    def _idle(self, section: Map, key: str, what: str, way_out: str) -> None:
        if key in section and section.keys[key].file == self._gate.place.file:
            self._add(section.keys[key], what.format(key), way_out)

    def _thresholds(self) -> None:
        gate, default = self._gate.section("gate"), Gate()
        if any(key in gate and gate.get(key) is None for key in ("fail_at", "warn_at")):
            return
        fail_at = gate.get("fail_at") if "fail_at" in gate else default.fail_at
        warn_at = gate.get("warn_at") if "warn_at" in gate else default.warn_at
        place = gate.at.get("fail_at", gate.at.get("warn_at", gate.key))
        if fail_at > 1:
            self._add(place, f"fail_at is {fail_at:.0%}, more than a whole timeout", "write 80%")
        if fail_at <= warn_at:
            self._add(
                place,
                f"fail_at ({fail_at:.0%}) must be more than warn_at ({warn_at:.0%})",
                "raise fail_at or lower warn_at",
            )

    def _unfilled(self, section: Map, key: str) -> None:
        for name in variables.names(section.get(key) or ""):
            self._add(
                section.at[key],
                f"'{key}' is read before any boot, '${{{name}}}' is known only in one",
                "write it out, or take an environment variable",
            )

    def _one_of(self, section: Map, keys: tuple[str, str], what: str) -> None:
        given = [key for key in keys if key in section]
        if len(given) != 1 and section.whole:
            self._add(section.key, what, f"{'keep' if given else 'give'} one of them")

    def _notification(self, told: Map) -> None:
        what = "a notification has one way, 'command' or 'webhook'"
        self._one_of(told, ("command", "webhook"), what)
        if "headers" in told and "webhook" not in told and told.whole:
            self._add(told.keys["headers"], "only a webhook has headers", "leave them out")
        check_headers(told, self._add)
        for key in ("command", "webhook", "headers"):
            found = texts(told.entries.get(key))
            for name in dict.fromkeys(name for text in found for name in variables.names(text)):
                if name != "here":
                    self._add(
                        told.at[key],
                        f"'{key}' is read after the boots, '${{{name}}}' is known only in one",
                        "write it out, or take an environment variable",
                    )


def _overlap(path: str, mounted: str, *, both: bool = False) -> bool:
    """Whether a path lies at or below a mount, or (`both`) the mount below it."""
    one, other = path.rstrip("/"), mounted.rstrip("/")
    below = one == other or one.startswith(f"{other}/")
    return below or (both and other.startswith(f"{one}/"))
