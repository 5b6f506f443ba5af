"""Boots beside busy neighbours: what a verdict by wall time is worth there, and by net time."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import permutations
from math import log
from pathlib import Path
from statistics import fmean, median, stdev

from benchmarks.report import Section, Target, percent
from pytest_bootgate.engines.base import Engine
from pytest_bootgate.engines.docker import DockerEngine
from pytest_bootgate.engines.process import ProcessEngine
from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.model import Profile
from pytest_bootgate.records.values import Boot
from pytest_bootgate.run.pair import Pair
from pytest_bootgate.run.recipe import Recipe
from pytest_bootgate.stats.net import compare_net
from pytest_bootgate.stats.regression import Regression
from pytest_bootgate.stats.schedule import Schedule

#: A gateway that starts a runner for each job; the runner computes for about 0.3 s.
_GATEWAY = """\
import http.server, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        self.do_GET()
        subprocess.Popen([sys.executable, "-ISc", sys.argv[2]])
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
"""
_RUNNER = """\
import os
for _ in range(round(80 * float(os.environ["WORK"]))):
    sum(number * number for number in range(100_000))
print("done", flush=True)
"""
_GATE_FILE = """\
releases:
  baseline: {image: "IMAGE", env: {WORK: "1"}}
  candidate: {image: "IMAGE", env: {WORK: "SLOWER"}}
gateway:
  command: COMMAND
  ready: {http: ":${port.gateway}/"}
sidecar: {image: release}
ports: {gateway: 8080}
targets:
  boot:
    timeout: 60s
    start: warm
    trigger: {http: ":${port.gateway}/"}
    proof: {line: "^done$"}
