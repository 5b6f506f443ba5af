"""What is sure of a command before it runs: that it cannot fail, which ports it asks, what it says.

A shell's script is understood as far as `shell` does. Of what holds more than that, a condition, a
loop or a ``set -e``, nothing is said: a mistake must be one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePosixPath

from pytest_bootgate.gatefile.shell import (
    Group,
    Row,
    Script,
    Simple,
    UnclearError,
    parse,
    program,
)

_SHELLS = {"sh", "ash", "bash", "dash", "ksh", "zsh"}
_LETTERS = re.compile(r"[-+][a-z]*")
_PRINT = ("echo", "printf")
_OPTIONS = r"(?:(?:-\w*|\d+|/dev/null)(?: |$))*"
#: With which words, after its name, a command cannot fail.
_CANNOT_FAIL = {
    **dict.fromkeys(("true", ":", "echo", "sleep"), ".*"),
    **dict.fromkeys(("cat", "tee", "wc", "head", "tail"), _OPTIONS),
    **dict.fromkeys(("pwd", "id", "hostname", "uptime", "ls", "env", "printenv"), ""),
    "printf": r"[^%-](?:[^%]|%%|%s)*",
    "date": r"(?:-u ?)?(?:\+.*)?",
    "uname": r"(?:-\w+)?",
    "ps": r"(?:aux|ax|-ef)?",
    "kill": r"-0 (?:1|\$+)",  # the first process of a container; the shell itself
    "exit": "0",
}
#: Who runs another command: their options that take a value, and words before that command.
_RUNS = {
    "env": (("-u", "-C"), 0),
    "nice": (("-n",), 0),
    "timeout": (("-k", "-s"), 1),
    **dict.fromkeys(("nohup", "setsid", "busybox", "toybox", "time"), ((), 0)),
}
_INTERPRETER = re.compile(r"(?:python[\d.]*|node|nodejs) (?:-c|-e)")
_LITERAL = r"\((?:\d*|'[^']*'|\"[^\"]*\")\)"
#: What does nothing in one of them.
_IDLE = re.compile(
    rf"pass|\d*|(?:print|console\.log){_LITERAL}|import sys|(?:sys\.|process\.)?exit\(0?\)"
)
_LASTS = re.compile(r"\bsleep\b|\btail\s[^|;&]*(?<!\S)(?:-\w*[fF]|--follow)")
_CURL_FAILS = re.compile(r"-[A-Za-z0-9#]*[fK].*|--fail|--fail-with-body|--config")
_OTHER_SCHEME = re.compile(r"(?!https?://)\w+://")
#: The names and addresses at which a machine reaches itself.
_LOOPBACK = (
    r"localhost\.?|ip6-localhost|127(?:\.\d+){1,3}|\[::(?:1|ffff:127(?:\.\d+){3})?\]|::1"
    r"|(?<!\[)0(?:\.0){3}"
)
LOOPBACK = rf"{_LOOPBACK}|0"
#: Zero in a text is mostly a number, and a host only in an address or as an argument of its own.
_ZERO = r"(?:(?<=://)|(?<=@))0|(?<=[\s'\"])0(?=[\s'\"])"
#: A port by its name: as an option, of a connection string, of Python.
_IS = r"['\"]?(?:\s*(?::?=>?|:)\s*|\s+)"
_PORT = rf"(?:(?<![\w-])-[pP]\s*|(?<!\w)(?:--?)?(?:peer)?port{_IS})['\"]?"
_HOST = rf"(?:(?<![\w-])-h\s*|(?<!\w)(?:--?)?(?:peer|host)(?:name|addr)?{_IS})['\"]?"
#: What may stand between a host and its port: of an address, of Python, of an argument.
_BETWEEN = rf"(?::|['\"]?(?:\s*,\s*|\s+)(?:{_PORT}|['\"]?))"
_DEFAULT = {"http": 80, "https": 443}


class _Sure(IntEnum):
    """What is sure of a command, the least first."""

    NOTHING = 0
    ANY_ANSWER = 1
    SUCCESS = 2


@dataclass(frozen=True, slots=True)
class _Shell:
    """A script and what is set for it: any failure ends it; any of a pipe is the pipe's."""

    script: Script
    errexit: bool
    pipefail: bool


