"""``bootgate explain``: what a word of a report means, and what to do."""

from __future__ import annotations

import argparse
import difflib
import textwrap
from collections.abc import Iterator

from pytest_bootgate.cli.screen import painted
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.reports.meanings import MEANINGS, Kind, Meaning

_WIDTH = 80
_HEADINGS: dict[Kind, str] = {
    "verdict": "verdicts of a target, an upgrade, a propagation test",
    "comparison": "how the candidate compares with the baseline",
    "outcome": "how a boot ended",
    "case": "cases worth knowing",
    "term": "words of reports",
}
_KINDS: dict[Kind, str] = {
    "verdict": "a verdict",
    "comparison": "a comparison",
    "outcome": "an outcome",
    "case": "a case",
    "term": "a word of reports",
}
#: Of what is no key of a gate file, the model need not be loaded; but for these.
_NO_KEYS: tuple[Kind, ...] = ("verdict", "outcome", "case")
_KEYS = ("inconclusive",)
_COLOURS = {"-": "red", "+": "green"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate explain`` takes."""
    parser.description = (
        "Explain a verdict (pass, warn, inconclusive, fail, error), a comparison (slower, same,"
        " faster) or an outcome (timed_out, silent_exit, ...), and what to do. `isolated` explains"
        " the case in which isolated runs fail to start while main runs start. Without a word:"
        " list all. Any other word of a report is explained as well, and any key of a gate file."
    )
    parser.add_argument("word", nargs="*", metavar="WORD", help="the word to explain")


def main(options: argparse.Namespace) -> int:
    """Print the meaning of a word, or the list; return the exit status."""
    for line in _explained(" ".join(options.word)) if options.word else _list():
        print(line)
    return 0


def _explained(word: str) -> Iterator[str]:
    """A word of a report, a key of a gate file, or both."""
    plain = "_".join(word.lower().split())
    asked = next((one for one in _forms(plain) if one in MEANINGS), None)
    if asked is not None and MEANINGS[asked].kind in _NO_KEYS and asked not in _KEYS:
        yield from whole(MEANINGS[asked])  # of which no key has the name
        return
    from pytest_bootgate.gatefile.schema import described  # it needs all of the model
    from pytest_bootgate.gatefile.validate import RENAMED

    key, keys = RENAMED.get(plain, plain), described()
    asked = asked or next((one for one in _forms(key) if one in MEANINGS), None)
    if asked is None and key not in keys:
        near = difflib.get_close_matches(plain, [*MEANINGS, *keys], 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise BootgateError(
            f"No report and no gate file has the word {word!r}. {hint}`bootgate explain` lists the"
            " words of reports."
        )
    if asked is not None:
        yield from whole(MEANINGS[asked])
    if key in keys:
        if asked is not None:
            yield ""
        now = f", which was called {painted(plain, bold=True)}" if key != plain else ""
        yield f"{painted(key, bold=True)}: a key of the gate file{now}"
        for noun, text in keys[key].items():
            yield from _wrapped(f"in {noun}: {text}", "  ")


def _forms(word: str) -> Iterator[str]:
    """How a word may stand among those that are explained."""
    for one in (word, word.replace("-", "_"), word.replace("_", "-"), word.replace("_", " ")):
        yield from (one, one.removesuffix("s"))


def whole(one: Meaning) -> Iterator[str]:
    """Everything about one word, at most 80 columns wide."""
    yield f"{painted(one.word, bold=True)}: {_KINDS[one.kind]}"
    yield from _wrapped(one.means[0].upper() + one.means[1:] + ".", "  ")
    if one.shown:
        yield from _wrapped(f"In pytest: {one.shown}.", "  ")
    if one.todo:
        yield ""
        yield "What to do"
        for text in one.todo:
            yield from _wrapped(text, "  - ")
    if one.diff:
        yield ""
        yield "The workaround, as a change of the job"
        yield from (f"  {painted(line, _COLOURS.get(line[0], ''))}" for line in one.diff)
    if one.costs:
        yield ""
        yield "What it costs"
        for text in one.costs:
            yield from _wrapped(text, "  - ")


def _list() -> Iterator[str]:
    for kind, heading in _HEADINGS.items():
        yield heading
        found = [one for one in MEANINGS.values() if one.kind == kind]
        width = max(len(one.word) for one in found) + 2
        for one in found:
            yield from _wrapped(one.means, f"  {one.word:<{width}}")
        yield ""
    yield "What to do about one of them: bootgate explain WORD"


def _wrapped(text: str, first: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
        break_long_words=False,
    )
