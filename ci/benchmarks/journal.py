"""The journal with a million boots: how long a look takes, and what it costs to keep an event."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
from pytest_benchmark.logger import Logger
from pytest_benchmark.stats import Stats
from pytest_benchmark.storage.file import FileStorage

from benchmarks.report import Section, Spread, Target, number
from pytest_bootgate.journal import files, queries
from pytest_bootgate.journal.queries import Filter
from pytest_bootgate.journal.store import Journal
from pytest_bootgate.records.events import (
    BootBegan,
    BootEnded,
    BootKey,
    Event,
    PhaseReached,
    RunBegan,
    TriggerAccepted,
    TriggerSent,
)
from pytest_bootgate.records.result import SCHEMA, GateResult
from pytest_bootgate.records.values import Boot, HostFacts, Phase

_BOOTS, _A_RUN = 1_000_000, 25
_BEGIN, _YEARS = 1_730_000_000.0, 2 * 365 * 86400.0
_END = _BEGIN + _YEARS
_FILES = [f"/srv/gates/{name}/bootgate.yaml" for name in ("api", "mail", "agents", "batch")]
#: How often a target is booted; the last one is rare.
_TARGETS = {"isolated": 600, "main": 300, "current": 99, "session:night": 1}
_PROFILES = {"default": 8, "low-spec": 2}
#: In a thousand boots.
_OUTCOMES = {"started": 970, "timed_out": 15, "false_ok": 5, "crashed": 5, "lost": 4,
             "oom_killed": 1}  # fmt: skip
_VERSIONS = 300
_TIMEOUT = 60.0
#: What pytest-benchmark's storage is asked to read: so many of the boots.
_SAMPLE = 10_000
_WANTED, _WANTED_EVENT = 0.1, 1e-3
#: What somebody may ask for, some of it hard: many boots are one, and few are the other.
_QUESTIONS: dict[str, Filter] = {
    "no filter": Filter(limit=20),
    "`--since 7d`": Filter(limit=20, since=_END - 7 * 86400),
    "`--run`": Filter(limit=20, run="0000040a"),
    "`--release candidate`": Filter(limit=20, release="candidate"),
    "`--release` version": Filter(limit=20, release="2025.17"),
    "`--target` common": Filter(limit=20, target="isolated"),
    "`--target` rare": Filter(limit=20, target="session:night"),
    "`--target isolated@low-spec`": Filter(limit=20, target="isolated@low-spec"),
    "`--outcome started`": Filter(limit=20, outcome="started"),
    "`--outcome oom_killed`": Filter(limit=20, outcome="oom_killed"),
    "`--outcome in_flight`": Filter(limit=20, outcome="in_flight"),
    "rare target, `started`": Filter(limit=20, target="session:night", outcome="started"),
    "rare target, `oom_killed`": Filter(limit=20, target="session:night", outcome="oom_killed"),
    "version, target, `timed_out`": Filter(
        limit=20, release="2025.17", target="main", outcome="timed_out"
    ),
}
_TREND, _COLUMNS_FILE, _PEER = (
    "trend of a target, 14 days",
    "JSON lines, all boots, `--target` rare",
    "pytest-benchmark's storage, a hundredth of the boots",
)
_INSIDE, _AT_END = "an event within a boot", "the end of a boot (on the disk)"


def measure(boots: int = _BOOTS, times: int = 15, lives: int = 200) -> Section:
    """Fill a journal, ask it `times` times, and let it hear of `lives` boots more."""
    with tempfile.TemporaryDirectory(prefix="bootgate-bench-") as name:
        here = Path(name)
        path = here / "journal.db"
        began = time.perf_counter()
        _fill(path, boots)
        filled = time.perf_counter() - began
        size = path.stat().st_size
        asked = {what: _ask(path, wanted, times) for what, wanted in _QUESTIONS.items()}
        asked[_TREND] = _times(lambda: _trend(path), times)
        peers = {
            _COLUMNS_FILE: Spread.of([_json_lines(path, here / "boots.jsonl")]),
            _PEER: Spread.of([_storage(path, here / "benchmarks", min(_SAMPLE, boots))]),
        }
        costs = _costs(path, lives)
    return _section(asked, peers, costs, boots=boots, times=times, size=size, filled=filled)


# -- a million boots ---------------------------------------------------------------------------


def _fill(path: Path, boots: int) -> None:
    sql = files.writing(path)
    sql.execute("PRAGMA synchronous = OFF")  # as none of it matters
    sql.execute("PRAGMA wal_autocheckpoint = 10000")
    chance = random.Random(4)
    runs = boots // _A_RUN
    for first in range(0, runs, 2000):
        some = range(first, min(first + 2000, runs))
        sql.execute("BEGIN")
        sql.executemany(
            "INSERT INTO runs (id, gate_file, began, finished, verdict, result)"
            " VALUES (?, ?, ?, ?, 'pass', '{}')",
            [
                (_run(n), _FILES[n % len(_FILES)], at := _BEGIN + n / runs * _YEARS, at + 900)
                for n in some
            ],
        )
        sql.executemany(
            "INSERT INTO boots (id, run, target, release, version, profile, number, attempt, start,"
            " during, began, outcome, detail, seconds, ended, timeout, accepted, ready,"
            " cpu_seconds, whole)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 1, 'cold', 'campaign', ?, ?, '', ?, ?, ?, ?, ?, ?, ?)",
            [row for n in some for row in _rows(n, n / runs, chance)],
        )
        sql.execute("COMMIT")
    sql.close()


def _run(n: int) -> str:
    return f"{n:08x}"


def _rows(n: int, when: float, chance: random.Random) -> Iterator[tuple[Any, ...]]:
    began, version = _BEGIN + when * _YEARS, int(when * _VERSIONS)
    target, profile = _one(_TARGETS, chance), _one(_PROFILES, chance)
    for i in range(_A_RUN):
        release = ("baseline", "candidate")[i % 2]
        outcome = _one(_OUTCOMES, chance)
        took = min(_TIMEOUT, 20 * chance.lognormvariate(0, 0.2))
        seconds = took if outcome == "started" else None
        said = f"2025.{version - (release == 'baseline')}"
        boot = _boot(f"{n:08x}{i:02x}", release, took, outcome)
        whole = msgspec.json.encode(boot).decode()
        yield (
            *(boot.id, _run(n), target, release, said, profile, i // 2, began + 30 * i),
            *(outcome, seconds, took, _TIMEOUT, 0.01, 2.0, took * 0.8, whole),
        )


def _one(among: dict[str, int], chance: random.Random) -> str:
    return chance.choices(list(among), list(among.values()))[0]


def _boot(name: str, release: str, took: float, outcome: Any) -> Boot:
    """A boot with five phases, and of each stream some last lines."""
    names = ("accepted", "context_engine", "tools_config", "agent_persona", "task_started")
    phases = tuple(Phase(phase, took * (i + 1) / 5, took / 5) for i, phase in enumerate(names))
    lines = tuple(f"2026-11-22T16:00:{i:02d}Z plugin {i} registered a hook" for i in range(12))
    return Boot(
        id=name, target="isolated", release=release, profile="default", number=1, start="cold",
        outcome=outcome, detail="", timeout=_TIMEOUT, ended=took, seconds=took, phases=phases,
        tails={"gateway.out": lines, "sidecar.out": lines},
    )  # fmt: skip


# -- questions ---------------------------------------------------------------------------------


def _ask(path: Path, wanted: Filter, times: int) -> Spread:
    def ask() -> int:
        with files.reading(path) as journal:
            return len(queries.boots(journal, wanted))

    if not ask() and wanted.outcome is None:
        raise RuntimeError(f"nothing found: {wanted}")
    return _times(ask, times)


def _trend(path: Path) -> int:
    with files.reading(path) as journal:
        used = queries.usage(journal, _FILES[0], "isolated", "default", _END - 14 * 86400)
        return len(used)


def _times(work: Callable[[], object], times: int) -> Spread:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return Spread.of(took)


def _json_lines(path: Path, lines: Path) -> float:
    """Seconds to find the newest boots of a rare target in a file with one boot a line."""
    with files.reading(path) as journal, lines.open("w") as out:
        rows = journal.execute("SELECT run, target, release, began, outcome, seconds FROM boots")
        for row in rows:
            out.write(json.dumps(dict(row)) + "\n")
    began = time.perf_counter()
    with lines.open() as kept:
        boots = [boot for line in kept if (boot := json.loads(line))["target"] == "session:night"]
    boots.sort(key=lambda boot: -boot["began"])
    if not boots[:20]:
        raise RuntimeError("nothing found")
    return time.perf_counter() - began


def _storage(path: Path, directory: Path, boots: int) -> float:
    """Seconds in which pytest-benchmark loads what `--benchmark-autosave` wrote of some boots."""
    below = directory / "machine"
    below.mkdir(parents=True)
    with files.reading(path) as journal:
        rows = journal.execute(
            "SELECT run, seconds FROM boots WHERE seconds IS NOT NULL LIMIT ?", (boots,)
        ).fetchall()
    runs: dict[str, list[float]] = {}
    for row in rows:
        runs.setdefault(row["run"], []).append(row["seconds"])
    for counter, (run, seconds) in enumerate(runs.items(), 1):
        stats = Stats()
        for value in seconds:
            stats.update(value)
        found = {"benchmarks": [{"name": "boot", "group": "isolated", "stats": stats.as_dict()}]}
        (below / f"{counter:04}_{run}.json").write_text(json.dumps(found, indent=4))
    storage = FileStorage(str(directory), Logger(level=Logger.QUIET))
    began = time.perf_counter()
    loaded = list(storage.load())
    took = time.perf_counter() - began
    if len(loaded) != len(runs):
        raise RuntimeError(f"{len(loaded)} files of {len(runs)} were loaded")
    return took


# -- events ------------------------------------------------------------------------------------


def _costs(path: Path, lives: int) -> dict[str, Spread]:
    """Seconds that `hear` takes on the journal that holds all these boots."""
    journal = Journal(path)
    took: dict[str, list[float]] = {_INSIDE: [], _AT_END: []}
    facts = HostFacts("Linux", "3.11", 2, 2**34, 0.1)
    result = GateResult(SCHEMA, _FILES[0], "", "", "live", "docker", "", facts, {}, ())
    journal.hear(RunBegan(wall=0.0, run="live", result=result))
    for n in range(lives):
        for event in _life(n):
            began = time.perf_counter()
            journal.hear(event)
            what = _AT_END if event.kind == "boot_ended" else _INSIDE
            if event.kind != "boot_began":
                took[what].append(time.perf_counter() - began)
    journal.close()
    return {what: Spread.of(values) for what, values in took.items()}


def _life(n: int) -> Sequence[Event]:
    key = BootKey(
        id=f"live{n}", run="live", target="isolated", release="candidate", profile="default",
        start="cold", number=n,
    )  # fmt: skip
    boot = _boot(key.id, "candidate", 20.0, "started")
    reached = [
        PhaseReached(wall=0.0, boot=key, at=phase.at, phase=phase.name) for phase in boot.phases
    ]
    return [
        BootBegan(wall=0.0, boot=key),
        TriggerSent(wall=0.0, boot=key, at=0.0),
        TriggerAccepted(wall=0.0, boot=key, at=0.01),
        *reached,
        BootEnded(wall=0.0, boot=key, at=20.0, measured=boot),
    ]


def _section(
    asked: dict[str, Spread],
    peers: dict[str, Spread],
    costs: dict[str, Spread],
    *,
    boots: int,
    times: int,
    size: int,
    filled: float,
) -> Section:
    default = asked["no filter"].median
    slowest = max(asked, key=lambda what: asked[what].median)
    rows = [
        (what, f"{number(spread.median / default)} ×", spread.text(1e3, "ms"))
        for what, spread in {**asked, **peers, **costs}.items()
    ]
    return Section(
        title="journal",
        how=(
            f"{boots} boots in {boots // _A_RUN} runs of two years, {size / 2**30:.1f} GiB, filled"
            f" in {filled:.0f} s (boots as the gate keeps them, with their last lines; no events)."
            f" Each question {times} times as `bootgate log` asks it, opening the file included,"
            " which the machine has in its cache. The peers read a file with six columns of the"
            f" same boots, and what pytest-benchmark would have saved of {min(_SAMPLE, boots)} of"
            " them, once. Events: `Journal.hear` in the same journal, wall time."
        ),
        header=("what", "× the default question", "median (least to greatest)"),
        rows=rows,
        targets=[
            Target(
                f"`bootgate log`, {boots} boots",
                f"{number(default * 1e3)} ms",
                "< 100 ms",
                default < _WANTED,
            ),
            Target(
                f"the slowest question ({slowest})",
                f"{number(asked[slowest].median * 1e3)} ms",
                "< 100 ms",
                asked[slowest].median < _WANTED,
                "No index fits it.",
            ),
            Target(
                _INSIDE,
                f"{number(costs[_INSIDE].median * 1e3)} ms",
                "≤ 1 ms",
                costs[_INSIDE].median <= _WANTED_EVENT,
                "It waits for the write-ahead log in the system's cache.",
            ),
        ],
        data={
            "questions": {what: asdict(spread) for what, spread in asked.items()},
            "peers": {what: asdict(spread) for what, spread in peers.items()},
            "events": {what: asdict(spread) for what, spread in costs.items()},
            "bytes": size,
        },
    )