"""
#: The releases of a round: two are the same code, one does so much more of the same work.
VARIANTS = {"baseline": 1.0, "same": 1.0, "slower": 1.2}
_PLAN = Schedule.of(5, 30)
#: So many rounds are thrown away: both releases are equally warm then.
_WARM_UP = 2
#: What a comparison goes by.
WHATS = {"wall": "seconds", "net": "net_seconds"}
#: The boots of a round, by variant.
Round = Mapping[str, Boot]


@dataclass(frozen=True)
class Said:
    """Shares of resampled campaigns: of equal releases, and of one that is slower."""

    same: float
    red: float
    found: float
    pairs: float


def measure(image: str, rounds: int = 120) -> Section:
    """Record boots on both engines beside one and two busy loops, and judge them both ways."""
    recorded = {
        (engine, loops): list(record(engine, image, loops, rounds))
        for engine in ("process", "docker")
        for loops in (1, 2)
    }
    return section(recorded)


def section(recorded: Mapping[tuple[str, int], Sequence[Round]]) -> Section:
    """The figures of recorded rounds, by engine and number of busy loops."""
    rows, targets, data = [], list[Target](), {}
    for (engine, loops), rounds in recorded.items():
        beside = f"{engine}, {loops} busy loop{'s' * (loops != 1)}"
        by = {what: judged(rounds, field) for what, field in WHATS.items()}
        wall, net = by["wall"], by["net"]
        spreads = [percent(_spread(rounds, field)) for field in WHATS.values()]
        every = [boot for boots in rounds for boot in boots.values()]
        walls, waits = [b.seconds or 0.0 for b in every], [b.run_delay or 0.0 for b in every]
        rows.append(
            (
                beside,
                f"{median(walls) * 1e3:.0f} ms",
                percent(sum(waits) / sum(walls)),
                " → ".join(spreads),
                *(
                    f"{percent(getattr(wall, what))} → {percent(getattr(net, what))}"
                    for what in ("same", "red", "found")
                ),
                f"{wall.pairs:.1f} → {net.pairs:.1f}",
            )
        )
        for text, share in (("A/A ends `same`", net.same), ("+20 % is found", net.found)):
            shown = f"{beside}: {text} by net time"
            targets.append(Target(shown, percent(share), "≥ 95 %", share >= 0.95, _WHY))
        data[beside] = {what: vars(said) for what, said in by.items()}
    number = min(len(rounds) for rounds in recorded.values())
    return Section(
        title="beside busy neighbours",
        how=(
            f"{number} rounds of three boots each: a gateway starts a runner that computes for 0.3"
            " s; two releases are the same, one does 20 % more of the same work. Beside them run"
            " busy loops, and whatever else the machine does. Each figure is that of wall time,"
            " then that of net time (without the waiting for a CPU that neighbours had), of"
            " campaigns of contiguous rounds (circular, from every second round, both ways round)."
        ),
        header=(
            "boots", "median", "waited for a CPU", "spread of a pair", "A/A `same`", "A/A red",
            "+20 % found", "pairs of A/A",
        ),
        rows=rows,
        targets=targets,
        data=data,
    )  # fmt: skip


_WHY = "CPU time itself varies beside neighbours: they share caches and the core's execution units."


def judged(rounds: Sequence[Round], what: str) -> Said:
    """What the rule says of campaigns that begin at every second round."""
    starts = range(0, len(rounds), 2)
    equal = [
        _campaign(rounds, start, sides, what)
        for start in starts
        for sides in (("baseline", "same"), ("same", "baseline"))
    ]
    slower = [_campaign(rounds, start, ("baseline", "slower"), what) for start in starts]
    return Said(
        same=fmean(found.verdict in ("same", "faster") for found in equal),
        red=fmean(found.verdict == "slower" for found in equal),
        found=fmean(found.verdict == "slower" for found in slower),
        pairs=fmean(found.pairs for found in equal),
    )


def _campaign(rounds: Sequence[Round], start: int, sides: tuple[str, str], what: str) -> Regression:
    taken = [rounds[(start + n) % len(rounds)] for n in range(_PLAN.most)]
    walls = [[boots[side].seconds or 0.0 for boots in taken] for side in sides]
    times = [[getattr(boots[side], what) or 0.0 for boots in taken] for side in sides]
    cpus = [[boots[side].cpu_seconds or 0.0 for boots in taken] for side in sides]
    return compare_net((walls[0], walls[1]), (times[0], times[1]), (cpus[0], cpus[1]), _PLAN)


def _spread(rounds: Sequence[Round], what: str) -> float:
    """The standard deviation of the log ratios of equal boots."""
    return stdev(
        log(getattr(boots["same"], what) / getattr(boots["baseline"], what)) for boots in rounds
    )


def record(engine: str, image: str, loops: int, rounds: int) -> Iterator[Round]:
    """Boots of all variants, one after another in an order that changes, beside busy loops."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as up:
        here = Path(directory)
        running: Engine
        running = (DockerEngine if engine == "docker" else ProcessEngine)(
            f"bench{secrets.token_hex(4)}"
        )
        up.callback(running.close)
        pairs = {}
        for name, work in VARIANTS.items():
            pair = Pair(running, _recipe(here, running, image, work), lambda _: None)
            up.callback(pair.close)
            pair.open()
            pairs[name] = pair
        up.enter_context(_busy(loops))
        orders = list(permutations(pairs))
        for number in range(rounds + _WARM_UP):
            boots = {name: pairs[name].boot(number) for name in orders[number % len(orders)]}
            if not all(boot.started for boot in boots.values()):
                raise RuntimeError(f"a boot did not start: {boots}")
            if number >= _WARM_UP:
                yield boots


def _recipe(here: Path, engine: Engine, image: str, work: float) -> Recipe:
    docker = engine.name == "docker"
    python = "python3" if docker else sys.executable
    command = json.dumps([python, "-c", _GATEWAY, "${port.gateway}", _RUNNER])
    text = _GATE_FILE.replace("COMMAND", command).replace("IMAGE", image)
    path = here / "bootgate.yaml"
    path.write_text(text.replace("SLOWER", str(work)))
    gate = load(path).gate
    release = gate.releases.candidate
    digest = engine.resolve(image) if docker else None
    return Recipe(
        gate, "boot", gate.targets["boot"], "candidate", release, "default", Profile(), here, digest
    )


@contextmanager
def _busy(loops: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", "while 1: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()
