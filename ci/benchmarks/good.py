"""The example that passes, gated again and again as `ci/gate` does it: how often is it red?"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median

from benchmarks.report import Section, Target, percent
from pytest_bootgate.records import codec
from pytest_bootgate.records.result import GateResult

_EXAMPLE = Path(__file__).parents[2] / "examples" / "incident" / "good" / "bootgate.yaml"
#: How many gates stand behind the figure.
GATES = 200
_BUSY = "while True: pass"
_COMPARED = ("faster", "same", "inconclusive", "slower")


@dataclass(frozen=True, slots=True)
class Run:
    """One gate: its exit status, its verdict, and what came of comparing the isolated boots.

    `why` says what is wrong with one that is red.
    """

    status: int
    verdict: str
    compared: str
    ratio: float | None
    boots: int
    seconds: float
    why: str


def measure(runs: int = GATES) -> Section:
    """Gate the example on the process engine, a busy loop beside every second run."""
    quiet, busy = [], []
    for number in range(runs):
        if number % 2:
            with _busy_loop():
                busy.append(_run())
        else:
            quiet.append(_run())
    return _section(quiet, busy)


@contextlib.contextmanager
def _busy_loop() -> Iterator[None]:
    loop = subprocess.Popen([sys.executable, "-c", _BUSY])
    try:
        yield
    finally:
        loop.kill()
        loop.wait()


def _run() -> Run:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory, "out.json")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", str(_EXAMPLE), "-pno:cacheprovider"),
                *("--bootgate-require", "--bootgate-engine=process"),
                *(f"--bootgate-json={out}", f"--bootgate-journal={directory}/journal.db"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if not out.exists():
            raise RuntimeError(f"no result was written:\n{done.stdout}{done.stderr}")
        (result,) = codec.read(out)
    isolated = next(target for target in result.targets if target.target == "isolated")
    found = isolated.judgement.regression if isolated.judgement is not None else None
    return Run(
        status=done.returncode,
        verdict=result.verdict,
        compared=found.verdict if found is not None else "not compared",
        ratio=found.ratio if found is not None else None,
        boots=sum(not boot.warm_up for target in result.targets for boot in target.boots),
        seconds=time.monotonic() - began,
        why=_why(result) if done.returncode else "",
    )


def _why(result: GateResult) -> str:
    """The first lines of what would make a run red."""
    judged = [t.judgement.findings for t in result.targets if t.judgement is not None]
    texts = [f.text for found in judged for f in found if f.verdict in ("fail", "error")]
    texts += [t.error for t in result.targets if t.error is not None]
    return "; ".join(texts) or result.error or "nothing in the result says why"


def _section(quiet: list[Run], busy: list[Run]) -> Section:
    every = [*quiet, *busy]
    red = sum(run.status != 0 for run in every) / len(every)
    ratios = [run.ratio for run in every if run.ratio is not None]
    return Section(
        title="the example that passes",
        how=(
            f"`pytest examples/incident/good/bootgate.yaml`, as `ci/gate` runs it, {len(every)}"
            " times on the process engine; beside every second run a process kept one CPU busy."
            " Its isolated boots take"
            + (f" {median(ratios):.2f} × the baseline's in the median." if ratios else " no time.")
        ),
        header=(
            *(
                "beside it",
                "runs",
                "exit status 0",
                "pass",
                "warn",
                "inconclusive",
                "fail",
                "error",
            ),
            *(f"isolated: {word}" for word in _COMPARED),
            *("measured boots on average", "seconds on average"),
        ),
        rows=[_row(name, runs) for name, runs in (("nothing", quiet), ("a loop", busy)) if runs],
        targets=[Target("the good example is red", percent(red), "0 %", red == 0.0)],
        notes=[f"Run {n} was red: {run.why}" for n, run in enumerate(every, 1) if run.status],
        data={
            name: [asdict(run) for run in runs] for name, runs in (("quiet", quiet), ("busy", busy))
        },
    )


def _row(name: str, runs: list[Run]) -> tuple[str, ...]:
    verdicts = Counter(run.verdict for run in runs)
    compared = Counter(run.compared for run in runs)
    return (
        name,
        str(len(runs)),
        str(sum(run.status == 0 for run in runs)),
        *(str(verdicts[word]) for word in ("pass", "warn", "inconclusive", "fail", "error")),
        *(str(compared[word]) for word in _COMPARED),
        f"{fmean(run.boots for run in runs):.1f}",
        f"{fmean(run.seconds for run in runs):.1f}",
    )
