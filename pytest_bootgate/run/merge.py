"""One result from the results of all shards of a gate, or the reasons why there is none.

What belongs to the gate as a whole (its verdict, which targets start beside one that does not) is
worked out from the checks of all shards, as it is where one run boots all of them.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records import codec
from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.result import GateResult, ReleaseFacts, TargetResult, Unjudged
from pytest_bootgate.records.shard import MOST, Part, Planned, Shard, digest
from pytest_bootgate.records.verdict import VERDICTS, WHOLE, worst
from pytest_bootgate.reports import unjudged
from pytest_bootgate.run.check import KINDS

_RERUN = "Rerun that shard, or merge the shards of one run."


@dataclass(frozen=True)
class _Piece:
    """The result of one shard, and the file that it was read from."""

    path: Path
    result: GateResult
    shard: Shard

    @property
    def name(self) -> str:
        return str(self.path)


def merge(paths: Sequence[Path]) -> list[tuple[GateResult, Shard]]:
    """One result for each gate file; its `error` says what is missing or does not belong together.

    Beside it stands what its shards say of themselves, in the words of one of them. Raises
    `BootgateError` where none of the files holds the result of a shard.
    """
    pieces: list[_Piece] = []
    unusable: list[str] = []
    for path in paths:
        try:
            pieces += _read(path)
        except BootgateError as error:
            unusable.append(str(error))
    if not pieces:
        raise BootgateError(" ".join(unusable) or "Name the results of all shards.")
    gates: dict[str, list[_Piece]] = {}
    for piece in pieces:
        gates.setdefault(piece.shard.gate, []).append(piece)
    return [_merged(one, unusable) for one in gates.values()]


def _read(path: Path) -> Iterator[_Piece]:
    """The shards in a file. Raises `BootgateError` for one that holds anything else."""
    for data in codec.parts(path):
        try:
            result = codec.decode(data)
        except BootgateError as error:
            raise BootgateError(f"{path}: {error} {_RERUN}") from None
        if codec.edited(data):
            raise BootgateError(
                f"{path} was changed after it was written (its digest is missing or does not"
                f" match). {_RERUN}"
            )
        if result.shard is None:
            what = "is merged already" if result.shards else "is no shard, but a whole gate"
            raise BootgateError(f"{path} {what}. Leave it out.")
        if why := _impossible(result.shard, result):
            raise BootgateError(f"{path} is damaged: {why}. {_RERUN}")
        yield _Piece(path, result, result.shard)


def _impossible(shard: Shard, result: GateResult) -> str:
    """What no run writes; empty where there is nothing of it."""
    if not 1 <= shard.number <= shard.of <= MOST:
        return f"there is no shard {shard.number} of {shard.of}"
    planned = {one.key: one for one in shard.plan}
    names = [shard.gate, result.file, *(name for one in shard.plan for name in one.key)]
    names += [item for check in result.checks for item in check.items]
    if not all(name and name.isprintable() for name in names):
        return "a name in it cannot be shown"
    if Path(shard.gate).is_absolute() or ".." in Path(shard.gate).parts:
        return f"{shard.gate} is no gate file below a directory"
    if not planned or len(planned) < len(shard.plan):
        return "its plan has no checks, or one of them twice"
    if not all(1 <= one.shard <= shard.of for one in shard.plan):
        return f"its plan has other shards than {shard.of}"
    found = [_key(check) for check in result.checks]
    if again := [key for key, times in Counter(found).items() if times > 1]:
        return f"it has the check {_words(again[0])} twice"
    for check in result.checks:
        asked = planned.get(_key(check))
        if asked is None or asked.shard != shard.number:
            return f"it has the check {_words(_key(check))}, which is not its own"
        if why := _unbelievable(check, asked):
            return f"the check {_words(asked.key)} {why}"
    return ""


def _unbelievable(check: CheckResult, asked: Planned) -> str:
    """Why a check cannot have its verdict; empty where it can."""
    if isinstance(check, TargetResult) and digest(check.rules) != asked.rules:
        return "was judged by other rules than its plan has"
    if check.verdict is None:
        return "is left out, and its plan asks for it" if asked.asked else ""
    reasons = worst([finding.verdict for finding in check.findings] or ["pass"])
    if VERDICTS.index(check.verdict) < VERDICTS.index(reasons):
        return f"has verdict {check.verdict} and a finding {reasons}"
    if check.verdict in ("fail", "error") or not isinstance(check, TargetResult):
        return ""
    started = [boot for boot in check.of("candidate") if boot.started and not boot.recorded]
    return "" if started else f"has verdict {check.verdict} and no boot that started"


def _key(check: CheckResult) -> tuple[str, str, str]:
    return check.kind, check.target, check.profile


def _words(key: tuple[str, str, str]) -> str:
    kind, target, profile = key
    name = target if kind in (WHOLE, target) else f"{target}::{kind}"
    return name if profile == "default" else f"{name} on {profile}"


# -- do they belong together? ------------------------------------------------------------------

_PLAN = "Give all shards the same gate file, options and --bootgate-shard-journal"
#: What all shards must have alike: in words, how to get it, and what to do where it differs.
_ALIKE: tuple[tuple[str, Callable[[GateResult, Shard], Any], str], ...] = (
    ("pytest-bootgate", lambda result, _: result.bootgate, "Install the same version everywhere"),
    ("number of shards", lambda _, shard: shard.of, "Run all shards with the same N/OF"),
    (
        "gate file as it was loaded",
        lambda _, shard: shard.parts,
        "Use the same commit, and the same environment variables, in all shards",
    ),
    ("options", lambda _, shard: shard.options, "Give all shards the same options"),
    ("plan", lambda _, shard: [msgspec.to_builtins(one) for one in shard.plan], _PLAN),
)
#: The same of shards that booted something; others do not know it.
_BOOTED: tuple[tuple[str, Callable[[GateResult, Shard], Any], str], ...] = (
    ("engine", lambda result, _: result.engine_name, "Name one with --bootgate-engine"),
    ("images", lambda _, shard: shard.images, "Name images by digest (image@sha256:...)"),
    ("releases", lambda result, _: _identities(result), "Boot the same releases in all shards"),
)


def _identities(result: GateResult) -> dict[str, Any]:
    return {
        name: [facts.image, facts.identity, facts.recorded]
        for name, facts in result.releases.items()
    }


def _differences(pieces: Sequence[_Piece]) -> Iterator[str]:
    """What one of them has other than most do, and which file that is."""
    booted = [piece for piece in pieces if _booted(piece.result)]
    for some, alike in ((pieces, _ALIKE), (booted, _BOOTED)):
        for what, value, way_out in alike:
            yield from _unlike(some, what, value, way_out)
    for name in dict.fromkeys(name for one in booted for name in one.result.releases):
        said = [one for one in booted if _version(one.result, name) is not None]
        yield from _unlike(
            said,
            f"version of the {name}",
            lambda result, _, name=name: _version(result, name),
            "Boot the same releases in all shards",
        )


def _booted(result: GateResult) -> bool:
    """Whether it knows what stands behind the releases: who booted nothing never looked."""
    return any(check.boots for check in result.checks)


def _version(result: GateResult, name: str) -> str | None:
    facts = result.releases.get(name)
    return facts.version if facts is not None else None


def _unlike(
    pieces: Sequence[_Piece], what: str, value: Callable[..., Any], way_out: str
) -> Iterator[str]:
    values = [(piece, value(piece.result, piece.shard)) for piece in pieces]
    texts = [msgspec.json.encode(found, order="deterministic") for _, found in values]
    usual = Counter(texts).most_common(1)
    if len(set(texts)) < 2:
        return
    like = next(one for one, text in zip(values, texts, strict=True) if text == usual[0][0])
    for one, text in zip(values, texts, strict=True):
        if text != usual[0][0]:
            yield (
                f"{one[0].name} does not belong to {like[0].name}: {_apart(what, one[1], like[1])}."
                f" {way_out}."
            )


def _apart(what: str, here: Any, there: Any) -> str:
    """What differs, in half a sentence."""
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        keys = [k for k in {**there, **here} if here.get(k) != there.get(k)]
        digests = what.startswith("gate file")
        shown = [
            str(key) if digests else f"{key} {_short(here.get(key))}, not {_short(there.get(key))}"
            for key in keys[:3]
        ]
        verb = "differ" if what.endswith("s") else "differs"
        return f"its {what} {verb} in {'; '.join(shown)}"
    if isinstance(here, list):
        return f"its {what} shares out the checks differently"
    return f"its {what} is {here}, not {there}"


def _short(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_short(one) for one in value if one) or "nothing"
    text = "nothing" if value in (None, "") else str(value)
    return text if len(text) <= 90 else f"{text[:90]}..."


def _doubled(pieces: Sequence[_Piece]) -> Iterator[str]:
    numbers: dict[int, list[_Piece]] = {}
    for piece in pieces:
        numbers.setdefault(piece.shard.number, []).append(piece)
    for number, every in numbers.items():
        if len(every) > 1:
            names = " and ".join(one.name for one in every)
            yield f"Shard {number} is there {len(every)} times ({names}). Leave all but one out."


def _missing(pieces: Sequence[_Piece]) -> Iterator[str]:
    of = pieces[0].shard.of
    numbers = {piece.shard.number for piece in pieces}
    if absent := [number for number in range(1, of + 1) if number not in numbers]:
        noun, verb = ("Shard", "is") if len(absent) == 1 else ("Shards", "are")
        yield (
            f"{noun} {', '.join(map(str, absent))} of {of} {verb} missing. Name the results of all"
            " shards; rerun what ended without one."
        )


# -- the whole gate ----------------------------------------------------------------------------


def _merged(pieces: Sequence[_Piece], unusable: Sequence[str]) -> tuple[GateResult, Shard]:
    """The result of one gate file, and one of its shards; what is foreign is left out of it."""
    pieces = sorted(pieces, key=lambda piece: piece.shard.number)
    reasons = [*unusable, *_differences(pieces), *_doubled(pieces)]
    common = _common(pieces)
    kept = list({p.shard.number: p for p in reversed(pieces) if _belongs(p, common)}.values())[::-1]
    reasons += _missing(kept)
    shard = common.shard
    found = {_key(check): check for piece in kept for check in piece.result.checks}
    kinds = list(dict.fromkeys([*KINDS, *(one.kind for one in shard.plan)]))
    plan = sorted(shard.plan, key=lambda one: kinds.index(one.kind))
    checks = tuple(found[one.key] for one in plan if one.key in found)
    base = next((one for one in kept if _booted(one.result)), kept[0]).result
    merged = replace(
        base,
        file=_file(base, shard),
        at=min(piece.result.at for piece in kept),
        run=secrets.token_hex(6),
        releases=_releases([piece.result for piece in kept], checks),
        checks=checks,
        unjudged=tuple(_unjudged(shard.plan, [piece.result for piece in kept], found)),
        error=None,
        waited=sum(piece.result.waited for piece in kept),
        shard=None,
        shards=tuple(_part(piece) for piece in kept),
    )
    if left := unjudged.line(merged):
        reasons.append(f"Not everything was judged: {left}.")
    return replace(merged, error=" ".join(reasons) or None), shard


def _common(pieces: Sequence[_Piece]) -> _Piece:
    """One of those that are as most are."""
    looks = [_look(piece) for piece in pieces]
    usual = Counter(looks).most_common(1)[0][0]
    return pieces[looks.index(usual)]


def _look(piece: _Piece) -> bytes:
    values = [value(piece.result, piece.shard) for _, value, _ in _ALIKE]
    return msgspec.json.encode(values, order="deterministic")


def _belongs(piece: _Piece, common: _Piece) -> bool:
    return _look(piece) == _look(common)


def _file(result: GateResult, shard: Shard) -> str:
    """The gate file where the merge runs, where it is there; else where the shards saw it."""
    here = Path.cwd() / shard.gate
    return str(here.resolve()) if here.is_file() else result.file


def _part(piece: _Piece) -> Part:
    result = piece.result
    return Part(
        piece.shard.number, result.run, result.at, result.engine, result.machine, result.waited
    )


def _releases(
    results: Sequence[GateResult], checks: Sequence[CheckResult]
) -> dict[str, ReleaseFacts]:
    """The releases, with what they said of themselves first; who booted nothing knows less."""
    booted = [result for result in results if _booted(result)] or list(results)
    said = {
        name: next((v for check in checks for v in check.versions(name)), facts.version)
        for name, facts in booted[0].releases.items()
    }
    return {n: replace(facts, version=said[n]) for n, facts in booted[0].releases.items()}


def _unjudged(
    plan: Sequence[Planned],
    results: Sequence[GateResult],
    found: Mapping[tuple[str, str, str], CheckResult],
) -> Iterator[Unjudged]:
    """What no shard judged: what it says itself, and all of what is not there."""
    unseen = {(u.target, u.profile, u.item) for result in results for u in result.unjudged}
    for one in plan:
        there = one.key in found
        for item in one.asked:
            if not there or (one.target, one.profile, item) in unseen:
                yield Unjudged(one.target, one.profile, item, booted=there, kind=one.kind)
