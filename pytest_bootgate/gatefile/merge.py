"""One tree over another: a file over its preset, a target over its `extends` and the defaults."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

import msgspec.inspect as mi

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.environment import filled
from pytest_bootgate.gatefile.model import PhaseProbe, Probe, StageProbe, Target, Trigger
from pytest_bootgate.gatefile.model.fields import ROOT, TARGET, fields_of, without_none
from pytest_bootgate.gatefile.source import MAX_DEPTH, MAX_NODES
from pytest_bootgate.gatefile.tree import (
    Map,
    Mistakes,
    Scalar,
    Seq,
    Tree,
    did_you_mean,
    listed,
    size,
)
from pytest_bootgate.probes import KINDS

#: The target that is the gateway's own start.
GATEWAY = "gateway"
_TRIGGER_PLACES = frozenset({"exec", "http", "send"})


def with_targets(
    root: Map, wanted: Collection[str] | None, environ: Mapping[str, str], mistakes: Mistakes
) -> Map:
    """The gate file with `wanted` targets (None: all), each of them complete.

    One that may lack something because of a mistake elsewhere is not whole.
    """
    targets = root.below("targets")
    if not isinstance(targets, Map):
        return root
    kept = {name: each for name, each in targets.entries.items() if not _removed(each)}
    targets = replace(targets, entries=kept)
    defaults = root.below("target")
    if isinstance(defaults, Map) and "extends" in defaults:
        place = defaults.entries["extends"].key
        mistakes.add(place, "'extends' belongs into one target, not into all", "move it there")
        defaults = _without(defaults, "extends")
        root = _with(root, target=defaults)
    if not isinstance(defaults, Map):
        none = defaults is None or (isinstance(defaults, Scalar) and defaults.null)
        defaults = Map(targets.key, targets.key, whole=none)
    resolution = _Resolution(targets, defaults, environ, mistakes)
    entries, values = {}, 0
    for name in kept if wanted is None else [name for name in wanted if name in kept]:
        entries[name] = resolution.complete(name)
        if (values := values + size(entries[name])) > MAX_NODES:
            what = f"with what they share the targets hold more than {MAX_NODES} values"
            mistakes.add(targets.key, what, "gate them in several files")
            break
    return _with(root, targets=replace(targets, entries=entries))


def with_gateway(root: Map, mistakes: Mistakes) -> Map:
    """The gate file with its gateway's own start among the targets, where that has a timeout."""
    gateway, targets = root.below("gateway"), root.below("targets")
    if not isinstance(gateway, Map) or not isinstance(targets, Map):
        return root
    timeout = gateway.below("timeout")
    if timeout is None:
        for key in ("phases", "slower"):
            if key in gateway.entries:
                what = f"'{key}' of the gateway is for its own start, which has no timeout"
                mistakes.add(gateway.entries[key].key, what, "add gateway: {timeout: 60s}")
        return root
    if GATEWAY in targets.entries:
        what = f"'{GATEWAY}' stands for the gateway's own start, which has a timeout"
        mistakes.add(targets.entries[GATEWAY].key, what, "take another name, or leave that out")
        return root
    ready, phases = gateway.below("ready"), gateway.below("phases")
    if phases is None and ready is None:
        what = "nothing shows that the gateway started"
        mistakes.add(timeout.key, what, "give it `ready`, or `phases`")
        return root
    if phases is None and ready is not None:
        phases = Map(ready.key, ready.place, {"ready": ready})
    own = {"timeout": timeout, "phases": phases}
    own |= {key: gateway.below(key) for key in ("slower", "stages")}
    target = Map(
        timeout.key, timeout.place, {key: each for key, each in own.items() if each is not None}
    )
    return _with(root, targets=replace(targets, entries={GATEWAY: target, **targets.entries}))


def with_config(root: Map, mistakes: Mistakes) -> Map:
    """The gate file with the operator's `config` in the place of the one that its preset adapts."""
    config = root.below("config")
    if not isinstance(config, Scalar) or not isinstance(config.value, str):
        return root
    gateway = root.below("gateway")
    files = gateway.below("files") if isinstance(gateway, Map) else None
    entries = files.entries if isinstance(files, Map) else {}
    taken = {
        name: _with(_without(file, "text"), path=config)
        for name, file in entries.items()
        if isinstance(file, Map) and "overlay" in file
    }
    if not taken:
        what = "no file of the gateway has an overlay, so nothing takes 'config'"
        mistakes.add(config.key, what, "put it in place yourself: gateway: {files: ...}")
        return root
    assert isinstance(gateway, Map)
    assert isinstance(files, Map)
    gateway = _with(gateway, files=replace(files, entries={**entries, **taken}))
    return _with(_without(root, "config"), gateway=gateway)


def _with(tree: Map, **entries: Tree) -> Map:
    return replace(tree, entries={**tree.entries, **entries})


