"""The ConfigMaps and Secrets of a manifest."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_bootgate.gatefile.origin.reading import MisplacedError, named, section, text
from pytest_bootgate.gatefile.tree import Map, Seq

#: By their kinds, which of their keys hold texts, and which base64.
_HOLDS = {"ConfigMap": (("data",), ("binaryData",)), "Secret": (("stringData",), ("data",))}
#: What ends the name of a kind that is a list of others.
_LIST = "List"


def objects(documents: Sequence[Map]) -> Iterator[Map]:
    """What is to be applied, also that of lists."""
    for one in documents:
        if text(one, "kind").endswith(_LIST) and isinstance(listed := one.below("items"), Seq):
            yield from objects([each for each in listed.items if isinstance(each, Map)])
        else:
            yield one


@dataclass(frozen=True)
class Cluster:
    """What of a cluster stands in a manifest."""

    objects: Sequence[Map]

    def held(self, kind: str, name: str, namespace: str) -> Mapping[str, bytes] | None:
        """What a ConfigMap or Secret of a namespace holds, None where it is not there."""
        for one in self.objects:
            about = section(one, "metadata")
            # Whoever renders a chart may leave the namespace to kubectl.
            near = text(about, "namespace") in ("", namespace) or not namespace
            if text(one, "kind") == kind and text(about, "name") == name and near:
                return _held(one, kind)
        return None

    def secrets(self) -> Iterator[str]:
        """What the Secrets hold, line by line, as it is and as it is written."""
        for one in self.objects:
            if text(one, "kind") != "Secret":
                continue
            for key in ("data", "stringData"):
                values = one.below(key)
                for value in values.entries.values() if isinstance(values, Map) else ():
                    written = getattr(value, "text", "")
                    yield from (written, *written.splitlines())
                    if key == "stringData":
                        continue
                    try:
                        known = base64.b64decode(written, validate=False).decode()
                    except (binascii.Error, ValueError):
                        continue
                    yield from (known, *known.splitlines())


def _held(one: Map, kind: str) -> Mapping[str, bytes]:
    plain, encoded = _HOLDS[kind]
    found: dict[str, bytes] = {}
    for key in encoded:
        values = section(one, key)
        for name in values.entries:
            said = "".join(text(values, name).split())
            try:
                found[name] = base64.b64decode(said, validate=True)
            except (binascii.Error, ValueError):
                what = f"`{name}` of the {kind} {named(section(one, 'metadata'))} is no base64"
                raise MisplacedError(values.at[name], what) from None
    for key in plain:
        values = section(one, key)
        found |= {name: text(values, name).encode("utf-8", "replace") for name in values.entries}
    return found
