"""A quantity that grows: the gate file is read once for each of its values, as its environment."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import msgspec

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.model import GateFile
from pytest_bootgate.gatefile.source import looks_like
from pytest_bootgate.gatefile.tree import Map, Mistakes, Place, Scalar, Seq, Tree, listed

#: What a boot is made of may change with the value. How it is judged may not, nor what is compared.
_MAY = re.compile(
    r"(gateway|sidecar|(releases|services)/[^/]+)/(env|command|files|container)\b.*|state/from"
    r"|(gateway|services/[^/]+)/(ready|health|version|stages)\b.*"
    r"|targets?/(.*/)?(trigger|never|signals|stages)\b.*"
    r"|targets?/(.*/)?(phases/[^/]+|proof)/(?!limit|deadline|slower|optional).*"
)
_WHERE = "env, command, files and container, the state's from, triggers and probes"
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
#: Each is gated as a profile of its own.
_MOST = 20


def variations(root: Map, mistakes: Mistakes) -> dict[str, dict[str, str]]:
    """For each value of what varies, ascending: its label and the environment that it is.

    Without anything that varies there is one without a label; so there is where it is a mistake.
    """
    vary = root.below("vary")
    names = list(vary.entries) if isinstance(vary, Map) else []
    none = {"": dict.fromkeys(names, "1")}
    if vary is None or (isinstance(vary, Scalar) and vary.null):
        return none
    if not isinstance(vary, Map) or not names:
        mistakes.add(vary.place, "'vary' names no variable", "write vary: {AGENTS: [1, 30, 100]}")
        return none
    if len(names) > 1:
        what = f"'vary' has {listed(names)}, and only one quantity can grow at a time"
        mistakes.add(vary.place, what, "gate the others in files of their own")
        return none
    ((name, values),) = vary.entries.items()
    if not _NAME.fullmatch(name):
        what = f"'{name}' cannot be varied"
        mistakes.add(values.key, what, "take capital letters, such as AGENTS, used as ${AGENTS}")
        return none
    numbers = _numbers(name, values, mistakes)
    _used(name, values.key, root, mistakes)
    if len(numbers) < 2:
        return none
    return {f"{name}={numbers[value]}": {name: numbers[value]} for value in sorted(numbers)}


def idle(gates: Mapping[str, GateFile]) -> str:
    """A release that boots the same at two values, in words; empty where there is none."""
    for release in ("baseline", "candidate"):
        seen: dict[bytes, str] = {}
        for label, gate in gates.items():
            own = getattr(gate.releases, release)
            if own is None or own.recorded is not None:
                continue
            boots = msgspec.json.encode(
                [
                    own.command or gate.gateway.command,
                    {**gate.gateway.env, **own.env},
                    {**gate.gateway.files, **own.files},
                    gate.gateway.container,
                    [gate.sidecar.command, gate.sidecar.env, gate.sidecar.container],
                    gate.services,
                    gate.state.from_,
                    [target.trigger for target in gate.targets.values()],
                ],
                enc_hook=str,
            )
            if boots in seen:
                return f"the {release} boots the same with {seen[boots]} and {label}"
            seen[boots] = label
    return ""


def value_of(label: str) -> float:
    """The number of a label, ``30.0`` of ``AGENTS=30``."""
    value = _number(written(label))
    assert value is not None, label  # or it had been a mistake
    return value


def written(label: str) -> str:
    """The number of a label as the gate file has it, for people."""
    return label.rpartition("=")[2]


def _numbers(name: str, values: Tree, mistakes: Mistakes) -> dict[float, str]:
    """The values as they are written; fewer than two are a mistake."""
    found: dict[float, str] = {}
    items = values.items if isinstance(values, Seq) else ()
    for item in items:
        text = item.text if isinstance(item, Scalar) else ""
        value = _number(text)
        if value is None:
            continue  # the model wants a number
        if value < 0 or not math.isfinite(value):
            mistakes.add(item.place, f"a value of {name} is 0 or more", "leave this one out")
        elif value in found:
            mistakes.add(item.place, f"{name} has the value {text} twice", "leave one out")
        else:
            found[value] = text
    if not isinstance(values, Seq) or len(items) < 2:
        what = "growth shows only between two values or more"
        mistakes.add(values.place, what, f"write {name}: [1, 30, 100]")
    elif len(items) > _MOST:
        what = f"{name} has {len(items)} values, more than {_MOST}"
        mistakes.add(values.place, what, "take fewer")
    return found


def _number(text: str) -> float | None:
    value = looks_like(text)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number else None


def _used(name: str, place: Place, root: Map, mistakes: Mistakes) -> None:
    """What varies must make a difference to the boots, and to nothing else."""
    used = False
    for keys, scalar in _texts(root, ()):
        if name not in (found.partition(":-")[0] for found in variables.names(scalar.text)):
            continue
        used = True
        if not _MAY.fullmatch("/".join(keys)):
            what = f"'{keys[-1]}' cannot change with ${{{name}}}, which varies"
            mistakes.add(scalar.place, what, f"it may stand in {_WHERE}")
    if not used:
        what = f"nothing uses ${{{name}}}, so nothing would vary"
        mistakes.add(place, what, f'write it where it belongs: env: {{{name}: "${{{name}}}"}}')


def _texts(tree: Tree, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Scalar]]:
    if isinstance(tree, Map):
        for key, each in tree.entries.items():
            yield from _texts(each, (*keys, key))
    elif isinstance(tree, Seq):
        for item in tree.items:
            yield from _texts(item, keys)
    elif isinstance(tree.value, str):
        yield keys, tree
