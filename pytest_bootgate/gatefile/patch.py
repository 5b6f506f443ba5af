"""Entries set in the text of a gate file; every other byte of it stays as it is.

YAML libraries that write would write the whole file anew. Here the parser only tells where the
entries stand, and the new text goes in between, in the style of what is around it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from pytest_bootgate.errors import BootgateError

#: Keys, and below them keys again, or in the end the new value as YAML writes it.
Entries: TypeAlias = Mapping[str, "Entries | str"]
#: Keys, and the comment that goes above the line of the last of them.
Comments: TypeAlias = Mapping[tuple[str, ...], Sequence[str]]

#: How a comment begins, and how its other lines do, so that a later one can take its place.
MARK, MORE = "# calibrated: ", "#   "
_WIDTH = 100
_STEP = 2
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_NOT_A_TEXT = re.compile(r"(?i:y|n|yes|no|on|off|true|false|null)")


class PatchError(BootgateError):
    """A place in the text where nothing can be put without changing something else."""


@dataclass(frozen=True, slots=True)
class _Change:
    """The text from `start` to `end` (indices) gives way to `new`."""

    start: int
    end: int
    new: str


def patched(text: str, entries: Entries, comments: Comments | None = None) -> str:
    """The text of a gate file with `entries` set, each with its parents where these are missing.

    A comment of `comments` takes the place of an earlier one (`MARK`) right above its key; where
    that is not in a line of its own, above the nearest key around it that is. Raises
    `PatchError` where an entry is written by an alias or is no mapping.
    """
    # PyYAML counts from behind a byte order mark.
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    body = text[len(bom) :]
    changes = _Patching(body, comments or {}).all(entries)
    # Where several go to the same place, the inner ones were found first and stay first.
    parts, kept = [bom], 0
    for change in sorted(changes, key=lambda c: (c.start, c.end)):
        parts += [body[kept : change.start], change.new]
        kept = change.end
    return "".join([*parts, body[kept:]])


def has(text: str, *keys: str) -> bool:
    """Whether an entry stands in this text itself, whatever a preset says."""
    node = _compose(text.removeprefix("\ufeff"))
    for key in keys:
        found = _find(node, key) if isinstance(node, yaml.MappingNode) else None
        if found is None:
            return False
        node = found[1]
    return True


def marked(text: str, *keys: str) -> tuple[str, ...]:
    """The lines of the marked comment right above an entry, as `Comments` have them."""
    body = text.removeprefix("\ufeff")
    patching = _Patching(body, {})
    start, node = 0, _compose(body)
    for key in keys:
        found = _find(node, key) if isinstance(node, yaml.MappingNode) else None
        if found is None:
            return ()
        if patching.own_line(found[0]):
            start = patching.line_start(found[0].start_mark.index)
        node = found[1]
    lines = body[patching.marked_above(start) : start].split("\n")[:-1]
    return tuple(line.strip().removeprefix(MARK).removeprefix(MORE) for line in lines)


def diff(old: str, new: str, name: str) -> str:
    """A unified diff that ``patch -p1`` and ``git apply`` take; empty where nothing changes."""
    # A name with a space ends where a tab stands.
    label = name + ("\t" if " " in name else "")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(_lines(old), _lines(new), f"a/{label}", f"b/{label}")
    )


def _lines(text: str) -> list[str]:
    """Lines as diff knows them; `str.splitlines` would also split at other characters."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _compose(text: str) -> yaml.Node | None:
    root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    return root


def _find(node: yaml.MappingNode, key: str) -> tuple[yaml.ScalarNode, yaml.Node] | None:
    for at, value in node.value:
        if isinstance(at, yaml.ScalarNode) and at.value == key:
            return at, value
    return None


def _key(name: str) -> str:
    plain = _PLAIN_KEY.fullmatch(name) and not _NOT_A_TEXT.fullmatch(name)
    return name if plain else json.dumps(name, ensure_ascii=False)


def _commented(lines: Sequence[str]) -> list[str]:
    return [f"{MORE if number else MARK}{line}" for number, line in enumerate(lines)]


