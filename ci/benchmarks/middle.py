"""Cost of the middle: lines a second through the pipeline, and the time that a verdict takes."""

from __future__ import annotations

import cProfile
import pstats
import random
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.report import Section, Spread, Target, number
from pytest_bootgate.checks.startup import judge
from pytest_bootgate.engines.base import Chunk
from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.model import Target as SessionTarget
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.records.values import Boot, Phase
from pytest_bootgate.records.verdict import Rules
from pytest_bootgate.run.listener import Listener

_OPENCLAW = """\
preset: openclaw
releases: {candidate: {image: openclaw}}
targets: {isolated: {start: cold}}
"""
_FIVE_PHASES = """\
releases: {candidate: {image: my-gateway}}
targets:
  isolated:
    timeout: 60s
    phases:
      accepted: {line: '"accepted":true'}
      context_engine: {line: context engine ready}
      tools_config: {line: tools config loaded}
      agent_persona: {line: persona loaded}
      task_started: {line: task started}
"""
_VARIABLES = {
    **dict.fromkeys(("release", "version", "token"), ""),
    "target": "isolated",
    "dir": "/bootgate",
    "here": "/",
    "program": "/program",
    "port.gateway": "18789",
    "port.model": "8099",
}
_LINES, _CHUNK = 100_000, 32 * 1024
#: Pairs of a verdict, those of its first campaign, and phases.
_PAIRS, _FIRST, _PHASES = 20, 10, 20
_WANTED_LINES, _WANTED_VERDICT = 1e6, 1.0
_SPLIT, _SEARCH = "floor: `split` and nothing else", "floor: `split`, decode, one `re.search`"


def measure(rounds: int = 9) -> Section:
    """Each way of taking in the same lines `rounds` times, in turns; then verdicts."""
    data = _log(_LINES)
    openclaw, simple = _target(_OPENCLAW), _target(_FIVE_PHASES)
    search = re.compile("context engine ready").search
    ways: dict[str, Callable[[], None]] = {
        "OpenClaw preset": lambda: pipeline(openclaw, data),
        "five phases": lambda: pipeline(simple, data),
        _SPLIT: lambda: _each(data.split(b"\n")),
        _SEARCH: lambda: _search_each(data.split(b"\n"), search),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.thread_time()
            way()
            speeds[name].append(_LINES / (time.thread_time() - began))
    profile = _profile(lambda: pipeline(openclaw, data))
    return _section(speeds, profile, {name: _verdicts(name) for name in _CASES}, rounds)


def pipeline(target: SessionTarget, data: bytes) -> None:
    """The bytes of one stream through splitter, queue, listener and observation."""
    seen = Observation(target.phases, target.signals, target.stages, _VARIABLES, token=False)
    seen.trigger_at = 0.0
    listener = Listener(lambda _: None, lambda _: None)
    for begin in range(0, len(data), _CHUNK):
        listener.put(Chunk("gateway.out", 0.0, data[begin : begin + _CHUNK]))
        listener.wait(0.0, lambda: False, lambda _: None, seen.see)


def _target(text: str) -> SessionTarget:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "bootgate.yaml")
        path.write_text(text)
        return load(path).gate.targets["isolated"]