def vain(command: Sequence[str]) -> str:
    """Why its success proves nothing, after the words "this command"; empty where it may.

    Variables of the gate file are filled in or blanked.
    """
    try:
        sure = _of_words(command)
    except (UnclearError, RecursionError):
        return ""
    if sure is _Sure.ANY_ANSWER:
        return "succeeds on every answer, be it an error 500 (curl without --fail)"
    return "always succeeds" if sure is _Sure.SUCCESS else ""


def ports_asked(command: Sequence[str], names: Collection[str] = ()) -> list[int]:
    """The ports that it asks at this machine, as far as it names them beside their host.

    `names` are other names of this machine.
    """
    text = " ".join(command).replace("\\\n", " ")
    others = "".join(rf"|{re.escape(name)}\.?" for name in names)
    host, after = rf"(?:{_LOOPBACK}|{_ZERO}{others})", rf"(?:{LOOPBACK}{others})"
    begin = r"(?<![\w.-])(?<!\w/)"
    found = re.findall(rf"{begin}{host}{_BETWEEN}(\d{{1,5}})(?![\w.])", text, re.IGNORECASE)
    found += re.findall(rf"/dev/tcp/{after}/(\d{{1,5}})\b", text)
    for each in re.split(r"[;&|\n]", text):  # of one command, in any order
        if re.search(rf"{_HOST}{after}(?![\w.:-])", each, re.IGNORECASE):
            found += re.findall(rf"{_PORT}(\d{{1,5}})(?![\w.])", each, re.IGNORECASE)
    schemes = re.findall(rf"\b(https?)://(?:[^\s/@]*@)?{host}(?![\w.:-])", text, re.IGNORECASE)
    asked = [*map(int, found), *(_DEFAULT[scheme.lower()] for scheme in schemes)]
    return [*dict.fromkeys(filter(_is_port, asked))]


def ports_named(command: Sequence[str]) -> set[int]:
    """Every number in it that may be a port, wherever it stands: who listens there says more."""
    text = " ".join(command)
    named = {int(number) for number in re.findall(r"(?<!\d)\d{1,5}(?!\d)", text)}
    schemes = re.findall(r"(https?)://", text, re.IGNORECASE)
    return {*filter(_is_port, named), *(_DEFAULT[scheme.lower()] for scheme in schemes)}


def _is_port(number: int) -> bool:
    return 0 < number < 1 << 16


def says(command: Sequence[str]) -> Iterator[str]:
    """What it prints itself, whatever else it does: the words of each ``echo`` that always runs."""
    try:
        shell = _shell(command)
        if shell is None:
            name = program(command[0]) if command else ""
            rows = [Row([("", [Simple([name, *command[1:]], uses_files=False)])])]
        else:
            _must_come_to_its_end(shell.script)
            rows = [] if shell.errexit else shell.script.rows
    except (UnclearError, RecursionError):
        return
    for row in rows:
        _, pipe = row.pipes[0]
        first = pipe[0]
        if len(pipe) == 1 and isinstance(first, Simple) and not first.uses_files:
            tool, *words = first.words
            if tool in _PRINT:
                yield " ".join(words)


def _shell(command: Sequence[str]) -> _Shell | None:
    """The script of a shell, None for another command. Raises `UnclearError`."""
    if not command or PurePosixPath(command[0]).name not in _SHELLS:
        return None
    words, found = iter(command[1:]), set[str]()
    for word in words:
        if word == "--":
            word = next(words, "")
        elif _LETTERS.fullmatch(word):
            found |= {*word[1:]} if word[0] == "-" else set()
            if "o" in word:
                found.add(next(words, ""))
            continue
        if "c" not in found or ("$" in word and found & {"u", "nounset"}):
            break
        return _Shell(parse(word), bool(found & {"e", "errexit"}), "pipefail" in found)
    raise UnclearError


