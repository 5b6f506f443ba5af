"""Environment variables filled into a tree, and a look at the variables left for the boot."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.source import looks_like
from pytest_bootgate.gatefile.tree import (
    Entry,
    Map,
    Mistakes,
    Place,
    Scalar,
    Seq,
    Tree,
    did_you_mean,
    listed,
)


def with_environment(root: Map, environ: Mapping[str, str], mistakes: Mistakes) -> Map:
    """The tree with every value's environment variables filled in; keys stay as they are."""
    ports = root.at("ports")
    named = [f"port.{name}" for name in ports.entries] if isinstance(ports, Map) else []
    known = dict.fromkeys((*variables.BOOT_VARIABLES, *named))
    whole = _Filling(environ, known, mistakes).mapping(_without_run(root))
    state, run = root.at("state"), root.at("state", "run")
    if not isinstance(state, Map) or run is None:
        return whole
    # Only the run of a job that is already there knows which one.
    there = whole.entries["state"]
    assert isinstance(there.value, Map)
    there_known = known | dict.fromkeys(variables.JOB_VARIABLES)
    filling = _Filling(environ, there_known, mistakes)
    own = Map(run.place, {"run": Entry(state.entries["run"].place, run)})
    entries = {**there.value.entries, **filling.mapping(own).entries}
    filled_state = Entry(there.place, replace(there.value, entries=entries))
    return replace(whole, entries={**whole.entries, "state": filled_state})


def _without_run(root: Map) -> Map:
    state = root.at("state")
    if not isinstance(state, Map) or "run" not in state.entries:
        return root
    rest = {key: entry for key, entry in state.entries.items() if key != "run"}
    entry = Entry(root.entries["state"].place, replace(state, entries=rest))
    return replace(root, entries={**root.entries, "state": entry})


def filled(scalar: Scalar, environ: Mapping[str, str]) -> Scalar:
    """The scalar with its environment variables filled in; raises `variables.UnsetError`.

    A text that is nothing but a variable may be more than a text: it is read again for its
    type, as in ``cpus: ${CPUS:-0.5}``; in quotes only where the model wants no text.
    """
    if not isinstance(scalar.value, str) or "${" not in scalar.text:
        return scalar
    text = variables.expand(scalar.text, environ)
    whole = variables.whole(scalar.text)
    value = looks_like(text) if whole and scalar.plain else text
    return replace(scalar, value=value, text=text, filled=whole)


def unset_variable(unset: variables.UnsetError) -> tuple[str, str]:
    """The mistake that an unset environment variable is, and the way out."""
    name = unset.args[0]
    return f"environment variable {name} is not set", f"set it, or write ${{{name}:-default}}"


class _Filling:
    def __init__(
        self, environ: Mapping[str, str], known: Collection[str], mistakes: Mistakes
    ) -> None:
        self._environ = environ
        self._known = known
        self._mistakes = mistakes

    def mapping(self, tree: Map) -> Map:
        for key, entry in tree.entries.items():
            self._check(key, entry.place, key=True)
        entries = {
            key: Entry(entry.place, self._tree(entry.value)) for key, entry in tree.entries.items()
        }
        return replace(tree, entries=entries)

    def _tree(self, tree: Tree) -> Tree:
        if isinstance(tree, Map):
            return self.mapping(tree)
        if isinstance(tree, Seq):
            return Seq(tree.place, tuple(self._tree(item) for item in tree.items))
        if not isinstance(tree.value, str):
            return tree
        good = self._check(tree.text, tree.place)
        try:
            return filled(tree, self._environ) if good else replace(tree, broken=True)
        except variables.UnsetError as unset:
            self._mistakes.add(tree.place, *unset_variable(unset))
            return replace(tree, broken=True)

    def _check(self, text: str, place: Place, *, key: bool = False) -> bool:
        if variables.unfinished(text):
            self._mistakes.add(
                place, "'${' has no end, or a brace inside", "write $${ for the literal text"
            )
            return False
        good = True
        for name in variables.names(text):
            if variables.from_environment(name):
                if key:
                    self._mistakes.add(
                        place,
                        f"'${{{name}}}' is in a key",
                        "only values have environment variables",
                    )
            elif name not in self._known:
                way_out = partial(self._way_out, name)
                self._mistakes.add(place, f"unknown variable '${{{name}}}'", way_out)
                good = False
        return good

    def _way_out(self, name: str) -> str:
        plain = name.partition(":-")[0]
        if plain in self._known:
            return f"write ${{{plain}}}, only environment variables have defaults"
        return did_you_mean(
            plain,
            self._known,
            f"a boot knows {listed(self._known)}; write $${{{name}}} for the literal text",
        )