def _log(lines: int) -> bytes:
    """What a chatty gateway writes: about a hundred characters a line, none of them a mark."""
    return b"".join(
        b"2026-11-22T16:%02d:%02d.%03dZ [agent/embedded] debug: plugin %d registered hook"
        b" before_prompt, took %d ms\n" % (i // 60000 % 60, i // 1000 % 60, i % 1000, i, i % 17)
        for i in range(lines)
    )


def _each(lines: Sequence[bytes]) -> None:
    for _ in lines:
        pass


def _search_each(lines: Sequence[bytes], search: Callable[[str], object]) -> None:
    for line in lines:
        search(line.decode("utf-8", "replace"))


def _profile(work: Callable[[], None], most: int = 8) -> list[tuple[str, float]]:
    """The functions in which most of the time goes by, and their shares of it."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    stats = pstats.Stats(profiler).get_stats_profile()
    total = stats.total_tt
    ranked = sorted(stats.func_profiles.items(), key=lambda kv: -kv[1].tottime)
    return [(_function(name, f.file_name), f.tottime / total) for name, f in ranked[:most]]


def _function(name: str, file: str) -> str:
    return f"{Path(file).name} {name}" if file.endswith(".py") else name.strip("{}")


# -- verdicts ------------------------------------------------------------------------------------

#: How much longer the candidate's third phase is; a slower one is attributed as well.
_CASES = {"slower, with attribution": 4.0, "the same": 1.0}


def _verdicts(case: str, times: int = 9) -> Spread:
    rules = Rules(timeout=60.0, fail_at=0.8, warn_at=0.6, least=_FIRST, most=_FIRST)
    boots = _boots(_CASES[case])
    took = []
    for _ in range(times):
        began = time.perf_counter()
        judgement = judge(boots, rules)
        took.append(time.perf_counter() - began)
    wanted = "fail" if _CASES[case] > 1 else "pass"
    if judgement.verdict != wanted or judgement.regression is None:
        raise RuntimeError(f"judged {judgement.verdict} where {wanted} is true: {judgement}")
    return Spread.of(took)


def _boots(longer: float) -> list[Boot]:
    chance = random.Random(15)
    return [
        _boot(release, pair + 1, longer if release == "candidate" else 1.0, chance)
        for pair in range(_PAIRS)
        for release in ("baseline", "candidate")
    ]


def _boot(release: str, pair: int, longer: float, chance: random.Random) -> Boot:
    phases, at = [], 0.0
    for phase in range(_PHASES):
        seconds = 0.05 * chance.lognormvariate(0, 0.1) * (longer if phase == 2 else 1.0)
        at += seconds
        phases.append(Phase(f"phase_{phase}", at, seconds))
    return Boot(
        target="isolated", release=release, profile="default", number=pair, start="cold",
        outcome="started", detail="", timeout=60.0, ended=at, seconds=at, phases=tuple(phases),
        cpu_seconds=at * 0.8,
    )  # fmt: skip


def _section(
    speeds: Mapping[str, Sequence[float]],
    profile: Sequence[tuple[str, float]],
    verdicts: Mapping[str, Spread],
    rounds: int,
) -> Section:
    spreads = {name: Spread.of(values) for name, values in speeds.items()}
    slowest = min(spreads["OpenClaw preset"].median, spreads["five phases"].median)
    floor = spreads[_SEARCH].median
    longest = max(spread.median for spread in verdicts.values())
    shares = ", ".join(f"`{name}` {part * 100:.0f} %" for name, part in profile)
    rows = [
        (
            name,
            f"{number(spread.median / slowest)} ×",
            f"{number(spread.median)} lines/s",
            f"{number(spread.least)} to {number(spread.greatest)}",
        )
        for name, spread in spreads.items()
    ]
    rows += [
        (f"verdict, {name}", "", f"{number(s.median * 1e3)} ms",
         f"{number(s.least * 1e3)} to {number(s.greatest * 1e3)} ms")
        for name, s in verdicts.items()
    ]  # fmt: skip
    return Section(
        title="cost of the middle",
        how=(
            f"{_LINES} lines of about 100 characters, none of them a mark, in chunks of"
            f" {_CHUNK // 1024} KiB through splitter, queue, listener and observation on one"
            f" thread, {rounds} rounds in turns, by CPU time. Verdicts: {_PAIRS} pairs with"
            f" {_PHASES} phases through `judge`, with intervals and attribution."
        ),
        header=("what", "× the slower gate file", "median", "least to greatest"),
        rows=rows,
        targets=[
            Target(
                "lines through the pipeline, one core",
                f"{number(slowest)} a second",
                "≥ 1 000 000 a second",
                slowest >= _WANTED_LINES,
                f"Splitting, decoding and one search alone make {number(floor)} a second in this"
                f" interpreter. A line is {number(1e6 / slowest)} µs of small Python steps, none of"
                f" which stands out (own time in a profile: {shares}). Lines would have to be"
                " handled in blocks, which no boot needs: a gateway writes some thousand lines.",
            ),
            Target(
                f"verdict with intervals, {_PAIRS} pairs of 20 phases",
                f"{number(longest * 1e3)} ms",
                "≤ 1 s",
                longest <= _WANTED_VERDICT,
                "Most of it are the exact distributions behind the interval.",
            ),
        ],
        data={
            "lines_per_second": {name: asdict(spread) for name, spread in spreads.items()},
            "profile": dict(profile),
            "verdict_seconds": {name: asdict(spread) for name, spread in verdicts.items()},
        },
    )
