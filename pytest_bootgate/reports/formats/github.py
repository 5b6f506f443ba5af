"""GitHub Actions: the decision, a line for each target not green, and a summary in Markdown."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.amounts import NONE, duration, share
from pytest_bootgate.reports.clean import clean, one_line
from pytest_bootgate.reports.decision import decision
from pytest_bootgate.reports.formats import Format
from pytest_bootgate.reports.formats.cases import Entry, entries, names, releases
from pytest_bootgate.reports.numbers import longest_phase, times, took, used
from pytest_bootgate.reports.story import failed_boot

#: What GitHub shows of one step's summary, in bytes; of more it shows nothing at all.
MOST = 1024 * 1024
_LEVELS = {"warn": "warning", "inconclusive": "warning", "fail": "error", "error": "error"}
_SIGNS = {
    "pass": "✅",
    "warn": "⚠️",
    "inconclusive": "❔",
    "fail": "❌",
    "error": "💥",
    "left out": "⚪",
    "unjudged": "⚪",
}
_LONGEST = 4000  # characters of an annotation; the summary has the rest


def append(results: Sequence[GateResult], path: Path, base: Path) -> None:
    """Add the job summary to what a step has written before. Raises `OSError`."""
    left = MOST - (path.stat().st_size if path.exists() else 0)
    text = summary(results, base)
    if len(text.encode()) > left:
        text = summary(results, base, stories=False)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def commands(results: Sequence[GateResult], base: Path) -> list[str]:
    """Workflow commands that annotate the gate files: the decision on each, then errors first.

    GitHub shows ten errors and ten warnings of a step; the summary has all of them.
    """
    found, decided = [], []
    top = Path(os.environ.get("GITHUB_WORKSPACE") or base).resolve()
    for file, result in zip(names(results, top), results, strict=True):
        what = decision(result)
        where = f"file={_property(file)},line=1,title={_property(f'{what.action} {what.upgrade}')}"
        decided.append(
            f"::{_LEVELS.get(what.verdict, 'notice')} {where}::{_data(clean(str(what)))}"
        )
        for entry in entries(result):
            state = entry.whole.state
            if state not in _LEVELS:
                continue
            title = f"bootgate: {state.upper()} {entry.label}"
            where = f"file={_property(file)},line={entry.whole.line},title={_property(title)}"
            text = clean(entry.whole.text or entry.whole.story)
            if len(text) > _LONGEST:
                text = f"{text[:_LONGEST]}… (shortened; the job summary has all of it)"
            text += f"\nwhat to do: {clean(entry.whole.todo)}" * bool(entry.whole.todo)
            found.append(f"::{_LEVELS[state]} {where}::{_data(text)}")
    return [*decided, *sorted(found, key=lambda line: not line.startswith("::error"))]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")


def summary(results: Sequence[GateResult], base: Path, *, stories: bool = True) -> str:
    """The job summary; without the stories where they would make it longer than GitHub takes."""
    lines: list[str] = []
    for name, result in zip(names(results, base), results, strict=True):
        lines += _gate(name, result, stories=stories)
    return "\n".join(lines) + "\n"


def _gate(name: str, result: GateResult, *, stories: bool) -> Iterator[str]:
    found = entries(result)
    yield f"## {_SIGNS[result.verdict]} bootgate: {_cell(name)}: {result.verdict.upper()}"
    yield ""
    yield f"**{_cell(str(decision(result)))}**"
    yield ""
    for release, what in releases(result):
        yield f"- {_cell(release)}: {_cell(what)}"
    yield f"- engine {_cell(result.engine)}, run {_cell(result.run)}"
    yield ""
    yield "| target | verdict | slowest boot | used | slowest phase | why |"
    yield "| --- | --- | ---: | ---: | --- | --- |"
    for entry in found:
        yield f"| {' | '.join(_row(entry))} |"
    yield ""
    if todo := [entry for entry in found if entry.whole.todo]:
        yield "What to do:"
        yield ""
        yield from (f"- {_cell(one.label)}: {_cell(one.whole.todo)}" for one in todo)
        yield ""
    for entry in found:
        if entry.whole.state not in _LEVELS:
            continue
        if not stories:
            continue
        yield f"<details><summary>{_cell(entry.label)}: details</summary>"
        yield ""
        yield f"<pre>\n{html.escape(clean(entry.whole.story or entry.whole.text))}\n</pre>"
        yield ""
        yield "</details>"
        yield ""
    if not stories:
        yield "The stories are omitted: they exceed GitHub's size limit."
        yield ""


def _row(entry: Entry) -> list[str]:
    state = entry.whole.state
    first = entry.whole.text.partition("\n")[0].removeprefix(f"{state}: ")
    target = entry.timed
    slowest, spent, phase = NONE, NONE, NONE
    if target is not None and target.boots:
        failed = failed_boot(target)
        whole = took(times(target.of("candidate"), WHOLE))
        slowest = NONE if whole is None else duration(whole.slowest)
        slowest = slowest if failed is None else failed.outcome
        part = used(target)
        spent = NONE if part is None else share(part)
        phase = _slowest_phase(target, failed)
    why = first if state != "pass" else ""
    verdict = f"{_SIGNS[state]} {state}"
    return [_cell(text) for text in (entry.label, verdict, slowest, spent, phase, why)]


def _slowest_phase(target: TargetResult, failed: Boot | None) -> str:
    """The phase that took longest (median), or the one in which a boot ended that failed."""
    if failed is not None and failed.ended_in is not None:
        return f"{failed.ended_in}: {failed.outcome}"
    longest = longest_phase(target)
    return NONE if longest is None else f"{longest[0]} {duration(longest[1])}"


def _cell(text: str) -> str:
    """A text as one line of Markdown that means nothing but itself."""
    escaped = html.escape(one_line(text), quote=False)
    for sign in "\\`*_[]|~#!":
        escaped = escaped.replace(sign, f"&#{ord(sign)};" if sign != "#" else sign)
    return escaped


FORMAT = Format(summary, rb"## \S+ bootgate: ")
