"""OpenMetrics text, and Prometheus text for the textfile collector of the node exporter.

What was not measured has no sample: a zero would be a boot without duration.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import get_args

from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.verdict import WHOLE, Verdict
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.formats import Format
from pytest_bootgate.reports.formats.cases import Entry, entries, names
from pytest_bootgate.reports.formats.semantic import case, labels, pipeline
from pytest_bootgate.reports.numbers import outcomes, phases, times, took, used, values
from pytest_bootgate.reports.story import failed_boot

Labels = Mapping[str, str]


@dataclass
class Family:
    """Samples of one name. `unit` is the end of the name, empty without one."""

    name: str
    help: str
    unit: str = ""
    samples: list[tuple[Labels, float]] = field(default_factory=list)

    def add(self, value: float | None, **labels: str) -> None:
        """Add a sample, unless nothing was measured."""
        if value is not None and isfinite(value):
            self.samples.append(({key: clean(text) for key, text in labels.items()}, value))


def families(results: Sequence[GateResult], base: Path) -> list[Family]:
    """All families that have samples, each series once."""
    found = {family.name: family for family in _all()}
    for file, result in zip(names(results, base), results, strict=True):
        _gate(found, file, result)
        for entry in entries(result):
            about = {
                "gate_file": file,
                "target": entry.target,
                "profile": entry.profile,
                "kind": entry.kind,
            }
            _entry(found, entry, about, labels(case(file, entry.whole.name)))
    return [family for family in found.values() if family.samples]


def _all() -> Iterator[Family]:
    yield Family("bootgate_gate_verdict", "1 for the verdict of the whole gate, 0 for the others.")
    yield Family("bootgate_verdict", "1 for the verdict of a target, 0 for the others.")
    yield Family("bootgate_not_judged", "1 for a target without a verdict, and the reason.")
    yield Family(
        "bootgate_run_timestamp_seconds", "When the run began, in Unix seconds.", "seconds"
    )
    yield Family("bootgate_run_info", "1 for each gate file, with the pipeline that ran it.")
    yield Family("bootgate_release", "1 for each release that was gated, with what it was.")
    yield Family("bootgate_timeout_seconds", "The timeout of a target.", "seconds")
    yield Family(
        "bootgate_timeout_used_ratio", "Share of the timeout that the slowest boot used.", "ratio"
    )
    yield Family(
        "bootgate_timeout_bound_ratio",
        "Share of the timeout that the next boot stays below (95 % confidence).",
        "ratio",
    )
    yield Family("bootgate_boots", "Boots by their outcome, attempts and warm-ups included.")
    yield Family("bootgate_boot_median_seconds", "From trigger to proof, median.", "seconds")
    yield Family("bootgate_boot_slowest_seconds", "From trigger to proof, slowest.", "seconds")
    yield Family("bootgate_phase_median_seconds", "Length of a phase, median.", "seconds")
    yield Family("bootgate_phase_slowest_seconds", "Length of a phase, slowest.", "seconds")
    yield Family("bootgate_cpu_median_seconds", "CPU time of a boot, median.", "seconds")
    yield Family(
        "bootgate_run_delay_median_seconds", "Waiting for a CPU in a boot, median.", "seconds"
    )
    yield Family(
        "bootgate_candidate_time_ratio", "The candidate's time over the baseline's.", "ratio"
    )


def _gate(found: Mapping[str, Family], file: str, result: GateResult) -> None:
    for word in get_args(Verdict):
        value = float(word == result.verdict)
        found["bootgate_gate_verdict"].add(value, gate_file=file, verdict=word)
    about = {"test.suite.name": file, **pipeline(os.environ)}
    found["bootgate_run_info"].add(1.0, gate_file=file, run=result.run, **labels(about))
    began = dt.datetime.fromisoformat(result.at).timestamp()
    found["bootgate_run_timestamp_seconds"].add(began, gate_file=file)
    for name, facts in result.releases.items():
        found["bootgate_release"].add(
            1.0,
            gate_file=file,
            release=name,
            image=facts.image or "",
            digest=facts.identity or "",
            version=facts.version or "",
        )


def _entry(
    found: Mapping[str, Family], entry: Entry, about: dict[str, str], tested: dict[str, str]
) -> None:
    if entry.kind == "gate":
        return  # the verdict of the whole gate says it
    named = {**about, **tested}
    if entry.whole.verdict is None:
        found["bootgate_not_judged"].add(1.0, **named, reason=entry.whole.state)
        return
    for word in get_args(Verdict):
        found["bootgate_verdict"].add(float(word == entry.whole.verdict), **named, verdict=word)
    if entry.timed is not None:
        del about["kind"]
        _target(found, entry.timed, about)


def _target(found: Mapping[str, Family], target: TargetResult, about: dict[str, str]) -> None:
    timeout = target.rules.timeout
    found["bootgate_timeout_seconds"].add(timeout, **about)
    for release in dict.fromkeys(boot.release for boot in target.boots):
        made = [boot for boot in target.boots if boot.release == release]
        for outcome, number in outcomes(made).items():
            found["bootgate_boots"].add(float(number), **about, release=release, outcome=outcome)
        boots = target.of(release)
        for subject in (WHOLE, *phases(target)):
            if seen := took(times(boots, subject)):
                phase = {} if subject == WHOLE else {"phase": subject}
                name = "boot" if subject == WHOLE else "phase"
                for what, value in (("median", seen.median), ("slowest", seen.slowest)):
                    family = found[f"bootgate_{name}_{what}_seconds"]
                    family.add(value, **about, release=release, **phase)
        for name, what in (("cpu", "cpu_seconds"), ("run_delay", "run_delay")):
            if seen := took(values(boots, what)):
                family = found[f"bootgate_{name}_median_seconds"]
                family.add(seen.median, **about, release=release)
    found["bootgate_timeout_used_ratio"].add(used(target), **about)
    if target.judgement is not None:
        room = target.judgement.headroom
        if room is not None and failed_boot(target) is None:
            found["bootgate_timeout_bound_ratio"].add(room.bound_used, **about)
        if target.judgement.regression is not None:
            ratio = target.judgement.regression.ratio
            found["bootgate_candidate_time_ratio"].add(ratio, **about)


def openmetrics(results: Sequence[GateResult], base: Path) -> str:
    """All families as OpenMetrics text."""
    return (
        "".join(
            f"# TYPE {family.name} gauge\n"
            + (f"# UNIT {family.name} {family.unit}\n" if family.unit else "")
            + f"# HELP {family.name} {family.help}\n{_samples(family)}"
            for family in families(results, base)
        )
        + "# EOF\n"
    )


def prometheus(results: Sequence[GateResult], base: Path) -> str:
    """All families as Prometheus text. It is written by rename: a scrape never sees half."""
    return "".join(
        f"# HELP {family.name} {family.help}\n# TYPE {family.name} gauge\n{_samples(family)}"
        for family in families(results, base)
    )


def _samples(family: Family) -> str:
    lines = []
    for known, value in family.samples:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in known.items())
        lines.append(f"{family.name}{{{inside}}} {value!r}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


OPENMETRICS = Format(openmetrics, rb"# TYPE bootgate_")
PROMETHEUS = Format(prometheus, rb"# HELP bootgate_")
