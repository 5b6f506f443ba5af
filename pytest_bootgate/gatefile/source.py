"""From YAML text to a tree: nothing is executed, and nothing grows without bound."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import yaml

from pytest_bootgate.gatefile.not_yaml import conflict, excerpt, explained
from pytest_bootgate.gatefile.tree import Map, Mistakes, Place, Scalar, Seq, Tree
from pytest_bootgate.whole import regular

MAX_BYTES = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 50
#: The same of a manifest, in which stands whatever is applied together, schemas among it.
_MANIFEST_BYTES, _MANIFEST_NODES, _MANIFEST_DEPTH = 2 << 20, 100_000, 100
_RENDER = "render it first: helm template NAME CHART > rendered.yaml"
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
    text = _text(path, MAX_BYTES, "shorten it", mistakes)
    if text is None:
        return None
    try:
        roots = _compose(text, path, mistakes)
        if roots is None:
            return None
        if not roots:
            mistakes.add(Place(path), "the file is empty", "name the releases and the targets")
            return None
        tree = _Reading(path, mistakes).tree(roots[0])
    except _EndlessError as error:
        mistakes.add(error.place, str(error), "write it shorter, without aliases")
        return None
    if isinstance(tree, Map):
        return tree
    mistakes.add(
        tree.place, "a gate file is a mapping", "write keys such as releases: and targets:"
    )
    return None


def documents(path: Path, mistakes: Mistakes) -> list[Map] | None:
    """The mappings of a manifest, None where it is none; what is wrong goes to `mistakes`.

    A cluster reads YAML 1.1 as texts and numbers want it, and knows merge keys.
    """
    way_out = "render only what the gate needs: helm template --show-only templates/FILE.yaml"
    text = _text(path, _MANIFEST_BYTES, way_out, mistakes)
    if text is None:
        return None
    try:
        roots = _compose(text, path, mistakes, manifest=True)
        reading = _Reading(path, mistakes, manifest=True)
        trees = None if roots is None else [reading.tree(root) for root in roots]
    except _EndlessError as error:
        mistakes.add(error.place, str(error), f"write it without aliases, or {way_out}")
        return None
    if mistakes and (at := text.find("{{")) >= 0:
        place = Place(path, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        mistakes.add(place, "this looks like a template, not like what is applied", _RENDER)
    return None if trees is None else [each for each in trees if isinstance(each, Map)]


def _text(path: Path, most: int, way_out: str, mistakes: Mistakes) -> str | None:
    top = Place(path)
    try:
        with regular(path).open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        near = sorted(path.parent.glob("*/bootgate.yaml"))[:_NEAR]
        below = f"; there is {', '.join(map(str, near))}" if near else ""
        reason = getattr(error, "strerror", None) or error
        mistakes.add(top, "the file cannot be read", f"{reason}{below}")
        return None
    if len(data) > most:
        mistakes.add(top, f"the file is larger than {most // 1024} KiB", way_out)
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        mistakes.add(top, "the file is not UTF-8 text", "save it as UTF-8")
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


def _compose(
    text: str, path: Path, mistakes: Mistakes, *, manifest: bool = False
) -> list[yaml.Node] | None:
    """The documents of a text, one at most but of a `manifest`; None where it is no YAML."""
    if (marker := conflict(text)) is not None:
        line, what, way_out = marker
        mistakes.add(Place(path, line), what, way_out, excerpt(text, line, 1))
        return None
    place, problem = Place(path), ""
    loader: _Loader | None = None
    try:
        loader = _Loader(text, path, manifest=manifest)
        if not manifest:
            root = loader.get_single_node()
            return [] if root is None else [root]
        roots: list[yaml.Node | None] = []
        while loader.check_node():
            roots.append(loader.get_node())
    except yaml.MarkedYAMLError as error:
        line, column, what, way_out = explained(error, text)
        mistakes.add(Place(path, line, column), what, way_out, excerpt(text, line, column))
        return None
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
        return [root for root in roots if root is not None]
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


def _bounded(nodes: int, depth: int, place: Callable[[], Place], *, manifest: bool) -> None:
    most_nodes = _MANIFEST_NODES if manifest else MAX_NODES
    most_depth = _MANIFEST_DEPTH if manifest else MAX_DEPTH
    if nodes > most_nodes:
        raise _EndlessError(place(), f"the file holds more than {most_nodes} values")
    if depth > most_depth:
        raise _EndlessError(place(), f"more than {most_depth} values lie inside each other")


class _Loader(yaml.SafeLoader):
    """Stops at the first node that is too much, not when all of them are there."""

    def __init__(self, text: str, path: Path, *, manifest: bool) -> None:
        super().__init__(text)
        self._path, self._nodes, self._depth, self._manifest = path, 0, -1, manifest

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        self._depth += 1
        _bounded(self._nodes, self._depth, self._here, manifest=self._manifest)
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

    def __init__(self, path: Path, mistakes: Mistakes, *, manifest: bool = False) -> None:
        self._path = path
        self._mistakes = mistakes
        self._manifest = manifest
        self._nodes = 0
        self._open: set[int] = set()

    def tree(self, node: yaml.Node, key: Place | None = None) -> Tree:
        place = _place(self._path, node.start_mark)
        key = key or place
        self._nodes += 1
        _bounded(self._nodes, len(self._open), lambda: place, manifest=self._manifest)
        if id(node) in self._open:
            raise _EndlessError(place, "this value contains itself")
        if self._tagged(node, place):
            return Scalar(key, place, node.tag, node.tag, broken=True)
        if isinstance(node, yaml.ScalarNode):
            self._fit(place, node.value)
            plain = node.style is None
            if self._manifest and node.tag == "!!str":
                return Scalar(key, place, node.value, node.value, plain=False)
            strict = plain and not self._manifest and node.tag in _READ
            if strict and (told := unclear(node.value)) is not None:
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
        if not node.tag.startswith("!") or (self._manifest and node.tag == "!!str"):
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
        shared: dict[str, Tree] = {}
        for name, item in node.value:
            at = _place(self._path, name.start_mark)
            if isinstance(name, yaml.ScalarNode):
                self._fit(at, name.value)
                self._tagged(name, at)
            if not isinstance(name, yaml.ScalarNode):
                self._mistakes.add(at, "a key must be a text", "write key: value")
            elif name.tag == f"{_TAG}merge" and self._manifest:
                self._share(item, at, shared)
                continue
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
        return Map(key, place, {**shared, **entries}, whole)

    def _share(self, node: yaml.Node, at: Place, shared: dict[str, Tree]) -> None:
        """Take over what a merge key names; the first of several wins."""
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            tree = self.tree(each, at)
            if isinstance(tree, Map):
                shared.update({key: one for key, one in tree.entries.items() if key not in shared})
            else:
                self._mistakes.add(at, "a merge key ('<<') takes a mapping", "write <<: *name")
