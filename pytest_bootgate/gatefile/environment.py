"""Environment variables filled into a tree, and a look at the variables left for the boot."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.source import looks_like
from pytest_bootgate.gatefile.tree import (
    Map,
    Mistakes,
    Place,
    Scalar,
    Seq,
    Tree,
    did_you_mean,
    listed,
)

#: How a text begins that `bootgate init` leaves to the user.
TO_FILL_IN = "FILL IN"
#: Only the run of a job that is already there knows which one.
_OF_A_JOB = ("state", "run")


def with_environment(root: Map, environ: Mapping[str, str], mistakes: Mistakes) -> Map:
    """The tree with every value's environment variables filled in; keys stay as they are."""
    ports = root.below("ports")
    named = [f"port.{name}" for name in ports.entries] if isinstance(ports, Map) else []
    known = dict.fromkeys((*variables.BOOT_VARIABLES, *named))
    return _Filling(environ, known, mistakes).mapping(root, ())


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
        self, environ: Mapping[str, str], known: dict[str, None], mistakes: Mistakes
    ) -> None:
        self._environ = environ
        self._known, self._known_of_a_job = known, known | dict.fromkeys(variables.JOB_VARIABLES)
        self._mistakes = mistakes

    def mapping(self, tree: Map, keys: tuple[str, ...]) -> Map:
        for key, each in tree.entries.items():
            self._check(key, each.key, keys, key=True)
        entries = {key: self._tree(each, (*keys, key)) for key, each in tree.entries.items()}
        return replace(tree, entries=entries)

    def _tree(self, tree: Tree, keys: tuple[str, ...]) -> Tree:
        if isinstance(tree, Map):
            return self.mapping(tree, keys)
        if isinstance(tree, Seq):
            return replace(tree, items=tuple(self._tree(item, keys) for item in tree.items))
        if not isinstance(tree.value, str):
            return tree
        good = self._check(tree.text, tree.place, keys)
        try:
            return filled(tree, self._environ) if good else replace(tree, broken=True)
        except variables.UnsetError as unset:
            self._mistakes.add(tree.place, *unset_variable(unset))
            return replace(tree, broken=True)

    def _check(self, text: str, place: Place, keys: tuple[str, ...], *, key: bool = False) -> bool:
        if variables.unfinished(text):
            self._mistakes.add(
                place, "'${' has no end, or a brace inside", "write $${ for the literal text"
            )
            return False
        if text.startswith(TO_FILL_IN):
            what = text.removeprefix(TO_FILL_IN).lstrip(": ") or "your own"
            self._mistakes.add(place, f"'{text}' is to be filled in", f"write {what}")
            return False
        good = True
        known = self._known_of_a_job if keys[:2] == _OF_A_JOB else self._known
        for name in variables.names(text):
            if variables.from_environment(name):
                if key:
                    self._mistakes.add(
                        place,
                        f"'${{{name}}}' is in a key",
                        "only values have environment variables",
                    )
            elif name not in known:
                way_out = partial(_way_out, name, known)
                self._mistakes.add(place, f"unknown variable '${{{name}}}'", way_out)
                good = False
        return good


_PORT = "port."
#: ``${NAME-default}`` and ``${NAME:?message}``, which a shell and Compose have besides.
_OF_A_SHELL = re.compile(r"([A-Z_][A-Z0-9_]*)(?:(-.*)|:?\?.*)", re.DOTALL)


def _way_out(name: str, known: Collection[str]) -> str:
    plain = name.partition(":-")[0]
    if found := _OF_A_SHELL.fullmatch(name):
        default = f":{found[2]}" if found[2] else ""
        return f"write ${{{found[1]}{default}}}"
    if plain in known:
        return f"write ${{{plain}}}, only environment variables have defaults"
    if plain.startswith(_PORT):
        name = plain.removeprefix(_PORT)
        ports = [one.removeprefix(_PORT) for one in known if one.startswith(_PORT)]
        near = did_you_mean(name, ports, "").replace("'", f"'{_PORT}", 1)
        return near or f"declare it, ports: {{{name}: 8080}}"
    way_out = f"a boot knows {listed(known)}; write $${{{name}}} for the literal text"
    return did_you_mean(plain, known, way_out)
