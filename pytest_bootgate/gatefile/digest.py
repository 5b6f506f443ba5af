"""A gate file as digests: results are comparable only where what it measures is the same."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pytest_bootgate.gatefile.fingerprint import of_source
from pytest_bootgate.gatefile.load import PRESETS, Loaded
from pytest_bootgate.gatefile.model import GateFile
from pytest_bootgate.gatefile.paths import below
from pytest_bootgate.masking import Mask

#: What is compared, and how it is judged, does not change what a boot is.
_RULES = ("releases", "gate", "notify")
#: Nor does what an upgrade in place does with a state.
_OF_UPGRADES = (
    *("jobs", "same", "run", "seed", "repair", "rollback"),
    *("stop", "stop_exit", "stop_signal", "stop_command"),
)


class Measures(NamedTuple):
    """What decides what a boot is, as a digest of all and one of each part, by its name."""

    digest: str
    parts: dict[str, str]


def measures(loaded: Loaded) -> Measures:
    """Digests of everything in a gate file that decides what a boot is. It reads files."""
    plain = _boots(loaded)
    return Measures(
        _digest(plain, loaded), {name: _digest(part, loaded) for name, part in plain.items()}
    )


def _boots(loaded: Loaded) -> dict[str, Any]:
    """What decides what a boot is: the sections, a given state and the contents of files.

    Those are the files that it copies, or that a command begins with, but for the releases' own,
    which differ, and for secret ones, which are each machine's.
    """
    plain: dict[str, Any] = _used(loaded.gate)
    every = [*(loaded.varied or {"": loaded.gate}).values()]
    for rule in _RULES:
        plain.pop(rule, None)
    plain.get("gateway", {}).pop("published", None)  # what is judged, not what is booted
    # Nor does what a phase may take, so a result stays comparable under limits set after it.
    for target in (plain.get("target") or {}, *plain["targets"].values()):
        target.pop("propagation", None)  # a boot of its own
        target.pop("timeout_of", None)  # words of reports
        for probe in (*target.get("phases", {}).values(), target.get("proof") or {}):
            for rule in ("limit", "deadline"):
                probe.pop(rule, None)
    state = plain.pop("state", None) or {}
    if "from" in state:  # else every boot begins with none
        states = [gate.state for gate in every if gate.state]
        given = [of_source(one.from_, one.exclude) for one in states if one.from_]
        kept = {key: each for key, each in state.items() if key not in ("from", *_OF_UPGRADES)}
        plain["state"] = [kept, given]
    bare = [{k: v for k, v in _plain(g).items() if k not in (*_RULES, "state")} for g in every]
    if files := {path for one in bare for path in _files(one, loaded)}:
        plain["files"] = {str(path): _content(path) for path in sorted(files)}
    return plain


def _plain(gate: GateFile) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(gate, enc_hook=float)
    return found


def _used(value: Any) -> Any:
    """Plain values, without those that nobody changed: a key that came later changes no digest."""
    if isinstance(value, msgspec.Struct):
        every = [(f, getattr(value, f.name)) for f in _fields(type(value))]
        return {f.encode_name: _used(each) for f, each in every if each != _default(f)}
    if isinstance(value, dict):
        return {key: _used(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_used(each) for each in value]
    return msgspec.to_builtins(value, enc_hook=float)


#: It evaluates every annotation anew, which takes longer than all else here.
_fields = functools.cache(msgspec.structs.fields)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()


def _digest(plain: Any, loaded: Loaded) -> str:
    """The same for the same gate file in another checkout, with the plugin installed elsewhere."""
    text = json.dumps(plain, sort_keys=True)
    for directory in (str(PRESETS), str(loaded.path.parent)):
        text = text.replace(directory, "")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parts(loaded: Loaded) -> dict[str, str]:
    """A digest of each section of a gate file as it was loaded, and of its ``programs``.

    Those are the files beside the gate file that it copies, or that a command begins with. Secrets
    with a name that tells are hidden first: each machine may have its own. Other variables are not:
    a release may be named by one.
    """
    mask = Mask(loaded.told)
    every = {label: _plain(gate) for label, gate in (loaded.varied or {"": loaded.gate}).items()}
    sections = {
        name: _digest([mask.value(plain.get(name)) for plain in every.values()], loaded)
        for name in sorted(set().union(*every.values()))
    }
    files = sorted({path for plain in every.values() for path in _files(plain, loaded)})
    read = {str(path): _content(path) for path in files}
    return sections | {"programs": _digest(read, loaded)}


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:  # whoever needs it says so
        return error.strerror or ""


#: What users name as they like: a phase may be called `files`.
_NAMED = ("targets", "phases", "signals", "services", "profiles", "releases")
#: What holds no keys of a gate file, but the system's.
_FREE = ("env", "headers", "json", "stream", "labels", "annotations", "extra_hosts", "vary")


def _files(value: Any, loaded: Loaded) -> Iterator[Path]:
    """The files that are copied or read, and those beside the gate file that a command begins with.

    What else a command names may change with every boot.
    """
    if isinstance(value, list):
        for one in value:
            yield from _files(one, loaded)
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key in _FREE:
            continue
        if key == "files" and isinstance(inner, dict):
            kept = [file for file in inner.values() if not file.get("secret")]
            yield from (path for file in kept for path in _below(file.get("path")))
        elif key in _NAMED and isinstance(inner, dict):
            yield from _files([*inner.values()], loaded)
        elif key in ("from", "recorded", "program"):
            yield from _below(inner)
        elif key in ("command", "exec") and isinstance(inner, list):
            yield from _programs(inner, loaded.path.parent)
        else:
            yield from _files(inner, loaded)


def _below(named: object) -> Iterator[Path]:
    if isinstance(named, str) and named.startswith("/"):
        yield from below(named).values()


def _programs(command: list[str], here: Path) -> Iterator[Path]:
    """The program, and the script that it runs: the first file, behind whatever options.

    Of a shell's text it is the first one in there.
    """
    found = []
    for word in command:
        texts = word.split() if " " in word else [word]
        paths = [Path(text.replace("${here}", str(here)).strip("\"'();")) for text in texts]
        found += [path for path in paths if _beside(path, here)][:1]
    program = [path for path in found[:1] if str(path) == command[0].replace("${here}", str(here))]
    yield from found[: 1 + len(program)]


def _beside(path: Path, here: Path) -> bool:
    try:
        return path.is_absolute() and path.resolve().is_relative_to(here) and path.is_file()
    except (OSError, ValueError):  # a name that is too long, or no name at all
        return False
