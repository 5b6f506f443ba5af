"""What a gate would do, in words, without booting anything."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from pytest_bootgate.cli.project import journal_of
from pytest_bootgate.engines.granted import beyond
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.model import Release, System
from pytest_bootgate.gatefile.tree import listed, shown
from pytest_bootgate.journal import files
from pytest_bootgate.journal.history import history
from pytest_bootgate.probes.kind import Kind
from pytest_bootgate.reports.progress import expectation
from pytest_bootgate.run import Gate, Plan
from pytest_bootgate.run.check import span
from pytest_bootgate.run.expected import well
from pytest_bootgate.run.source import unmatched

_WORDS_OF_COMMAND = 52


def plan(gate: Gate) -> Iterator[tuple[str, str]]:
    """The plan of a gate as (what, how) lines; looks for an engine, and contacts no registry."""
    yield from ((what, gate.plan.loaded.mask.text(how)) for what, how in _plan(gate))


def _plan(gate: Gate) -> Iterator[tuple[str, str]]:
    images, why = _engine(gate)
    gate.plan.refuse(images=images)
    yield "engine", why
    if (system := gate.plan.file.system) is not None:
        yield from _system(system, gate)
        yield from (("", f"different: {note}") for note in gate.plan.loaded.notes)
    for name, release in gate.plan.releases.items():
        yield name, _release(release, gate, images=images)
    granted = beyond(gate.plan.file.gateway.container)
    if images and granted:
        yield "granted", f"{listed(granted)}, beyond the default of a container"
    baseline = gate.plan.file.releases.baseline
    if baseline is not None and baseline.recorded is not None:
        yield "baseline", f"not booted: the candidate of {baseline.recorded}"
    elif baseline is None:
        yield "baseline", "none, so nothing is compared: headroom only"
    if images and (image := gate.plan.sidecar_image()) is not None:
        own = " (the release's own)" if gate.plan.file.sidecar.image == "release" else ""
        yield "sidecar", f"image {image}{own}"
    for name, service in gate.plan.file.services.items():
        command = " ".join(map(_word, service.command or []))
        has_image = images and service.image is not None
        parts = [f"image {service.image}" if has_image else "", command]
        parts.append("runs once" if service.once else "")
        yield "service", f"{name}: {', '.join(filter(None, parts))}"
    for path, changes in gate.plan.adapted.items():
        yield "config", f"{path}, with these changes:"
        yield from (("", change) for change in changes)
    for name, target in gate.plan.file.targets.items():
        at = target.trigger.in_ if target.trigger is not None else None
        proof = [*target.phases.values()][-1].kind
        if at in gate.plan.file.services and at in (proof.unit, proof.source):
            words = f"{name}: trigger and proof are both in {at}, so the proof must be what only"
            yield "note", f"{words} the gateway can make of the trigger"
        if target.trigger is not None and _says_no_more(proof):
            words = f"{name}: the proof is any line with the token, so an access log that echoes"
            yield "note", f"{words} the trigger would do; put words of the started task into 'line'"
    yield from _boots(gate.plan)
    foreign = gate.plan.loaded.inherited
    yield from (
        ("state", text)
        for text in unmatched(gate.plan.file.state).told(lambda key: foreign("state", key))
    )
    yield from _left_out(gate.plan)
    yield "in all", _in_all(gate.plan, gate.outcome().engine)


def _says_no_more(proof: Kind) -> bool:
    """Whether a line of the gateway needs the token and hardly a letter besides."""
    line = proof.regex or ""
    others = re.sub(r"\$\{[^}]*\}|\\.|\[[^]]*\]|\(\?[^)]*[:>)]", " ", line)
    own = proof.source not in ("", "sidecar", "trigger") and "${token}" in line
    return own and re.search(r"[^\W\d_]{2}", others) is None


def _system(system: System, gate: Gate) -> Iterator[tuple[str, str]]:
    """What the system is run with, and what of the gate is taken over from there."""
    if system.manifest is not None:
        yield "system", f"container {system.container} of {shown(Path(system.manifest))}"
    else:
        yield "system", f"service {system.service} of {shown(Path(system.compose or ''))}"
    for what, place in gate.plan.loaded.taken():
        yield "", f"{what}: {place}"


def _engine(gate: Gate) -> tuple[bool, str]:
    """Whether it boots images, and which it is and why."""
    try:
        engine, why = gate.engine()
    except BootgateError as error:
        return True, f"none: {error}"
    return engine.traits.images, f"{engine.name}: {why}"


def _release(release: Release, gate: Gate, *, images: bool) -> str:
    command = release.command or gate.plan.file.gateway.command
    parts = [f"image {release.image}"] if release.image is not None and images else []
    if command is not None and (release.command is not None or not parts):
        text = " ".join(map(_word, command)) if len(command) > 1 else command[0]
        text = gate.plan.loaded.mask.text(text)  # before it is cut
        long = len(text) > _WORDS_OF_COMMAND
        parts.append(f"{text[: _WORDS_OF_COMMAND - 3]}..." if long else text)
    if release.version is not None:
        parts.append(f"version {release.version}")
    if release.files:
        parts.append(f"files {listed(list(release.files))}")
    if release.env:
        parts.append(f"env {listed(list(release.env))}")
    return ", ".join(parts) or "no image, and no command"


def _word(text: str) -> str:
    """A word of a command as a shell would take it, but for variables, which the gate fills in."""
    return shlex.quote(text) if not text or re.search(r"[\s'\"]", text) else text


def _boots(asked: Plan) -> Iterator[tuple[str, str]]:
    """What each check boots: those of targets below one word, then those of none."""
    lines = [(check, line) for check in asked.checks for line in check.planned()]
    said = ""
    for what, how in (line for check, line in lines if check.of_target):
        yield "" if what == said else what, how
        said = what or said
    yield from (line for check, line in lines if not check.of_target)


def _left_out(asked: Plan) -> Iterator[tuple[str, str]]:
    lines = [
        f"profile {name}: on request (--bootgate-profile {name})"
        for name in asked.profiles
        if name not in asked.profile_names
    ]
    for name, target in asked.file.targets.items():
        reason = asked.left_out(name)
        if reason is not None:
            lines.append(f"{name}: {reason}")
        elif target.unsupported and "baseline" in asked.releases:
            version = asked.releases["baseline"].version or ""
            why = [text for start, text in target.unsupported.items() if version.startswith(start)]
            lines += [f"{name} of the baseline: {text}" for text in why[:1]]
    for number, text in enumerate(lines):
        yield "" if number else "left out", text


def _in_all(asked: Plan, engine: str) -> str:
    known = [check.boots for check in asked.checks if check.boots is not None]
    least, most = (sum(boots[n] for boots in known) for n in (0, 1))
    others = dict.fromkeys(check.kind for check in asked.checks if check.boots is None)
    beside = "".join(f" and those of the {kind}" for kind in others)
    path = asked.loaded.path
    journal = journal_of(path) or path.parent / files.DEFAULT
    before = history(journal, path, engine, least)
    how_long = expectation(before, well(asked), asked.budget())
    return f"{span(least, most)}{beside}, warm-ups included; {how_long}"


@contextlib.contextmanager
def closed(gate: Gate) -> Iterator[Gate]:
    """A gate that lets go of its engine in the end."""
    try:
        yield gate
    finally:
        gate.close()
