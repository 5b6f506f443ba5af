"""What is sure of a command before it runs: that it cannot fail, which ports it asks, what it says.

A shell's script is understood as far as it is a row of simple commands. Of what holds more than
that, a condition, a loop or a ``set -e``, nothing is said: a mistake must be one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

_SHELLS = {"sh", "ash", "bash", "dash", "ksh", "zsh"}
_SCRIPT = re.compile(r"-[abdf-z]*c")
_SIGNS = ";&|<>()\n"
#: Words after which other commands need not run, or a status need not be the last one's.
_UNCLEAR = {
    *("set", "exec", "trap", "return", ".", "source", "eval", "kill", "function", "{", "}"),
    *("if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac"),
}
_DEMANDS = re.compile(r"\$\{\w+:?\?")
_ASSIGNS = re.compile(r"\w+=.*", re.DOTALL)
_PRINT = ("echo", "printf")
_CANNOT_FAIL = ("true", ":", "echo", "sleep")
_NO_FILES = {"/dev/null", "1", "2"}
_CURL_FAILS = re.compile(r"-[A-Za-z0-9#]*[fK].*|--fail|--fail-with-body|--config")
_OTHER_SCHEME = re.compile(r"(?!https?://)\w+://")
#: The names and addresses at which a machine reaches itself.
LOOPBACK = (
    r"localhost|ip6-localhost|127(?:\.\d+){1,3}|\[::(?:1|ffff:127(?:\.\d+){3})?\]|::1"
    r"|(?<!\[)0(?:(?:\.0){3})?"
)
#: A port by its name: as an option, of a connection string, of Python.
_PORT = r"(?:(?<![\w-])-[pP]\s*|(?<!\w)(?:--?)?port(?:\s*:?=\s*|\s+))['\"]?"
_HOST = r"(?:(?<![\w-])-h\s*|(?<!\w)(?:--?)?host(?:name|addr)?(?:\s*=\s*|\s+))['\"]?"
#: What may stand between a host and its port: of an address, of Python, of an argument.
_BETWEEN = rf"(?::|['\"]?(?:\s*,\s*|\s+)(?:{_PORT}|['\"]?))"
_DEFAULT = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Simple:
    """One command of a script: what stands `before` it, its words, and whether it uses files."""

    before: str
    words: list[str]
    uses_files: bool


def vain(command: Sequence[str]) -> str:
    """Why its success proves nothing, after the words "this command"; empty where it may.

    Variables of the gate file are filled in or blanked.
    """
    commands = _commands(command)
    if not commands:
        return ""
    deciding: list[_Simple] = []
    for each in commands:  # of a pipe the last one's status counts
        deciding.append(replace(each, before=deciding.pop().before) if each.before == "|" else each)
    succeeds = False
    for each in deciding:
        sure = not each.uses_files and _cannot_fail(each.words)
        if each.before == "||":
            succeeds = succeeds or sure
        else:
            succeeds = sure and (each.before != "&&" or succeeds)
    if succeeds:
        return "always succeeds"
    if len(deciding) == 1 and _takes_any_answer(deciding[0].words):
        return "succeeds on every answer, be it an error 500 (curl without --fail)"
    return ""


def ports_asked(command: Sequence[str], names: Collection[str] = ()) -> list[int]:
    """The ports that it asks at this machine, as far as it names them beside their host.

    `names` are other names of this machine.
    """
    text = " ".join(command)
    host = rf"(?:{LOOPBACK}{''.join(f'|{re.escape(name)}' for name in names)})"
    begin = r"(?<![\w.-])(?<!\w/)"
    found = re.findall(rf"{begin}{host}{_BETWEEN}(\d{{1,5}})(?![\w.])", text, re.IGNORECASE)
    found += re.findall(rf"/dev/tcp/{host}/(\d{{1,5}})\b", text)
    for each in re.split(r"[;&|\n]", text):  # of one command, in any order
        if re.search(rf"{_HOST}{host}(?![\w.:-])", each, re.IGNORECASE):
            found += re.findall(rf"{_PORT}(\d{{1,5}})(?![\w.])", each, re.IGNORECASE)
    schemes = re.findall(rf"\b(https?)://(?:[^\s/@]*@)?{host}(?![\w.:-])", text, re.IGNORECASE)
    asked = [*map(int, found), *(_DEFAULT[scheme.lower()] for scheme in schemes)]
    return [*dict.fromkeys(port for port in asked if 0 < port < 1 << 16)]


def says(command: Sequence[str]) -> Iterator[str]:
    """What it prints itself, whatever else it does: the words of each ``echo`` that always runs."""
    commands = _commands(command)
    after = [*(each.before for each in commands[1:]), ""]
    for each, follows in zip(commands, after, strict=bool(commands)):
        tool, *words = each.words
        always = each.before in ("", ";", "&") and follows != "|"
        if tool in _PRINT and always and not each.uses_files:
            yield " ".join(words)


def _commands(command: Sequence[str]) -> list[_Simple]:
    """The simple commands of one; none where it is more than that, or no command."""
    words = [*command]
    if not words:
        return []
    name = PurePosixPath(words[0]).name
    if name not in _SHELLS:
        return [_Simple("", [name, *words[1:]], uses_files=False)]
    if len(words) < 3 or not _SCRIPT.fullmatch(words[1]):
        return []
    try:
        commands = [*_split(words[2])]
    except ValueError:  # a quote without an end
        return []
    while commands and commands[-1].before == "||" and _gives_up(commands[-1].words):
        commands.pop()  # it changes the status, and not whether there is one
    every = {word for each in commands for word in each.words}
    exits = any(each.words[0] == "exit" and each.words != ["exit", "0"] for each in commands)
    unclear = exits or "(" in every or _UNCLEAR & {each.words[0] for each in commands}
    comment = any(word.startswith("#") for word in every)
    return [] if unclear or comment or _DEMANDS.search(words[2]) else commands


def _gives_up(words: Sequence[str]) -> bool:
    return words[0] == "false" or (words[0] == "exit" and words[1:] != ["0"])


def _split(script: str) -> Iterator[_Simple]:
    lexer = shlex.shlex(script.replace("\\\n", " "), posix=True, punctuation_chars=_SIGNS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    before, words, uses_files = "", list[str](), False
    tokens = iter(lexer)
    for token in tokens:
        if not token or token.strip(_SIGNS):
            words.append(token)
        elif "<" in token or ">" in token:
            uses_files = uses_files or next(tokens, "") not in _NO_FILES
        elif "(" in token or ")" in token:
            words.append("(")
        else:
            if words:
                yield _simple(before, words, uses_files=uses_files)
            before, words, uses_files = token.strip("\n") or ";", [], False
    if words:
        yield _simple(before, words, uses_files=uses_files)


def _simple(before: str, words: list[str], *, uses_files: bool) -> _Simple:
    first = next((i for i, word in enumerate(words) if not _ASSIGNS.fullmatch(word)), None)
    if first is None:  # only variables are set
        return _Simple(before, ["=", *words], uses_files=uses_files)
    return _Simple(before, [PurePosixPath(words[first]).name, *words[first + 1 :]], uses_files)


def _cannot_fail(words: Sequence[str]) -> bool:
    return words[0] in _CANNOT_FAIL or [*words] == ["exit", "0"]


def _takes_any_answer(words: Sequence[str]) -> bool:
    tool, *rest = words
    if tool != "curl" or not rest or {"-V", "--version", "-h", "--help"} & {*rest}:
        return False
    return not any(_CURL_FAILS.fullmatch(word) or _OTHER_SCHEME.match(word) for word in rest)
