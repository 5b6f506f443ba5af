"""Which texts of a gate file are secret, by where they stand and what they are called."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pytest_bootgate.gatefile import overlay, variables
from pytest_bootgate.gatefile.inside import (
    ABBREVIATED,
    CODED,
    KEY,
    of_arguments,
    of_settings,
    of_text,
    of_urls,
    told_by,
)
from pytest_bootgate.gatefile.paths import below
from pytest_bootgate.gatefile.tree import Map, Scalar, Seq, Tree

_NAME = re.compile(
    rf"(?i)token|secret|passw|passphrase|passcode|credential|{KEY}|"
    r"auth(?!or(?!iz))|cookie|signature|bearer|(?:^|_)salt_|"
    rf"(?:^|_)(?:key|{ABBREVIATED}|pin|pat|pw|pwd|dsn|sas|salt){CODED}$"
)
#: Names that say something about a secret and hold none: a version would be hidden everywhere.
_ABOUT = re.compile(
    r"(?i)(?:version|image|release|revision|timeout|enabled|provider|(?:^|[_.-])(?:tag|rev|mode|type"
    r"|host|port|file|path|name|user|ttl|realm|audience|region|scheme|method))$"
)
#: Names of a secret itself. Others say something about one, such as its mode.
_ITSELF = re.compile(
    r"(?i)(?:token|secret|password|passwd|passphrase|passcode|"
    rf"{KEY}|(?:^|_)(?:key|{ABBREVIATED}|pin|pat|pw|pwd|sas|salt)){CODED}$"
)
#: Where a value that comes from the environment is taken for a secret, whatever it is called.
_PLACES = {"env", "headers", "json", "body", "send", "webhook"}
#: Where a text is a command, or the address of a request.
_COMMANDS = {"command", "entrypoint", "exec", "seed", "repair", "stop_command", "test", "http"}
#: Values of fewer characters are hidden only where their name says that they are secret.
_LONG = 8
#: Nothing shorter is hidden at all; nothing shorter than `_SHORT` that no name calls a secret.
_LEAST, _SHORT = 4, 6
#: Nor are these: hidden wherever they stand, a port, a mode or what presets write in the place of a
#: key, they would spoil the reports.
_PLAIN = re.compile(
    r"(?i)true|false|none|null|disabled|enabled|required|optional|default|bootgate|[0-9]{1,5}"
)
_MOST_OF_A_FILE = 1 << 16
_WORD = re.compile(r"[^\s,;]+")
#: A plain word is a mode, where its name does not say that it is the secret itself.
_WORDS = re.compile(r"[A-Za-z]{1,11}")


def secrets_of(
    root: Map,
    environ: Mapping[str, str],
    here: Path,
    known: Iterable[str] = (),
    *,
    told: bool = False,
) -> set[str]:
    """The secrets of a gate file whose environment variables are not filled in yet.

    Values of `env`, `headers` and requests whose name says so (`API_KEY`, `Authorization`, …), but
    for plain words whose name does not end so (`AUTH_MODE`); environment variables with such a
    name, wherever they are used; any environment variable in `env`, `headers`, a request or a
    webhook; the path of a webhook; what `inside` finds in URLs, settings and commands; files that
    are marked `secret`; likewise named values of a configuration that has an `overlay`. `known` are
    others, as of `of_variable`. `told` leaves out variables that only their place makes secret.
    """
    texts = (*known, *_below(root, (), environ, here, set() if told else _PLACES))
    found = {text for text in texts if len(text) >= _LEAST}
    return {text for text in found - set(names_of(root)) if not _PLAIN.fullmatch(text)}


def of_variable(name: str, value: str, *, placed: bool) -> Iterator[str]:
    """What is secret of the value of a variable; `placed`: where any long value is taken for it."""
    long = len(value) >= (_LEAST if _ITSELF.search(name) else _SHORT)
    if (_calls_secret(name) and long) or (placed and len(value) >= _LONG):
        if not told_by(name, value):
            yield value
        yield from (line for line in value.splitlines() if line != value and len(line) >= _SHORT)
    yield from of_text(value)


def _calls_secret(name: str) -> bool:
    return bool(_NAME.search(name)) and not _ABOUT.search(name)


def tells_secret(line: str) -> bool:
    """Whether a line that could not be read may hold a secret: by a name in it, or in a URL."""
    return bool(re.search(r"://\S*@", line)) or any(
        map(_calls_secret, re.findall(r"\w+", line.replace("-", "_")))
    )


def names_of(tree: Tree) -> Iterator[str]:
    """All keys: without the names of targets and phases no report could be read."""
    if isinstance(tree, Map):
        for key, each in tree.entries.items():
            yield key
            yield from names_of(each)


def texts_of(tree: Tree) -> Iterator[str]:
    """All texts that stand in it."""
    if isinstance(tree, Scalar):
        yield tree.text
    for each in tree.entries.values() if isinstance(tree, Map) else ():
        yield from texts_of(each)
    for each in tree.items if isinstance(tree, Seq) else ():
        yield from texts_of(each)


def _below(
    tree: Tree,
    keys: tuple[str, ...],
    environ: Mapping[str, str],
    here: Path,
    places: Collection[str],
) -> Iterator[str]:
    if isinstance(tree, Map):
        if keys[-2:-1] == ("files",) and tree.get("secret") not in (None, False):
            yield from _of_file(tree, environ, here)
        if keys[-2:-1] == ("files",) and "overlay" in tree:
            yield from _of_config(tree, environ, here)
        for key, each in tree.entries.items():
            yield from _below(each, (*keys, key), environ, here, places)
    elif isinstance(tree, Seq):
        for before, item in zip((None, *tree.items), tree.items, strict=False):
            yield from _below(item, keys, environ, here, places)
            if _COMMANDS & set(keys) and isinstance(before, Scalar) and isinstance(item, Scalar):
                yield from of_arguments(before.text, _filled(item.text, environ))
    elif isinstance(tree.value, str):
        yield from _of_text(tree.text, keys, environ, places)
    elif tree.value is not None and _PLACES & set(keys):
        yield from _named(keys[-1], tree.text)


def _of_text(
    text: str, keys: tuple[str, ...], environ: Mapping[str, str], places: Collection[str]
) -> Iterator[str]:
    for name in variables.names(text):
        plain = name.partition(":-")[0]
        value = environ.get(plain, "") if variables.from_environment(name) else ""
        yield from of_variable(plain, value, placed=not set(keys).isdisjoint(places))
    if not (filled := _filled(text, environ)):
        return
    if keys[-1:] == ("webhook",):
        yield from _of_url(filled)
    if _PLACES & set(keys):
        yield from _named(keys[-1], filled)
    yield from of_urls(filled)
    if (_PLACES | _COMMANDS) & set(keys):
        yield from of_settings(filled, code=not _PLACES & set(keys))


def _filled(text: str, environ: Mapping[str, str]) -> str:
    """A text with the variables of the environment; empty where one has no value."""
    try:
        return variables.expand(text, environ).replace("$$", "$")
    except variables.UnsetError:
        return ""


def _named(name: str, text: str) -> Iterator[str]:
    """A value whose name says that it is secret, and without a word before it (``Bearer``)."""
    if not _calls_secret(name) or told_by(name, text):
        return
    if not _ITSELF.search(name) and (_WORDS.fullmatch(text) or len(text) < _SHORT):
        return
    for known in re.split(r"\$\{[^{}]*\}", text):  # what only a boot knows is none
        yield known.strip()
        yield from (word for word in _WORD.findall(known) if len(word) >= _LONG)


def _of_url(url: str) -> Iterator[str]:
    """All of a webhook but its host: who knows it can post there."""
    parts = urlsplit(url)
    whole = (url, parts.path, parts.query, parts.netloc.rpartition("@")[0])
    yield from (each for each in whole if len(each) >= _SHORT)
    for word in re.split(r"[/?&=]", f"{parts.path}?{parts.query}"):
        if len(word) >= _LONG:
            yield from (word, unquote(word))


def _of_file(file: Map, environ: Mapping[str, str], here: Path) -> Iterator[str]:
    """Each line of a secret file, and what stands behind a ``=`` or a ``:`` in it."""
    for line in _content(file, environ, here).splitlines():
        whole = line.strip()
        for part in (whole, *re.split(r"[=:]\s*", whole, maxsplit=1)[1:]):
            text = part.strip().rstrip(",").strip("\"'")
            if len(text) >= _LONG:
                yield text
        yield from of_text(whole)


def _of_config(file: Map, environ: Mapping[str, str], here: Path) -> Iterator[str]:
    """What a configuration calls a secret."""
    for path in _paths(file, environ, here):
        try:
            found = [*overlay.texts(overlay.read(path))]
        except (OSError, ValueError):  # a mistake that is told elsewhere
            continue
        for name, text in found:
            yield from _named(name, text)
            yield from of_text(text)


def _content(file: Map, environ: Mapping[str, str], here: Path) -> str:
    text = file.below("text")
    texts: list[str] = []
    try:
        if isinstance(text, Scalar):
            return variables.expand(text.text, environ).replace("$$", "$")
        # Of files only: a FIFO would be waited for.
        for each in _paths(file, environ, here):
            with each.open("rb") as found:
                texts.append(found.read(_MOST_OF_A_FILE).decode("utf-8", "replace"))
    except (OSError, ValueError, variables.UnsetError):
        pass  # a mistake that is told elsewhere
    return "\n".join(texts)


def _paths(file: Map, environ: Mapping[str, str], here: Path) -> list[Path]:
    """The files that a `path` means; none where it is a mistake."""
    path = file.below("path")
    if not isinstance(path, Scalar):
        return []
    try:
        name = variables.fill(variables.expand(path.text, environ), {"here": str(here)})
        return [*below(str(path.place.file.parent / Path(name).expanduser())).values()]
    except (OSError, ValueError, KeyError, RuntimeError, variables.UnsetError):
        return []