def _flow(value: Entries | str) -> str:
    if isinstance(value, str):
        return value
    return "{" + ", ".join(f"{_key(k)}: {_flow(v)}" for k, v in value.items()) + "}"


class _Patching:
    """One text, and the changes to it."""

    def __init__(self, text: str, comments: Comments) -> None:
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._comments = comments
        self._changes: list[_Change] = []
        # What belongs above a line, by the index where the line starts.
        self._above: dict[int, list[str]] = {}
        root = _compose(text)
        if not isinstance(root, yaml.MappingNode):
            raise PatchError("The gate file is not a mapping.")
        self.root = root
        # A value that stands for several entries cannot be changed for one of them.
        uses: dict[int, int] = {}
        for node in _nodes(root, set()):
            uses[id(node)] = uses.get(id(node), 0) + 1
        self._shared = {node for node, count in uses.items() if count > 1}
        self._step = self._indentation(root)

    def all(self, entries: Entries) -> list[_Change]:
        self._set(self.root, entries, (), self.line_start(self.root.start_mark.index))
        for start, lines in self._above.items():
            indent = self._text[start : self._first_on_line(start)]
            new = "".join(f"{indent}{line}{self._newline}" for line in lines)
            self._changes.append(_Change(self.marked_above(start), start, new))
        return self._changes

    def _set(
        self, node: yaml.MappingNode, entries: Entries, path: tuple[str, ...], above: int
    ) -> None:
        """Set entries of one mapping; `above` is the line of the nearest key around them."""
        missing: dict[str, Entries | str] = {}
        for key, wanted in entries.items():
            here = (*path, key)
            found = _find(node, key)
            if found is None:
                missing[key] = wanted
                continue
            at, value = found
            line = self.line_start(at.start_mark.index) if self.own_line(at) else above
            self._comment(here, line)
            if id(value) in self._shared and not _null(value):
                raise PatchError(
                    f"'{'.'.join(here)}' (line {at.start_mark.line + 1}) is shared by an alias."
                )
            if isinstance(wanted, str):
                self._changes.append(self._replaced(value, wanted, here))
            elif isinstance(value, yaml.MappingNode):
                self._set(value, wanted, here, line)
            elif _null(value):
                for below in self._below(here):
                    self._comment(below, line)
                self._fill(node, at, value, wanted)
            else:
                raise PatchError(
                    f"'{'.'.join(here)}' (line {at.start_mark.line + 1}) is not a mapping."
                )
        if missing:
            self._insert(node, missing, path, above)

    def _comment(self, path: tuple[str, ...], line: int) -> None:
        if path in self._comments:
            self._above.setdefault(line, []).extend(_commented(self._comments[path]))

    def _below(self, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [p for p in self._comments if p[: len(path)] == path and p != path]

    def _replaced(self, value: yaml.Node, new: str, path: tuple[str, ...]) -> _Change:
        if not isinstance(value, yaml.ScalarNode):
            raise PatchError(f"'{'.'.join(path)}' is not a single value.")
        start, end = value.start_mark.index, value.end_mark.index
        return _Change(start, end, new if start < end else f" {new}")

    def _fill(
        self, node: yaml.MappingNode, key: yaml.Node, value: yaml.Node, wanted: Entries
    ) -> None:
        """Give a key without a value one."""
        start, end = value.start_mark.index, value.end_mark.index
        column = key.start_mark.column
        gap = "" if start < end else " " if self._text[start - 1] == ":" else ": "
        new = gap + _flow(wanted)
        if node.flow_style or start - self.line_start(start) + len(new) <= _WIDTH:
            self._changes.append(_Change(start, end, new))
            return
        if start < end:
            self._changes.append(_Change(start, end, ""))
        self._below_line(end, self._block(wanted, column + self._step, ()))

    def _below_line(self, index: int, lines: Sequence[str]) -> None:
        """Put lines below the line that ends a value: behind the value there may be a comment."""
        if index == 0 or self._text[index - 1] != "\n":
            following = self._text.find("\n", index)
            index = len(self._text) if following < 0 else following + 1
        new = "".join(line + self._newline for line in lines)
        if index and self._text[index - 1] != "\n":
            new = self._newline + new.removesuffix(self._newline)
        self._changes.append(_Change(index, index, new))

    def _insert(
        self,
        node: yaml.MappingNode,
        entries: Entries,
        path: tuple[str, ...],
        above: int,
    ) -> None:
        """Add entries behind the last one of a mapping."""
        if node.flow_style:
            for key in entries:
                for below in [(*path, key), *self._below((*path, key))]:
                    self._comment(below, above)
            new = _flow(entries)[1:-1]
            if node.value:
                end = self._end(node)
                gap = ", "
                if end - self.line_start(end) + len(new) + 3 > _WIDTH:
                    gap = f",{self._newline}{' ' * node.value[0][0].start_mark.column}"
                self._changes.append(_Change(end, end, gap + new))
            else:
                start = node.start_mark.index + 1
                self._changes.append(_Change(start, start, new))
            return
        column = node.value[0][0].start_mark.column
        self._below_line(self._end(node), self._block(entries, column, path))

    def _block(self, entries: Entries, column: int, path: tuple[str, ...]) -> list[str]:
        """Entries as lines, those that fit in one line each."""
        lines: list[str] = []
        indent = " " * column
        for key, value in entries.items():
            here = (*path, key)
            lines += [f"{indent}{text}" for text in _commented(self._comments.get(here, ()))]
            single = f"{indent}{_key(key)}: {_flow(value)}"
            told = any(below in self._comments for below in self._below(here))
            if isinstance(value, str) or (len(single) <= _WIDTH and value and not told):
                lines.append(single)
            elif not value:
                lines.append(f"{indent}{_key(key)}:")
            else:
                lines.append(f"{indent}{_key(key)}:")
                lines += self._block(value, column + self._step, here)
        return lines

    def _end(self, node: yaml.CollectionNode) -> int:
        """Where the last item's text ends; PyYAML ends block mappings where the next one begins."""
        if isinstance(node, yaml.MappingNode):
            key, value = node.value[-1]
            if value.start_mark.index < key.end_mark.index:
                # An alias: its node stands where the anchor is.
                found = re.compile(r"\s*:\s*\*[^\s,\[\]{}]+").match(self._text, key.end_mark.index)
                return found.end() if found else key.end_mark.index
        else:
            value = node.value[-1]
        inner = isinstance(value, yaml.CollectionNode) and not value.flow_style
        end: int = self._end(value) if inner else value.end_mark.index
        return end

    def own_line(self, key: yaml.Node) -> bool:
        """Whether a key is the first on its line."""
        start = key.start_mark.index
        return not self._text[self.line_start(start) : start].strip()

    def line_start(self, index: int) -> int:
        return self._text.rfind("\n", 0, index) + 1

    def _first_on_line(self, start: int) -> int:
        found = re.compile(r"[ \t]*").match(self._text, start)
        return found.end() if found else start

    def marked_above(self, start: int) -> int:
        """Where the marked comments right above a line start; the line itself without any."""
        first = line = start
        while line > 0:
            line = self.line_start(line - 1)
            text = self._text[line:].lstrip(" \t")
            if text.startswith(MARK):
                first = line
            elif not text.startswith(MORE):
                break
        return first

    def _source(self, node: yaml.Node) -> str:
        return self._text[node.start_mark.index : node.end_mark.index]

    @staticmethod
    def _indentation(root: yaml.MappingNode) -> int:
        for key, value in root.value:
            if isinstance(value, yaml.MappingNode) and not value.flow_style and value.value:
                step: int = value.value[0][0].start_mark.column - key.start_mark.column
                return step if step > 0 else _STEP
        return _STEP


def _null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _nodes(node: yaml.Node, seen: set[int]) -> Iterator[yaml.Node]:
    """All nodes, those that stand for several entries as often as they do."""
    yield node
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))
    for item in node.value:
        for each in item if isinstance(item, tuple) else (item,):
            yield from _nodes(each, seen)
