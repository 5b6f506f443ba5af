"""A YAML file as a tree in which everything knows where it was written."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeAlias

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
    """A single value: what YAML makes of it, and its `text` as written.

    `plain` means without quotes. `filled` means that the whole text came from the environment,
    so that it may be read as a text or as what it looks like. `removes` marks a null that took
    away what a preset said, `broken` a value whose mistake is already told.
    """

    place: Place
    value: str | int | float | bool | None
    text: str
    plain: bool = True
    filled: bool = False
    removes: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Seq:
    """A list."""

    place: Place
    items: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a mapping; `place` is where its key stands."""

    place: Place
    value: Tree


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping. `whole` is false where some of it could not be read."""

    place: Place
    entries: Mapping[str, Entry] = field(default_factory=dict)
    whole: bool = True

    def at(self, *keys: str) -> Tree | None:
        """The value below these keys, None where there is none."""
        tree: Tree = self
        for key in keys:
            if not isinstance(tree, Map) or key not in tree.entries:
                return None
            tree = tree.entries[key].value
        return tree

    def along(self, *keys: str) -> Iterator[Place]:
        """Where this mapping and each of the keys stand, as far down as they are known."""
        tree: Tree = self
        yield self.place
        for key in keys:
            if not isinstance(tree, Map) or key not in tree.entries:
                return
            yield tree.entries[key].place
            tree = tree.entries[key].value


Tree: TypeAlias = Scalar | Seq | Map


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong in a gate file: where, what, and the way out; one line, not too long."""

    place: Place
    what: str
    way_out: str | Callable[[], str] = ""

    def __str__(self) -> str:
        way_out = self.way_out if isinstance(self.way_out, str) else self.way_out()
        halves = [f"{h[:_HALF]}…" if len(h) > _HALF else h for h in (self.what, way_out) if h]
        return " ".join(f"{self.place}: {': '.join(halves)}".splitlines())


class Mistakes:
    """All mistakes of a gate file and its presets, each told once.

    A way out that takes a search among names may be a function: it is made for what is told.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[Place, str], Mistake] = {}

    def add(self, place: Place, what: str, way_out: str | Callable[[], str] = "") -> None:
        """Report a mistake; what is already known of this place is not repeated."""
        self._found.setdefault((place, what), Mistake(place, what, way_out))

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
        return 1 + sum(size(entry.value) for entry in tree.entries.values())
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
