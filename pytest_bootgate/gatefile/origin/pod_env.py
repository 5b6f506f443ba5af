"""The environment of a container of a pod."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import ceil

from pytest_bootgate.gatefile.origin.found import Lost, Part
from pytest_bootgate.gatefile.origin.pods import Pod
from pytest_bootgate.gatefile.origin.reading import (
    MisplacedError,
    flag,
    maps,
    named,
    quantity,
    section,
    text,
)
from pytest_bootgate.gatefile.tree import Map, Place

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))|\$")
_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
#: References by the kind of object that they name.
_KINDS = {
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
}


def escaped(value: str) -> str:
    """A text as a gate file has one in which nothing is a variable."""
    return value.replace("$", "$$")


class Environment:
    """The variables of a container, in the words of a gate file; `given` are that one's own.

    What is not in the manifest is lost, where nothing is given.
    """

    def __init__(self, part: Part, container: Map, pod: Pod, given: Mapping[str, str]) -> None:
        self._part, self._container, self._pod, self._given = part, container, pod, given
        self.values: dict[str, str] = {}
        for source in maps(container, "envFrom"):
            self.values |= self._whole(source)
        for one in maps(container, "env"):
            name = named(one)
            value = self._value(name, one)
            if value is not None:
                self.values[name] = value

    def expanded(self, value: str) -> str:
        """A text with what a kubelet fills in: ``$(NAME)``; ``$$`` is a dollar."""

        def put(found: re.Match[str]) -> str:
            name = found[1]
            if name is None:
                return "$$"
            known = self._given.get(name, self.values.get(name))
            return escaped(found[0]) if known is None else known

        return _REFERENCE.sub(put, value)

    def _lose(self, key: str, words: str, place: Place, way_out: str, name: str = "") -> None:
        if not name or name not in self._given:
            self._part.lost.append(Lost(key, words, place, env=name, way_out=way_out))

    def _whole(self, source: Map) -> Iterator[tuple[str, str]]:
        """All of a ConfigMap or Secret."""
        for key in ("configMapRef", "secretRef"):
            if key not in source:
                continue
            about, kind = section(source, key), _KINDS[key]
            held = self._pod.cluster.held(kind, named(about), self._pod.namespace)
            if held is None:
                if not flag(about, "optional"):
                    words = f"the {kind} {named(about)} is not in this file"
                    way_out = f"add it, or write its values into `env` and `ignore: [{key}]`"
                    self._lose(key, words, source.at[key], way_out)
                continue
            prefix = text(source, "prefix")
            for name, value in held.items():
                if (known := as_text(value)) is not None:
                    self._note(f"{prefix}{name}", key)
                    yield f"{prefix}{name}", known

    def _value(self, name: str, one: Map) -> str | None:
        source = section(one, "valueFrom")
        if not source.entries:
            return self.expanded(text(one, "value"))
        if len(source.entries) > 1 or text(one, "value"):
            raise MisplacedError(one.place, f"the value of {name} comes from several places")
        (key,) = source.entries
        if key in _KINDS:
            return self._keyed(name, key, section(source, key), source.at[key])
        found = None
        if key == "fieldRef":
            found = self._field(text(section(source, key), "fieldPath"))
        elif key == "resourceFieldRef":
            found = self._resource(section(source, key))
        if found is None:
            words = f"only the cluster knows the value of {name} (`{key}`)"
            self._lose(key, words, source.at[key], _set(name, key), name)
        return None if found is None else escaped(found)

    def _keyed(self, name: str, key: str, about: Map, place: Place) -> str | None:
        kind, whose, which = _KINDS[key], named(about), named(about, "key")
        held = self._pod.cluster.held(kind, whose, self._pod.namespace)
        value = None if held is None else _text(held.get(which))
        if value is not None:
            self._note(name, key)
            return escaped(value)
        if not flag(about, "optional"):
            there = f"the {kind} {whose}, which is not in this file"
            if held is not None:
                there = f"the {kind} {whose}, which has no text `{which}`"
            self._lose(key, f"{name} comes from {there}", place, _set(name, key), name)
        return None

    def _note(self, name: str, key: str) -> None:
        if _KINDS[key] == "Secret":
            self._part.secret.add(name)

    def _field(self, path: str) -> str | None:
        """What of itself a pod knows before it runs, and its own address from inside."""
        pod = self._pod
        if found := _KEYED.fullmatch(path):
            return text(section(section(pod.template, "metadata"), found[1]), found[2])
        known = {
            "metadata.name": pod.hostname or pod.name,
            "metadata.namespace": pod.namespace or "default",
            "spec.serviceAccountName": text(pod.spec, "serviceAccountName") or "default",
            "status.podIP": "127.0.0.1",
            "status.podIPs": "127.0.0.1",
        }
        return known.get(path)

    def _resource(self, about: Map) -> str | None:
        """What a container knows of its own limits, without one nothing."""
        kind, _, name = text(about, "resource").partition(".")
        if kind not in ("limits", "requests") or name not in ("cpu", "memory"):
            return None
        resources = section(self._container, "resources")
        amount = quantity(section(resources, kind), name)
        if amount is None and kind == "requests":
            amount = quantity(section(resources, "limits"), name)
        if amount is None or text(about, "containerName") not in ("", self._part.key):
            return None
        return str(ceil(round(amount / (quantity(about, "divisor") or 1.0), 6)))


def _set(name: str, key: str) -> str:
    return f"write a value for {name} into `env` of the gate file, or `ignore: [{key}]`"


def _text(value: bytes | None) -> str | None:
    """What an environment variable, or a file of a gate file, can hold."""
    if value is None or b"\0" in value:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def as_text(value: bytes) -> str | None:
    """A value as a text of a gate file, None where it is none."""
    return None if (found := _text(value)) is None else escaped(found)
