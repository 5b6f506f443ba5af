"""A YAML file as a tree in which everything knows where it was written."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

#: So many mistakes are told at once, so much of each half of one, and so many names in it.
_MISTAKES, _HALF, _NAMES = 100, 400, 20
#: So many names are held against one that is unknown.
_NEAR = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file; lines and columns count from 1."""

    file: Path
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{shown(self.file)}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: what YAML makes of it, later what the model makes of it, and its `text`.

    `plain` means without quotes. `filled` means that the whole text came from the environment,
    so that it may be read as a text or as what it looks like. `removes` marks a null that took
    away what a preset said, `broken` a value whose mistake is already told.
    """

    key: Place
    place: Place
    value: Any
    text: str
    plain: bool = True
    filled: bool = False
    removes: bool = False
    broken: bool = False

    @property
    def null(self) -> bool:
        """Whether somebody wrote null, and so wants nothing here."""
        return self.value is None and not self.broken and bool(self.text)

    @property
    def empty(self) -> bool:
        """Whether nothing was written, not even null."""
        return self.value is None and not self.broken and not self.text


@dataclass(frozen=True, slots=True)
class Seq:
    """A list."""

    key: Place
    place: Place
    items: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping. `whole` is false where some of it could not be read or was not understood.

    `cls` is what the model makes of it, once it is held against the model.
    """

    key: Place
    place: Place
    entries: Mapping[str, Tree] = field(default_factory=dict)
    whole: bool = True
    cls: type | None = None

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def below(self, *keys: str) -> Tree | None:
        """What stands below these keys, None where there is nothing."""
        tree: Tree | None = self
        for key in keys:
            tree = tree.entries.get(key) if isinstance(tree, Map) else None
        return tree

    def get(self, key: str) -> Any:
        """The value of an entry, None where there is none or it is broken; a mapping as it is."""
        tree = self.entries.get(key)
        return None if tree is None or (isinstance(tree, Scalar) and tree.broken) else value(tree)

    def section(self, key: str) -> Map:
        """The mapping under this key, an empty one where there is none, not whole if broken."""
        tree = self.entries.get(key)
        if tree is None:
            return Map(self.key, self.place)
        return tree if isinstance(tree, Map) else Map(tree.key, tree.place, whole=False)

    def sections(self, key: str) -> dict[str, Map]:
        """The mappings in the mapping under this key."""
        entries = self.section(key).entries
        return {name: tree for name, tree in entries.items() if isinstance(tree, Map)}

    @property
    def keys(self) -> dict[str, Place]:
        """Where each key stands."""
        return {key: tree.key for key, tree in self.entries.items()}

    @property
    def at(self) -> dict[str, Place]:
        """Where the value of each key stands."""
        return {key: tree.place for key, tree in self.entries.items()}


#: A value with where it was written: it stands at `place`, and its key, if it has one, at `key`.
Tree: TypeAlias = Scalar | Seq | Map


def value(tree: Tree) -> Any:
    """What a tree holds; a mapping as it is."""
    if isinstance(tree, Seq):
        return [value(item) for item in tree.items]
    return tree.value if isinstance(tree, Scalar) else tree


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong in a gate file: where, what, and the way out; one line, not too long.

    `excerpt` are lines of the file that are shown below it.
    """

    place: Place
    what: str
    way_out: str | Callable[[], str] = ""
    excerpt: tuple[str, ...] = ()

    def __str__(self) -> str:
        way_out = self.way_out if isinstance(self.way_out, str) else self.way_out()
        halves = [f"{h[:_HALF]}…" if len(h) > _HALF else h for h in (self.what, way_out) if h]
        line = " ".join(f"{self.place}: {': '.join(halves)}".splitlines())
        return "\n".join((line, *self.excerpt))


class Mistakes:
    """All mistakes of a gate file and its presets, each told once.

    A way out that takes a search among names may be a function: it is made for what is told.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[Place, str], Mistake] = {}

    def add(
        self,
        place: Place,
        what: str,
        way_out: str | Callable[[], str] = "",
        excerpt: tuple[str, ...] = (),
    ) -> None:
        """Report a mistake; what is already known of this place is not repeated."""
        self._found.setdefault((place, what), Mistake(place, what, way_out, excerpt))

    def take(self, others: Mistakes) -> None:
        """Report the mistakes of others as well."""
        self._found = {**others._found, **self._found}

    def lines(self, first: Path) -> list[str]:
        """The mistakes by position, those of the file `first` before those of presets.

        Of very many the first ones, and how many there are besides.
        """

        def position(mistake: Mistake) -> tuple[bool, str, int, int]:
            place = mistake.place
            return place.file != first, str(place.file), place.line, place.column

        found = sorted(self._found.values(), key=position)
        if (more := len(found) - _MISTAKES) > 0:
            rest = f"from here on there are {more} more mistakes"
            found[_MISTAKES:] = [Mistake(found[_MISTAKES].place, rest, "mend those above first")]
        return [str(mistake) for mistake in found]

    def __bool__(self) -> bool:
        return bool(self._found)


def shown(path: Path) -> Path:
    """A path as messages show it: from the current directory, if it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def size(tree: Tree) -> int:
    """How many values a tree holds, itself included."""
    if isinstance(tree, Map):
        return 1 + sum(map(size, tree.entries.values()))
    return 1 + sum(map(size, tree.items)) if isinstance(tree, Seq) else 1


def did_you_mean(name: str, known: Collection[str], otherwise: str) -> str:
    """The way out of a wrong name: the nearest known one, or `otherwise`."""
    cased = {each.casefold(): each for each in islice(known, _NEAR)}
    near = difflib.get_close_matches(name.casefold(), cased, n=1)
    return f"did you mean '{cased[near[0]]}'?" if near else otherwise


def listed(names: Collection[str], last: str = "and") -> str:
    """Names as a sentence says them: ``a, b and c``."""
    more = len(names) - _NAMES
    some = list(islice(names, _NAMES)) + [f"{more} more"] * (more > 0)
    *most, end = some or ["none"]
    return f"{', '.join(most)} {last} {end}" if most else end


def planted(value: Any, place: Place) -> Tree:
    """A plain value as a tree, all of which stands at one place."""
    if isinstance(value, Mapping):
        return Map(place, place, {str(key): planted(each, place) for key, each in value.items()})
    if isinstance(value, list):
        return Seq(place, place, tuple(planted(each, place) for each in value))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Scalar(place, place, value, text, plain=not isinstance(value, str))
