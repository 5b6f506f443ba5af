"""Variables of a Compose file: from the environment, `.env`, and the files of `env_file`."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_bootgate.gatefile.secrets import of_variable
from pytest_bootgate.gatefile.source import looks_like
from pytest_bootgate.gatefile.variables import UnsetError

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<op>:?[-?+])|(?=\}))|(?P<bare>[A-Za-z_]\w*))")
_BRACE = re.compile(r"\$\$|\$\{|\}")
#: Texts that may change with what varies.
_VARYING = ("environment", "command", "entrypoint")
#: What is counted, so that a gate file cannot have variables there.
_AMOUNTS = {
    *("cpus", "mem_limit", "pids_limit", "shm_size", "ulimits", "gpus", "scale", "deploy"),
    *("depends_on", "links", "healthcheck"),
}
#: What the default of a variable of a gate file has not.
_SIGN = re.compile(r"[${}]")
#: What a gate does not read.
_UNREAD = ("labels", "logging", "restart")
#: Nor what is reached from outside: only of the container's own ports something is made.
_PORTS = ("ports", "expose")
#: An entry of an env file; a value in quotes may have several lines.
_ENTRY = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<key>[^\s=#][^=\n]*)
    (?:=[ \t]*(?:'(?P<single>[^']*)'[^\n]*|"(?P<double>(?:\\.|[^"\\])*)"[^\n]*
    |(?P<open>['"])[^\n]*|(?P<plain>[^\n]*)))?(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}


class QuoteError(ValueError):
    """A quote without its end, in a line of an env file."""

    def __init__(self, path: Path, line: int, key: str, quote: str) -> None:
        super().__init__(f"{path}:{line}: the quote of {key} has no end")
        self.line, self.key, self.quote = line, key, quote


@dataclass
class Variables:
    """What the variables of a Compose file are, as texts of a gate file: ``$$`` for a ``$``.

    Those of `varied` are left for the gate file, those of `outside` are of the environment, and the
    others of a file. `used` are those that were filled in: the name, the value, and whether
    that comes from outside into the environment of a service.

    In what is `copied` into a gate file some are left for that, where it can have them: those of
    the environment, those without a value, and secrets, of which `hidden` are those of a file.
    """

    values: Mapping[str, str]
    varied: Collection[str] = ()
    outside: Collection[str] = ()
    used: list[tuple[str, str, bool]] = field(default_factory=list)
    copied: bool = False
    hidden: set[str] = field(default_factory=set)

    @classmethod
    def beside(
        cls,
        directory: Path,
        environ: Mapping[str, str],
        varied: Collection[str],
        *,
        copied: bool = False,
    ) -> Variables:
        """Those of the environment, and below them those of `.env`; see `read`."""
        own = {name: value.replace("$", "$$") for name, value in environ.items()}
        found = cls(own, varied, own.keys())
        file = directory / ".env"
        values = {**read(file, found), **own} if file.is_file() else own
        return replace(found, values=values, copied=copied)

    def get(self, name: str, *, placed: bool = False) -> str | None:
        """The value of a variable, as it is to be written; None where it has none."""
        if name in self.varied:
            return f"${{{name}}}"
        value = self.values.get(name)
        if value is not None:
            outside = placed and name in self.outside
            self.used.append((name, value.replace("$$", "$"), outside))
        return value

    def service(self, key: str, value: Any) -> Any:
        """What stands under a key of a service, with its variables filled in as Compose does.

        Raises `UnsetError` for one without a value, `ValueError` for one without an end.
        """
        if key in _UNREAD:
            return value
        if key in _PORTS:
            return [self._port(one) for one in value] if isinstance(value, list) else value
        if key == "environment":  # one without a value has that of the shell, or is not set
            own = {name: self._of_shell(name, each) for name, each in _pairs(value).items()}
            value = {name: each for name, each in own.items() if each is not None}
            return self.each(value, varying=True, placed=True)
        now = replace(self, copied=False)
        if key == "healthcheck" and isinstance(value, dict):
            return {
                name: self.each(each, varying=True) if name == "test" else now.each(each)
                for name, each in value.items()
            }
        return (now if key in _AMOUNTS else self).each(value, varying=key in _VARYING)

    def _port(self, value: Any) -> Any:
        try:
            return replace(self, copied=False).each(value)
        except (UnsetError, ValueError):
            return value

    def _of_shell(self, name: str, value: Any) -> Any:
        if self.copied and value is None:
            return f"${{{name}}}" if name in self.values else f"${{{name}:-}}"
        return self.get(name, placed=True) if value is None else value

    def _left(self, name: str, *, varying: bool) -> bool:
        """Whether a variable is left for the gate file that this is copied into."""
        value = self.values.get(name)
        if not self.copied or value is None:
            return self.copied and varying
        secret = any(of_variable(name, value.replace("$$", "$"), placed=False))
        if secret and name not in self.outside:
            self.hidden.add(name)
        return secret or (varying and name in self.outside)

    def file(self, value: Any) -> Any:
        """A secret or config of the whole file, with its variables filled in likewise."""
        if isinstance(value, dict) and (name := value.get("environment")):
            if self.copied:
                return value
            text = self.get(str(name), placed=True)
            if text is None:
                raise UnsetError(name)
            return {"content": text}
        return self.each(value)

    def each(self, value: Any, *, varying: bool = False, placed: bool = False) -> Any:
        """The same for a value that is no part of a service."""
        if isinstance(value, dict):
            return {k: self.each(v, varying=varying, placed=placed) for k, v in value.items()}
        if isinstance(value, list):
            return [self.each(one, varying=varying, placed=placed) for one in value]
        if not isinstance(value, str) or "$" not in value:
            return value
        text = self.fill(value, varying=varying, placed=placed)
        whole = [before for before, *_ in _split(value)] == ["", ""] and value != "$$"
        return looks_like(text) if whole and not varying else text

    def fill(
        self, text: str, *, varying: bool = False, placed: bool = False, blank: bool = False
    ) -> str:
        """A text with its variables filled in; `blank`: those without a value are empty."""

        def put(found: re.Match[str], rest: str) -> str:
            name, op = found["name"] or found["bare"], found["op"] or ""
            if name is None:
                return found[0]
            if name in self.varied and not varying:
                raise ValueError(f"{name} varies, and this cannot change with it")
            if "+" not in op and self._left(name, varying=varying):
                if "-" not in op:
                    return f"${{{name}}}"
                if not _SIGN.search(rest):
                    return f"${{{name}:-{rest}}}"
                if name in self.values:
                    return f"${{{name}}}"
            given = self.get(name, placed=placed)
            there = bool(given) if ":" in op else given is not None
            if "+" not in op and there and given is not None:
                return given
            if "-" in op or ("+" in op and there):
                return self.fill(rest, varying=varying, placed=placed, blank=blank)
            if "+" in op or (blank and not op):
                return ""
            if self.copied:
                return f"${{{name}}}"
            raise UnsetError(name)

        return "".join(
            before + (put(found, rest) if found else "") for before, found, rest in _split(text)
        )

    def of_files(self, files: Any, directory: Path) -> dict[str, str] | NotThere:
        """What the files of `env_file` say; one that must be there may be missing."""
        found: dict[str, str] = {}
        for one in files if isinstance(files, list) else [files]:
            name = one.get("path") if isinstance(one, dict) else one
            path = directory / str(self.each(name))
            if path.is_file():
                known = replace(self, values=ChainMap(found, dict(self.values)))
                found = {**found, **read(path, known)}
            elif not isinstance(one, dict) or one.get("required", True):
                return NotThere(str(name))
        return found


class NotThere(str):
    """The name of a file that is not there."""

    __slots__ = ()


def _split(text: str) -> Iterator[tuple[str, re.Match[str] | None, str]]:
    """What stands before each variable, the variable, and what stands behind its operator.

    At last what stands behind all. Raises `ValueError` for one without an end.
    """
    at = 0
    while found := _VARIABLE.search(text, at):
        end = _end(text, found.end()) if found["name"] else found.end()
        yield text[at : found.start()], found, text[found.end() : end - 1]
        at = end
    yield text[at:], None, ""


def _end(text: str, at: int) -> int:
    depth = 1
    for found in _BRACE.finditer(text, at):
        depth += {"${": 1, "}": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    raise ValueError("'${' has no end")


def _pairs(environment: Any) -> dict[str, Any]:
    if not isinstance(environment, list):
        return dict(environment or {})
    parts = [str(one).partition("=") for one in environment]
    return {key: value if equals else None for key, equals, value in parts}


def read(path: Path, variables: Variables) -> dict[str, str]:
    """The variables of an env file, with ``$$`` for a ``$``; a name alone is one of the shell.

    Raises `QuoteError` for a quote without its end, and `OSError`.
    """
    text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    found: dict[str, str] = {}
    known = replace(variables, values=ChainMap(dict(variables.values), found))
    at = 0
    while at < len(text):
        entry = _ENTRY.match(text, at)
        if entry is None:  # empty, or a comment
            at = text.find("\n", at) + 1 or len(text)
            continue
        if entry["open"]:
            line = text.count("\n", 0, at) + 1
            raise QuoteError(path, line, entry["key"].rstrip(), entry["open"])
        value = _value(entry, known)
        if value is not None:
            found[entry["key"].rstrip()] = value
        at = entry.end()
    return found


def _value(entry: re.Match[str], known: Variables) -> str | None:
    if (single := entry["single"]) is not None:
        return single.replace("$", "$$")
    if (double := entry["double"]) is not None:
        text = _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), double)
    elif (plain := entry["plain"]) is not None:
        text = re.sub(r"(?<!\S)#.*", "", plain).strip()
    else:
        return known.get(entry["key"].rstrip())
    return known.fill(text, varying=True, blank=True)
