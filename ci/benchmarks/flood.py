"""Phases measured while the gateway floods its output, against the gateway's own clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.report import Section, Target, number
from pytest_bootgate.records import codec

_MARKS = 20
_MEBI = 1 << 20
_SIZE = 2000
#: MB that a child of the gateway writes a second, beside the marks; None: as fast as it can.
_RATES: tuple[float | None, ...] = (0, 4, 20, None)
#: Seconds that a phase may be off, or its boot is no measurement (`error`).
_OFF = 0.005
# A gateway and its gate have the same monotonic clock: that of the kernel. The marks are written
# by one process and the flood by another, each in whole lines that fit into the pipe at once.
_GATEWAY = """\
import json, os, subprocess, sys, time
size, rate = int(sys.argv[1]) << 20, float(sys.argv[2])
FLOOD = '''
import os, sys, time
size, rate = int(sys.argv[1]), float(sys.argv[2])
line = b"a line of a chatty system, of which nobody knows why " * 2 + b"\\n"
block, sent, began = line * 38, 0, time.monotonic()
while sent < size:
    sent += os.write(1, block)
    ahead = sent / (rate * (1 << 20)) - (time.monotonic() - began) if rate > 0 else 0
    if ahead > 0: time.sleep(ahead)
'''
marks = []
def mark(number):
    marks.append(time.monotonic())
    os.write(1, b"mark %d\\n" % number)
mark(0)
flood = subprocess.Popen([sys.executable, "-c", FLOOD, str(size), str(rate)]) if rate else None
pause = max(0.25, 0.9 * size / (rate * (1 << 20)) / MARKS) if rate > 0 else 0.25
for number in range(1, MARKS + 1):
    time.sleep(pause)
    mark(number)
if flood: flood.wait()
os.write(1, ("written " + json.dumps(marks) + "\\nup\\n").encode())
time.sleep(600)
""".replace("MARKS", str(_MARKS))


@dataclass(frozen=True, slots=True)
class Run:
    """One gate: how its boot ended, and by how much each phase was off, in seconds."""

    engine: str
    rate: float | None
    verdict: str
    outcome: str
    off: tuple[float, ...]


def measure(image: str) -> Section:
    """Gate the gateway on both engines, without a flood and with floods of 2 GB."""
    runs = [_run(engine, image, rate) for engine in ("process", "docker") for rate in _RATES]
    return _section(runs)


def _run(engine: str, image: str, rate: float | None) -> Run:
    command = ["python3", "-u", "${dir}/gateway.py", str(_SIZE), str(-1 if rate is None else rate)]
    phases = {f"mark{n}": {"line": f"^mark {n}$"} for n in range(_MARKS + 1)}
    with tempfile.TemporaryDirectory(prefix="flood-") as held:
        here = Path(held)
        (here / "gateway.py").write_text(_GATEWAY)
        gate = {
            "releases": {"candidate": {"image": image, "command": command}},
            "gateway": {"files": {"${dir}/gateway.py": {"path": "gateway.py"}}},
            "targets": {"boot": {"timeout": "10m", "phases": {**phases, "up": {"line": "^up$"}}}},
            "gate": {"boots": 1, "retries": 0, "noise": 1000},
        }
        (here / "bootgate.yaml").write_text(json.dumps(gate))
        options = [f"--bootgate-engine={engine}", "--bootgate-json=result.json"]
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "bootgate.yaml", *options],
            cwd=here,
            env={**os.environ, "PYTHONPATH": ""},
            stdout=subprocess.DEVNULL,
            check=False,
        )
        (result,) = codec.read(here / "result.json")
    boot = result.targets[0].boots[0]
    written = [json.loads(t[8:]) for t in boot.tails["gateway.out"] if t.startswith("written ")]
    off: list[float] = []
    for number_, phase in enumerate(boot.phases[1 : _MARKS + 1] if written else (), 1):
        if phase.seconds is not None:
            marks = written[0]
            off.append(phase.seconds - (marks[number_] - marks[number_ - 1]))
    return Run(engine, rate, result.verdict, boot.outcome, tuple(off))


def _section(runs: list[Run]) -> Section:
    def right(run: Run) -> bool:
        if run.verdict == "error":
            return True
        return len(run.off) == _MARKS and max(map(abs, run.off)) <= _OFF

    def flood(run: Run) -> str:
        if run.rate == 0:
            return "none"
        speed = "as fast as it can" if run.rate is None else f"{run.rate:g} MiB/s"
        return f"{_SIZE} MiB, {speed}"

    measured = [run for run in runs if run.rate != 0]
    return Section(
        title="phases under a flood",
        how=(
            f"A gateway that marks {_MARKS} phases by its own clock while a child of it floods the"
            " same output; `off` is the measured duration of a phase less the one by that clock."
        ),
        header=("engine", "flood", "boot", "verdict", "largest off", "median off"),
        rows=[
            (
                *(run.engine, flood(run), run.outcome, run.verdict),
                f"{number(max(map(abs, run.off)) * 1e3)} ms" if run.off else "not measured",
                f"{number(sorted(map(abs, run.off))[len(run.off) // 2] * 1e3)} ms"
                if run.off
                else "",
            )
            for run in runs
        ],
        targets=[
            Target(
                "phases under a flood are right, or the boot is `error`",
                f"{sum(map(right, measured))} of {len(measured)} floods",
                f"all within {_OFF * 1e3:g} ms",
                all(map(right, measured)),
                "The gateway's own write waits while the pipe is full, and so does its mark.",
            )
        ],
        data={"runs": [asdict(run) for run in runs]},
    )