def _of_words(words: Sequence[str]) -> _Sure:
    if not words:
        return _Sure.NOTHING
    if (shell := _shell(words)) is not None:
        _must_come_to_its_end(shell.script)
        return _of_script(shell.script, shell)
    tool, *rest = program(words[0]), *words[1:]
    if tool in _RUNS and (inner := _run_by(tool, rest)):
        short = tool == "timeout" and _LASTS.search(" ".join(inner))  # which may end it
        return _Sure.NOTHING if short else _of_words(inner)
    text = " ".join(rest)
    if tool in _CANNOT_FAIL and re.fullmatch(_CANNOT_FAIL[tool], text, re.DOTALL):
        return _Sure.SUCCESS
    if len(rest) == 2 and _INTERPRETER.fullmatch(f"{tool} {rest[0]}"):
        parts = re.split(r"[;\n]", rest[1])
        return _Sure.SUCCESS if all(_IDLE.fullmatch(p.strip()) for p in parts) else _Sure.NOTHING
    return _Sure.ANY_ANSWER if _takes_any_answer([tool, *rest]) else _Sure.NOTHING


def _run_by(tool: str, rest: Sequence[str]) -> Sequence[str]:
    """The command that a tool runs."""
    valued, more = _RUNS[tool]
    at = 0
    while at < len(rest) and (rest[at].startswith("-") or (tool == "env" and "=" in rest[at])):
        at += 1 + (rest[at] in valued)
    return rest[at + more :]


def _must_come_to_its_end(script: Script) -> None:
    """Raises `UnclearError` where a failure may leave a script in its midst."""
    steps = [(pipe, row.background) for row in script.rows for _, pipe in row.pipes]
    for number, (pipe, background) in enumerate(steps, start=1):
        for one in pipe:
            if isinstance(one, Group):
                _must_come_to_its_end(one.script)
            apart = len(pipe) > 1 or background
            if not apart and _leaves(one, last=number == len(steps)):
                raise UnclearError


def _leaves(one: Simple | Group, *, last: bool = False) -> bool:
    if isinstance(one, Simple):
        return not last and one.words[0] == "exit" and one.words[1:] != ["0"]
    pipes = [pipe for row in one.script.rows for _, pipe in row.pipes]
    return not one.apart and any(_leaves(each) for pipe in pipes for each in pipe)


def _of_script(script: Script, shell: _Shell) -> _Sure:
    """Of the last row, or of all where any failure ends it."""
    last = least = _Sure.SUCCESS
    for row in script.rows:
        last = _Sure.SUCCESS if row.background else _of_row(row, last, shell)
        least = min(least, last)
    return least if shell.errexit else last


def _of_row(row: Row, before: _Sure, shell: _Shell) -> _Sure:
    sure = before
    for sign, pipe in row.pipes:
        words = pipe[0].words if len(pipe) == 1 and isinstance(pipe[0], Simple) else []
        if words in (["exit"], ["exit", "$?"]):  # with the status of what is before it
            now = before if not sign else _Sure.SUCCESS
        else:
            each = [_of_command(one, shell) for one in pipe]
            now = min(each) if shell.pipefail else each[-1]
        if not sign:
            sure = now
        elif sign == "&&":
            sure = min(sure, now)
        elif not _gives_up(words):  # that changes the status, and not whether there is one
            sure = _Sure.SUCCESS if _Sure.SUCCESS in (sure, now) else _Sure.NOTHING
    return sure


def _of_command(one: Simple | Group, shell: _Shell) -> _Sure:
    if one.uses_files:
        return _Sure.NOTHING
    return _of_words(one.words) if isinstance(one, Simple) else _of_script(one.script, shell)


def _gives_up(words: Sequence[str]) -> bool:
    return words[:1] == ["false"] or (words[:1] == ["exit"] and words[1:] != ["0"])


def _takes_any_answer(words: Sequence[str]) -> bool:
    tool, *rest = words
    if tool != "curl" or not rest or {"-V", "--version", "-h", "--help"} & {*rest}:
        return False
    return not any(_CURL_FAILS.fullmatch(word) or _OTHER_SCHEME.match(word) for word in rest)
