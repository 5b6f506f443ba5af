"""The boots of several results, as far as they can speak for one gate file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile import Loaded
from pytest_bootgate.gatefile.digest import measures
from pytest_bootgate.gatefile.model import Target
from pytest_bootgate.records import codec
from pytest_bootgate.records.result import GateResult, ReleaseFacts, TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.reports.amounts import count
from pytest_bootgate.run.recorded import differing


@dataclass(frozen=True, slots=True)
class Source:
    """One result and the file it was read from."""

    path: Path
    result: GateResult


@dataclass
class Evidence:
    """Boots of one `release` that can be compared, by target and profile.

    They are measured ones that started; `unfit` says of a target on a profile why its boots
    do not count, `remarks` what else was left out.
    """

    release: str
    facts: ReleaseFacts
    sources: list[Source]
    boots: dict[tuple[str, str], list[Boot]] = field(default_factory=dict)
    unfit: dict[tuple[str, str], str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def profiles(self) -> set[str]:
        """The profiles of which there are boots."""
        return {profile for (_, profile), boots in self.boots.items() if boots}

    def of(self, target: str, profile: str) -> list[Boot]:
        """The boots of a target on a profile; none where they do not count."""
        key = (target, profile)
        return [] if key in self.unfit else self.boots.get(key, [])


def read(paths: Sequence[Path]) -> list[Source]:
    """All results in these files, oldest first, each run once. Raises `BootgateError`."""
    found: dict[tuple[str, str], Source] = {}
    for path in paths:
        results = codec.read(path)
        if not results:
            raise BootgateError(f"{path}: it contains no result. Give a file with results.")
        for result in results:
            found.setdefault((result.run, result.file), Source(path, result))
    return sorted(found.values(), key=lambda source: source.result.at)


def gather(loaded: Loaded, sources: Sequence[Source], release: str) -> Evidence:
    """The boots of `release` that the newest result with such boots has, and all like it.

    Raises `BootgateError` where the results are of another gate file, of several engines, or
    have no boots of this release.
    """
    ours: list[Source] = []
    for path in dict.fromkeys(source.path for source in sources):
        ours += _of_this_gate(loaded, path, [s for s in sources if s.path == path])
    ours.sort(key=lambda source: source.result.at)
    remarks = []
    with_boots = [source for source in ours if _has_boots(source.result, release)]
    if not with_boots:
        raise BootgateError(
            f"{_names(ours)}: the results have no measured boot of the {release}. Give results with"
            " boots of it" + (", or leave --release out." if release == "baseline" else ".")
        )
    engines = sorted({source.result.engine_name for source in with_boots})
    if len(engines) > 1:
        raise BootgateError(
            f"The results come from several engines ({', '.join(engines)}), whose boots cannot"
            " be compared. Name results of one engine."
        )
    here = [s for s in with_boots if s.result.file == str(loaded.path)]
    facts = (here or with_boots)[-1].result.releases[release]
    same = []
    for source in with_boots:
        theirs = source.result.releases[release]
        if _same(theirs, facts):
            same.append(source)
        else:
            remarks.append(
                f"{source.path} is left out: its {release} is {told(theirs)}, that of the newest"
                f" result is {told(facts)}"
            )
    evidence = Evidence(release, facts, same, remarks=remarks)
    evidence.remarks += [
        f"{s.path} was made with {s.result.file}: accepted for this gate file, because the phases"
        " are the same"
        for s in same
        if s.result.file != str(loaded.path)
    ]
    now = measures(loaded)
    evidence.remarks += [
        f"{s.path}: the gate file measured different things then"
        f"{differing(s.result.measured, now.parts)}, so today's boots may differ"
        for s in same
        if s.result.measures not in ("", now.digest)
    ]
    unlike: dict[tuple[str, str], list[tuple[Path, str]]] = {}
    for source in same:
        for result in source.result.targets:
            if result.target not in loaded.gate.targets:
                continue
            key = (result.target, result.profile)
            why = _unlike(result, loaded.gate.targets[result.target], release)
            if why is None:
                _add(evidence, result)
            else:
                unlike.setdefault(key, []).append((source.path, why))
    for key, found in unlike.items():
        if not evidence.boots.get(key):
            evidence.unfit[key] = found[-1][1]
        else:
            evidence.remarks += [f"{path}: {key[0]} is left out: {why}" for path, why in found]
    return evidence


def measured(result: TargetResult, release: str) -> list[Boot]:
    """The boots that this run made of a release: no warm-up, and none recorded in another run."""
    boots = result.of(release)
    return [boot for boot in boots if not boot.warm_up and not boot.recorded]


def told(facts: ReleaseFacts) -> str:
    """A release in words: its version, image and the beginning of the image's digest."""
    parts = [facts.version or "", facts.image or ""]
    words = " ".join(part for part in parts if part) or "without a version"
    return f"{words} ({short(facts.identity)})" if facts.identity else words


def short(identity: str) -> str:
    """A digest as people compare it."""
    kind, _, digest = identity.rpartition(":")
    return f"{kind}:{digest[:12]}" if kind else digest[:12]


def _unlike(result: TargetResult, asked: Target, release: str) -> str | None:
    """Why these boots are not of the target as the gate file has it now; None if they are."""
    if result.left_out is not None:
        return f"left out of the results: {result.left_out}"
    if [*result.rules.phases] != [*asked.phases]:
        return "the results have other phases: the gate file has changed since"
    if any(boot.start != asked.start for boot in measured(result, release)):
        return f"the boots in the results are not {asked.start} ones"
    return None


def _add(evidence: Evidence, result: TargetResult) -> None:
    """Take one target's boots; one that did not start speaks against all of them."""
    key = (result.target, result.profile)
    boots = measured(result, evidence.release)
    failed = [boot for boot in boots if not boot.started and not boot.traits.unknown]
    if failed:
        evidence.unfit[key] = (
            f"{count(len(failed), 'boot')} did not start ({failed[0].outcome}): thresholds come"
            " from results in which every boot started"
        )
    taken = [boot for boot in boots if boot.started and boot.seconds is not None]
    evidence.boots.setdefault(key, []).extend(taken)


def _of_this_gate(loaded: Loaded, path: Path, sources: Sequence[Source]) -> list[Source]:
    """The results of one file that are of this gate file, by its path or else by its phases.

    Names such as isolated and main are everywhere; the phases are a gate file's own. One run of
    pytest may have gated several files with targets of the same names.
    """
    targets = loaded.gate.targets
    exact = [source for source in sources if source.result.file == str(loaded.path)]
    alike = [
        source
        for source in sources
        if any(
            target.target in targets and [*target.rules.phases] == [*targets[target.target].phases]
            for target in source.result.targets
        )
    ]
    if found := exact or alike:
        return found
    files = _once(source.result.file for source in sources)
    raise BootgateError(
        f"{path}: this is a result of another gate file ({', '.join(files)}): no target with its"
        f" phases is in {loaded.path.name}. Name results of this gate file."
    )


def _same(one: ReleaseFacts, other: ReleaseFacts) -> bool:
    """Whether two results tell of the same release; tags may differ where digests are known."""
    if one.version != other.version:
        return False
    if one.identity is not None and other.identity is not None:
        return one.identity == other.identity
    return one.image == other.image


def _has_boots(result: GateResult, release: str) -> bool:
    return release in result.releases and any(
        measured(target, release) for target in result.targets
    )


def _names(sources: Sequence[Source]) -> str:
    return ", ".join(_once(str(source.path) for source in sources))


def _once(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))
