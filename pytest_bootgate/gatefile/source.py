"""From YAML text to a tree: nothing is executed, and nothing grows without bound."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import yaml

from pytest_bootgate.gatefile.tree import Map, Mistakes, Place, Scalar, Seq, Tree
from pytest_bootgate.whole import regular

MAX_BYTES = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 50
#: Greater numbers are as good as infinite.
_GREATEST = 10**300

_TAG = "tag:yaml.org,2002:"
#: How many other gate files are named where there is none.
_NEAR = 5
#: What YAML 1.1 takes for a boolean and YAML 1.2 for a text.
_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
#: Numbers that YAML 1.1 and YAML 1.2 read in two ways.
_NUMBER = re.compile(r"[-+]?(?:0[0-9_]+|0b[01_]+|[1-9][0-9]*_[0-9_]*)")
_RESOLVER = yaml.resolver.Resolver()
#: The tags of what has no other tag than that by which it is read.
_READ = tuple(f"{_TAG}{kind}" for kind in ("str", "int", "bool"))
_CONSTRUCTOR = yaml.constructor.SafeConstructor()
_VALUES: dict[str, Callable[[yaml.ScalarNode], int | float | bool]] = {
    f"{_TAG}int": _CONSTRUCTOR.construct_yaml_int,
    f"{_TAG}float": _CONSTRUCTOR.construct_yaml_float,
    f"{_TAG}bool": _CONSTRUCTOR.construct_yaml_bool,
}


def read(path: Path, mistakes: Mistakes) -> Map | None:
    """The file as a tree, None where it is none; what is wrong goes to `mistakes`."""
    top = Place(path)
    try:
        with regular(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        near = sorted(path.parent.glob("*/bootgate.yaml"))[:_NEAR]
        below = f"; there is {', '.join(map(str, near))}" if near else ""
        reason = getattr(error, "strerror", None) or error
        mistakes.add(top, "the file cannot be read", f"{reason}{below}")
        return None
    if len(data) > MAX_BYTES:
        mistakes.add(top, f"the file is larger than {MAX_BYTES // 1024} KiB", "shorten it")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        mistakes.add(top, "the file is not UTF-8 text", "save it as UTF-8")
        return None
    try:
        root = _compose(text, path, mistakes)
        if root is None:
            return None
        tree = _Reading(path, mistakes).tree(root)
    except _EndlessError as error:
        mistakes.add(error.place, str(error), "write it shorter, without aliases")
        return None
    if isinstance(tree, Map):
        return tree
    mistakes.add(
        tree.place, "a gate file is a mapping", "write keys such as releases: and targets:"
    )
    return None


def looks_like(text: str) -> str | int | float | bool:
    """What YAML makes of a text without quotes; null, dates and what is unclear stay texts."""
    if unclear(text):
        return text
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return _value(yaml.ScalarNode(tag, text))


def unclear(text: str) -> tuple[str, str] | None:
    """What is wrong with a text that YAML 1.1 and 1.2 read in two ways, and the way out."""
    if (word := _BOOLEANS.get(text.lower())) is not None and text in (
        text.lower(),
        text.upper(),
        text.capitalize(),
    ):
        what = f"'{text}' is no boolean in YAML 1.2, but it was one in YAML 1.1"
        return what, f'write {word}, or "{text}" for the text'
    if _NUMBER.fullmatch(text):
        binary = "b" in text
        number = int(text.replace("_", ""), 2 if binary else 10)
        return f"'{text}' is not the same number in YAML 1.1 and 1.2", (
            f'write {number}, or "{text}" for the text'
        )
    return None


def _compose(text: str, path: Path, mistakes: Mistakes) -> yaml.Node | None:
    place, problem = Place(path), ""
    loader: _Loader | None = None
    try:
        loader = _Loader(text, path)
        root: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(path, mark) if mark else place
        problem = " ".join(part for part in (error.context, error.problem) if part)
        if r"'\t'" in problem:
            problem += ": indent with spaces"
        if mark and text[: mark.index + 1].endswith("${"):
            problem += ": inside { } and [ ] a variable stands in quotes"
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line = before.count("\n") + 1
        place = Place(path, line, error.position - before.rfind("\n"))
        problem = f"the character U+{error.character:04X} is not allowed"
    except (ValueError, OverflowError) as error:  # a number that Python cannot take
        if loader is not None:
            place = _place(path, loader.get_mark())
        problem = f"a number or an escape in it is out of range ({error})"
    else:
        if root is None:
            mistakes.add(place, "the file is empty", "name the releases and the targets")
        return root
    mistakes.add(place, "this is not YAML", problem)
    return None


def _place(path: Path, mark: yaml.Mark) -> Place:
    return Place(path, mark.line + 1, mark.column + 1)


def _value(node: yaml.ScalarNode) -> str | int | float | bool:
    text: str = node.value
    # YAML 1.1 reads 1:30 as ninety; nobody who writes it in a gate file means that.
    if node.tag not in _VALUES or ":" in text:
        return text
    try:
        value = _VALUES[node.tag](node)
    except (ValueError, LookupError):
        return text
    # No float can hold it, and from some length on Python will not even write it out.
    return value if type(value) is not int or abs(value) < _GREATEST else math.inf


class _EndlessError(Exception):
    def __init__(self, place: Place, what: str) -> None:
        super().__init__(what)
        self.place = place


def _bounded(nodes: int, depth: int, place: Callable[[], Place]) -> None:
    if nodes > MAX_NODES:
        raise _EndlessError(place(), f"the file holds more than {MAX_NODES} values")
    if depth > MAX_DEPTH:
        raise _EndlessError(place(), f"more than {MAX_DEPTH} values lie inside each other")


class _Loader(yaml.SafeLoader):
    """Stops at the first node that is too much, not when all of them are there."""

    def __init__(self, text: str, path: Path) -> None:
        super().__init__(text)
        self._path, self._nodes, self._depth = path, 0, -1

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        self._depth += 1
        _bounded(self._nodes, self._depth, self._here)
        event = self.peek_event()  # type: ignore[no-untyped-call]
        node: yaml.Node | None = super().compose_node(parent, index)
        if node is not None and (tag := getattr(event, "tag", None)) is not None:
            shown = tag.replace(_TAG, "!!")  # as no tag is called that YAML finds by itself
            node.tag = shown if shown.startswith("!") else f"!<{shown}>"
        self._depth -= 1
        return node

    def _here(self) -> Place:
        return _place(self._path, self.peek_event().start_mark)  # type: ignore[no-untyped-call]


class _Reading:
    """One pass over the nodes of a file; aliases are expanded, up to a limit."""

    def __init__(self, path: Path, mistakes: Mistakes) -> None:
        self._path = path
        self._mistakes = mistakes
        self._nodes = 0
        self._open: set[int] = set()

    def tree(self, node: yaml.Node, key: Place | None = None) -> Tree:
        place = _place(self._path, node.start_mark)
        key = key or place
        self._nodes += 1
        _bounded(self._nodes, len(self._open), lambda: place)
        if id(node) in self._open:
            raise _EndlessError(place, "this value contains itself")
        if self._tagged(node, place):
            return Scalar(key, place, node.tag, node.tag, broken=True)
        if isinstance(node, yaml.ScalarNode):
            self._fit(place, node.value)
            plain = node.style is None
            if plain and node.tag in _READ and (told := unclear(node.value)) is not None:
                self._mistakes.add(place, *told)
                return Scalar(key, place, node.value, node.value, broken=True)
            value = None if node.tag == f"{_TAG}null" else _value(node)
            return Scalar(key, place, value, node.value, plain=plain)
        self._open.add(id(node))
        result = self._container(node, key, place)
        self._open.discard(id(node))
        return result

    def _tagged(self, node: yaml.Node, place: Place) -> bool:
        """Whether a tag says what a value is, which its key says; that is a mistake."""
        if not node.tag.startswith("!"):
            return False
        text = node.tag in ("!!str", "!")
        way_out = "write the value in quotes" if text else "write the plain value"
        self._mistakes.add(place, f"the tag '{node.tag}' is not allowed", way_out)
        return True

    def _fit(self, place: Place, text: str) -> None:
        """No command, path, variable or request can hold these."""
        if "\0" in text:
            self._mistakes.add(place, "this text holds a NUL character", "leave it out")
        elif any("\ud800" <= char <= "\udfff" for char in text):
            self._mistakes.add(place, "this text holds half a character (a surrogate)", "mend it")

    def _container(self, node: yaml.Node, key: Place, place: Place) -> Seq | Map:
        if not isinstance(node, yaml.MappingNode):
            return Seq(key, place, tuple(self.tree(item) for item in node.value))
        entries: dict[str, Tree] = {}
        whole = True
        for name, item in node.value:
            at = _place(self._path, name.start_mark)
            if isinstance(name, yaml.ScalarNode):
                self._fit(at, name.value)
                self._tagged(name, at)
            if not isinstance(name, yaml.ScalarNode):
                self._mistakes.add(at, "a key must be a text", "write key: value")
            elif name.tag == f"{_TAG}merge":
                self._mistakes.add(
                    at,
                    "merge keys ('<<') are not allowed",
                    "use 'target', or 'extends' in a target",
                )
            elif name.value in entries:
                first = entries[name.value].key.line
                self._mistakes.add(
                    at, f"the key '{name.value}' is already in line {first}", "keep one of them"
                )
            else:
                entries[name.value] = self.tree(item, at)
                continue
            whole = False
        return Map(key, place, entries, whole)
