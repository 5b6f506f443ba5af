"""What a shell's script consists of, as far as it is rows and groups of simple commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|\\\n|#[^\n]*)"
    r"|(?P<redirect>\d*(?:&>>?|[<>]&|>>|>\||[<>]))"
    r"|(?P<sign>&&|\|\||\|&?|;;|[;&()\n])"
    r"|(?P<word>(?:[^\s;&|<>()'\"\\]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\")+)",
    re.DOTALL,
)
_QUOTED = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)", re.DOTALL)
_ESCAPED = re.compile(r"\\([\"\\$`])")
#: Words after which other commands need not run, or a status need not be the last one's.
_UNCLEAR = {
    *("shopt", "setopt", "emulate", "alias", "logout"),
    *("set", "exec", "trap", "return", ".", "source", "eval", "function", "}"),
    *("if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac"),
}
_DEMANDS = re.compile(r"\$\{!?(?:\w+|[@*])(?:\[[^]]*\])?:?\?")
#: Words before a command that this shell runs itself all the same.
_BEFORE = {"command", "builtin"}
_AROUND = {"!", "time"}
_EXPANDS = re.compile(r"\$(?:\{[^}]*\}|\([^)]*\)|\w+|.)|`[^`]*`")
#: Where the programs of a system are: elsewhere, one of the same name may be another.
_SYSTEM = {*("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/busybox")}
_ASSIGNS = re.compile(r"\w+=.*", re.DOTALL)
_NO_FILES = {"/dev/null", "1", "2"}


class UnclearError(Exception):
    """A script holds more than that, a condition or a loop, or is none."""


@dataclass(frozen=True, slots=True)
class Simple:
    """The words of one command without variables that it sets, and whether it uses files."""

    words: list[str]
    uses_files: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A script in braces, or in parentheses: ``exit`` leaves only those."""

    script: Script
    apart: bool
    uses_files: bool


@dataclass(slots=True)
class Row:
    """Pipes, each with the ``&&`` or ``||`` before it; all of it may run in the background."""

    pipes: list[tuple[str, list[Simple | Group]]]
    background: bool = False


@dataclass(slots=True)
class Script:
    """Rows, one after the other."""

    rows: list[Row] = field(default_factory=list)


def parse(text: str) -> Script:
    """The commands of a script. Raises `UnclearError`."""
    if _DEMANDS.search(text):
        raise UnclearError
    return _Parser(text).script("")


def program(word: str) -> str:
    """The name of a program by its path, or that path where it is none of the system's."""
    path = PurePosixPath(word)
    return path.name if "/" not in word or str(path.parent) in _SYSTEM else word


def _unknown(word: str) -> bool:
    """Whether it may be any command, such as ``exit``: variables say, and it is no path."""
    return _EXPANDS.search(word) is not None and "/" not in _EXPANDS.sub("", word)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:  # a quote without an end
            raise UnclearError
        if found.lastgroup != "blank":
            yield str(found.lastgroup), found[0]
        at = found.end()
    yield "sign", ""


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text)]
        self._at = 0

    def script(self, end: str) -> Script:
        """All rows up to the sign or word that ends them."""
        script = Script()
        while True:
            while self._take("\n"):
                pass
            if self._take(end):
                return script
            script.rows.append(row := self._row())
            if self._take("&"):
                row.background = True
            elif not self._take(";", "\n") and (end == "}" or self._next[1] != end):
                raise UnclearError

    @property
    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _take(self, *texts: str) -> str | None:
        """The next token, if it is one of these."""
        _, text = self._next
        if text not in texts:
            return None
        self._at += text != ""
        return text or "end"

    def _row(self) -> Row:
        row = Row([("", self._pipe())])
        while sign := self._take("&&", "||"):
            row.pipes.append((sign, self._pipe()))
        return row

    def _pipe(self) -> list[Simple | Group]:
        commands = [self._command()]
        while self._take("|", "|&"):
            commands.append(self._command())
        return commands

    def _command(self) -> Simple | Group:
        while self._take("\n"):
            pass
        if bracket := self._take("(", "{"):
            script = self.script(")" if bracket == "(" else "}")
            words, uses_files = self._words()
            if words:
                raise UnclearError
            return Group(script, bracket == "(", uses_files)
        words, uses_files = self._words()
        first = next((i for i, word in enumerate(words) if not _ASSIGNS.fullmatch(word)), None)
        if not words or self._next[1] == "(":
            raise UnclearError
        if first is None:  # only variables are set
            return Simple(["=", *words], uses_files)
        words = words[first:]
        while words[0] in _BEFORE and words[1:] and not words[1].startswith("-"):
            words = words[1:]
        name, around = program(words[0]), ""
        if name in _AROUND | _BEFORE:
            rest = (word for word in words[1:] if not word.startswith("-"))
            around = next((word for word in rest if word not in _AROUND | _BEFORE), "")
        if {words[0], around} & _UNCLEAR or around == "exit" or any(map(_unknown, (name, around))):
            raise UnclearError
        if name == "kill" and "-0" not in words:
            raise UnclearError
        return Simple([name, *words[1:]], uses_files)

    def _words(self) -> tuple[list[str], bool]:
        words, uses_files = list[str](), False
        while self._next[0] != "sign":
            kind, text = self._next
            self._at += 1
            if kind == "word":
                words.append(_plain(text))
                continue
            kind, text = self._next
            if kind != "word":  # of a process, or what is written here
                raise UnclearError
            self._at += 1
            uses_files = uses_files or _plain(text) not in _NO_FILES
        return words, uses_files


def _plain(word: str) -> str:
    """A word without its quotes."""

    def inner(found: re.Match[str]) -> str:
        if found[2] is not None:
            return _ESCAPED.sub(r"\1", found[2])
        return found[1] if found[1] is not None else found[3]

    return _QUOTED.sub(inner, word)