def _without(tree: Map, key: str) -> Map:
    return replace(tree, entries={name: each for name, each in tree.entries.items() if name != key})


def merged(under: Tree, over: Tree, kind: mi.Type = ROOT) -> Tree:
    """`over` on top of `under`; `kind` is what the model wants here.

    Mappings merge entry by entry, lists of `exclude` add, everything else replaces, null removes;
    an empty value is left to the validator. A probe or trigger that names its own place replaces
    one of another place. Phases keep their order, or are replaced altogether where a new one has no
    place in it.
    """
    kind = without_none(kind)[0]
    if isinstance(over, Scalar) and (over.null or over.empty):
        # `main:` with nothing after it, in the list of targets, means main as the preset has it.
        same = _struct(kind) is Target and over.empty
        return replace(under, key=over.key) if same else replace(over, removes=over.null)
    if not isinstance(under, Map) or not isinstance(over, Map) or _replaces(under, over, kind):
        return over
    both = {
        key: _added(key, under.entries[key], tree, kind) if key in under else tree
        for key, tree in over.entries.items()
    }
    whole = under.whole and over.whole
    kept = dict(under.entries)
    if "timeout" in over and "timeout_of" in kept:  # it is that of another timeout
        del kept["timeout_of"]
    return replace(over, entries={**kept, **both}, whole=whole)


def _added(key: str, under: Tree, over: Tree, kind: mi.Type) -> Tree:
    # Whoever excludes one more thing does not want the credentials to come along.
    if key == "exclude" and isinstance(under, Seq) and isinstance(over, Seq):
        return replace(over, items=(*under.items, *over.items))
    return merged(under, over, _inner(kind, key))


def without_removed(tree: Map) -> Map:
    """The mapping without the entries that a null took away."""
    entries = {
        key: without_removed(each) if isinstance(each, Map) else each
        for key, each in tree.entries.items()
        if not _removed(each)
    }
    return replace(tree, entries=entries)


def _removed(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.removes


class _Resolution:
    def __init__(
        self, targets: Map, defaults: Map, environ: Mapping[str, str], mistakes: Mistakes
    ) -> None:
        self._targets = targets
        self._mistakes = mistakes
        self._defaults = defaults
        self._environ = environ
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
        own = self._targets.entries[name]
        if isinstance(own, Scalar) and (own.null or own.empty):
            own = Map(own.key, own.key)
        if not isinstance(own, Map):
            return own
        extends = own.below("extends")
        if extends is None or (isinstance(extends, Scalar) and extends.null):
            return merged(self._defaults, own, TARGET)
        other = self._other(extends)
        base = None if other is None else self._definition(other)
        if not isinstance(base, Map):
            return replace(own, whole=False)
        # One held boot for each session target is enough, and each takes its timeout.
        result = merged(_without(base, "propagation"), own, TARGET)
        if isinstance(result, Map) and "extends" in base:
            # ${target} is the name at the end of the chain, the only one the system knows.
            return _with(result, extends=base.entries["extends"])
        return result

    def _other(self, name: Tree) -> str | None:
        if not isinstance(name, Scalar) or not isinstance(name.value, str) or name.broken:
            return None
        try:
            name = filled(name, self._environ)
        except variables.UnsetError:
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
        proof = target.below("proof")
        if proof is None or (isinstance(proof, Scalar) and (proof.null or proof.empty)):
            return target
        phases = target.entries.get("phases", Map(proof.key, proof.key))
        if isinstance(phases, Scalar) and phases.null:
            phases = Map(phases.key, phases.key)
        if not isinstance(phases, Map):
            return target
        if "proof" in phases:
            self._mistakes.add(
                proof.key, "there is a phase 'proof' and a 'proof' besides", "keep one of them"
            )
        else:
            phases = _with(phases, proof=proof)
        return _with(_without(target, "proof"), phases=phases)


def _struct(kind: mi.Type) -> type | None:
    return kind.cls if isinstance(kind, mi.StructType) else None


def _inner(kind: mi.Type, key: str) -> mi.Type:
    if isinstance(kind, mi.DictType):
        return kind.value_type
    if isinstance(kind, mi.StructType) and (field := fields_of(kind).get(key)) is not None:
        return field.type
    return mi.AnyType()


def _replaces(under: Map, over: Map, kind: mi.Type) -> bool:
    struct = _struct(kind)
    if isinstance(kind, mi.DictType) and _struct(kind.value_type) is PhaseProbe:
        return not over.entries or not over.entries.keys() <= under.entries.keys()
    if struct is None or not issubclass(struct, (Probe, StageProbe, Trigger)):
        return False
    places = _TRIGGER_PLACES if struct is Trigger else KINDS.keys()
    named = places & over.entries.keys()
    return bool(named) and named != places & under.entries.keys()
