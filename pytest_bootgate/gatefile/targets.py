"""Every target as a definition of its own: `target` and `extends` merged in, `proof` a phase."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from pytest_bootgate.gatefile.merge import TARGET, merged, without_removed
from pytest_bootgate.gatefile.source import MAX_DEPTH, MAX_NODES
from pytest_bootgate.gatefile.tree import (
    Entry,
    Map,
    Mistakes,
    Scalar,
    Tree,
    did_you_mean,
    listed,
    size,
)


def with_targets(root: Map, wanted: Collection[str] | None, mistakes: Mistakes) -> Map:
    """The gate file with `wanted` targets (None: all), each of them complete."""
    targets = root.at("targets")
    if not isinstance(targets, Map):
        return root
    defaults = root.at("target")
    if isinstance(defaults, Map) and "extends" in defaults.entries:
        place = defaults.entries["extends"].place
        mistakes.add(place, "'extends' belongs into one target, not into all", "move it there")
        rest = {key: entry for key, entry in defaults.entries.items() if key != "extends"}
        defaults = replace(defaults, entries=rest)
        common = Entry(root.entries["target"].place, defaults)
        root = replace(root, entries={**root.entries, "target": common})
    resolution = _Resolution(targets, defaults if isinstance(defaults, Map) else None, mistakes)
    entries, values = {}, 0
    place = root.entries["targets"].place
    for name in targets.entries if wanted is None else wanted:
        tree = resolution.complete(name)
        entries[name] = Entry(targets.entries[name].place, tree)
        if (values := values + size(tree)) > MAX_NODES:
            what = f"with what they share the targets hold more than {MAX_NODES} values"
            mistakes.add(place, what, "gate them in several files")
            break
    whole = Entry(place, replace(targets, entries=entries))
    return replace(root, entries={**root.entries, "targets": whole})


class _Resolution:
    def __init__(self, targets: Map, defaults: Map | None, mistakes: Mistakes) -> None:
        self._targets = targets
        self._mistakes = mistakes
        self._defaults = defaults
        self._known: dict[str, Tree] = {}
        self._chain: list[str] = []

    def complete(self, name: str) -> Tree:
        tree = self._definition(name)
        if not isinstance(tree, Map):
            return tree
        return self._with_proof_as_phase(without_removed(tree))

    def _definition(self, name: str) -> Tree:
        if name not in self._known:
            self._chain.append(name)
            self._known[name] = self._merge(name)
            self._chain.pop()
        return self._known[name]

    def _merge(self, name: str) -> Tree:
        entry = self._targets.entries[name]
        own = entry.value
        if isinstance(own, Scalar) and own.value is None:
            own = Map(entry.place)
        if not isinstance(own, Map):
            return own
        other = self._other(own)
        if other is None:
            return own if self._defaults is None else merged(self._defaults, own, TARGET)
        base = self._definition(other)
        if isinstance(base, Map) and "propagation" in base.entries:
            # One held boot for each session target is enough, and each takes its timeout.
            rest = {key: entry for key, entry in base.entries.items() if key != "propagation"}
            base = replace(base, entries=rest)
        result = merged(base, own, TARGET)
        if isinstance(base, Map) and isinstance(result, Map) and "extends" in base.entries:
            # ${target} is the name at the end of the chain, the only one the system knows.
            return replace(result, entries={**result.entries, "extends": base.entries["extends"]})
        return result

    def _other(self, own: Map) -> str | None:
        name = own.at("extends")
        if not isinstance(name, Scalar) or not isinstance(name.value, str):
            return None
        names = self._targets.entries.keys()
        if name.text not in names:
            way_out = partial(did_you_mean, name.text, names, f"there are {listed(names)}")
            self._mistakes.add(name.place, f"unknown target '{name.text}'", way_out)
        elif name.text in self._chain:
            chain = self._chain[self._chain.index(name.text) :]
            self._mistakes.add(
                name.place, f"targets go round in a circle: {' as '.join([*chain, name.text])}"
            )
        elif len(self._chain) > MAX_DEPTH:
            what = f"more than {MAX_DEPTH} targets take over from each other"
            self._mistakes.add(name.place, what, "let them take over from one")
        else:
            return name.text
        return None

    def _with_proof_as_phase(self, target: Map) -> Map:
        entries = dict(target.entries)
        proof = entries.get("proof")
        if proof is None or (isinstance(proof.value, Scalar) and proof.value.value is None):
            return target
        phases = entries.get("phases", Entry(proof.place, Map(proof.place)))
        empty = isinstance(phases.value, Scalar) and phases.value.value is None
        told = Map(phases.place) if empty else phases.value
        if not isinstance(told, Map):
            return target
        del entries["proof"]
        if "proof" in told.entries:
            self._mistakes.add(
                proof.place, "there is a phase 'proof' and a 'proof' besides", "keep one of them"
            )
        else:
            told = replace(told, entries={**told.entries, "proof": proof})
        entries["phases"] = Entry(phases.place, told)
        return replace(target, entries=entries)
