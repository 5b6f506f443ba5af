"""Boot cycle: what one boot of the gate costs over the engine's own create, start and remove."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import docker

from benchmarks.report import Section, Spread, Target, at_most, number
from pytest_bootgate.engines.docker import DockerEngine
from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.model import Profile
from pytest_bootgate.run.pair import Pair
from pytest_bootgate.run.recipe import Recipe
from pytest_bootgate.stats.regression import (
    Regression,
    compare,
)
from pytest_bootgate.stats.schedule import Schedule

_READY = 'print("ready", flush=True)'
_PROGRAM = f"import time; {_READY}; time.sleep(60)"
_GATE_FILE = """\
releases: {{candidate: {{image: "{image}", command: [python3, -c, '{program}']}}}}
targets: {{boot: {{timeout: 30s, proof: {{line: "^ready$"}}}}}}
"""
_GATE, _FLOOR, _RUN = "bootgate, one boot", "docker SDK, the same calls", "`docker run --rm`"
_WANTED = 1.05


def measure(image: str, rounds: int = 40) -> Section:
    """Boot `rounds` times by each contender, in turns that rotate."""
    engine = DockerEngine(f"bench{secrets.token_hex(4)}")
    client = docker.APIClient(version="auto")
    recipe = _recipe(image, engine.resolve(image))
    contenders: dict[str, Callable[[], None]] = {
        _GATE: lambda: _gate(engine, recipe),
        _FLOOR: lambda: _floor(client, image),
        _RUN: lambda: _docker_run(image),
    }
    took: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    try:
        for number_of_round in range(rounds + 2):
            turn = number_of_round % len(names)
            for name in names[turn:] + names[:turn]:
                began = time.perf_counter()
                contenders[name]()
                if number_of_round >= 2:  # the first starts of an image are slower
                    took[name].append(time.perf_counter() - began)
        # After the measurement: watching costs a little.
        calls = _calls({name: contenders[name] for name in (_GATE, _FLOOR)})
    finally:
        engine.close()
        client.close()
    return _section(took, calls, rounds)


def _recipe(image: str, digest: str) -> Recipe:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "bootgate.yaml")
        path.write_text(_GATE_FILE.format(image=image, program=_PROGRAM))
        gate = load(path).gate
        release = gate.releases.candidate
        return Recipe(
            gate, "boot", gate.targets["boot"], "candidate", release, "default", Profile(),
            path.parent, digest,
        )  # fmt: skip


def _gate(engine: DockerEngine, recipe: Recipe) -> None:
    pair = Pair(engine, recipe, lambda _: None)
    try:
        pair.open()
        boot = pair.boot(1)
        if not boot.started:
            raise RuntimeError(f"the boot to be timed {boot.outcome}: {boot.detail}")
    finally:
        pair.close()


def _floor(client: docker.APIClient, image: str) -> None:
    made = client.create_container(
        image,
        ["python3", "-c", _PROGRAM],
        host_config=client.create_host_config(network_mode="none", init=True),
    )["Id"]
    stream = client.attach_socket(made, {"stdout": 1, "stderr": 1, "stream": 1})
    connection: Any = getattr(stream, "_sock", stream)
    client.start(made)
    said = b""
    while b"ready\n" not in said:
        said += connection.recv(65536)
    client.remove_container(made, force=True, v=True)
    stream.close()


def _docker_run(image: str) -> None:
    command = ["docker", "run", "--rm", "--init", "--network", "none", image]
    subprocess.run([*command, "python3", "-c", _READY], check=True, capture_output=True)


def _calls(
    contenders: dict[str, Callable[[], None]], times: int = 12
) -> dict[str, dict[str, float]]:
    """The median milliseconds of each kind of call to the engine in one cycle, in turns."""
    sums: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    now: dict[str, float] = {}
    send = docker.APIClient.send

    def timed(self: docker.APIClient, request: Any, **more: Any) -> Any:
        began = time.perf_counter()
        try:
            return send(self, request, **more)
        finally:
            kind = _kind(request.method, request.path_url)
            now[kind] = now.get(kind, 0.0) + (time.perf_counter() - began) * 1e3

    docker.APIClient.send = timed  # type: ignore[method-assign, assignment]
    try:
        for _ in range(times):
            for name, cycle in contenders.items():
                now = {}
                cycle()
                sums[name].append(now)
    finally:
        docker.APIClient.send = send  # type: ignore[method-assign]
    return {
        name: {
            kind: median(one.get(kind, 0.0) for one in cycles)
            for kind in dict.fromkeys(kind for one in cycles for kind in one)
        }
        for name, cycles in sums.items()
    }


def _kind(method: str, url: str) -> str:
    """A call without the names in it: ``POST containers/…/start``."""
    words = url.partition("?")[0].strip("/").split("/")[1:]
    fixed = {"containers", "volumes", "create", "json", "archive", "attach", "start"}
    return f"{method} " + "/".join(word if word in fixed else "…" for word in words)


def _fastest(spreads: dict[str, Spread]) -> str:
    return f"{(spreads[_GATE].least - spreads[_FLOOR].least) * 1e3:.0f} ms"


def _interval(found: Regression) -> str:
    return f"{found.ratio:.3f} × ({found.low:.3f} to {found.high:.3f})"


def _section(
    took: dict[str, list[float]], calls: dict[str, dict[str, float]], rounds: int
) -> Section:
    spreads = {name: Spread.of(values) for name, values in took.items()}
    plan = Schedule.of(rounds, rounds)
    ratios = {name: compare((took[name], took[_GATE]), None, plan) for name in (_FLOOR, _RUN)}
    over = ratios[_FLOOR].ratio
    extra = {kind: ms - calls[_FLOOR].get(kind, 0.0) for kind, ms in calls[_GATE].items()}
    ranked = sorted(extra.items(), key=lambda kv: -kv[1])
    beyond = ", ".join(f"{kind} {ms:.1f} ms" for kind, ms in ranked if ms >= 0.5)
    return Section(
        title="boot cycle",
        how=(
            f"{rounds} rounds, the contenders in rotating turns, ratios as the gate itself takes"
            " them (Hodges–Lehmann, with a 95 % interval). The gate opens a pair, boots an"
            " untriggered target whose proof is a line, and closes the pair. The floor makes the"
            " same container (same image, command and init, no network), attaches, starts, reads to"
            " the same line, and removes it by force with its anonymous volumes; it has no thread"
            " that listens, and looks neither at the image's identity nor at counters of CPU and"
            " disk nor at how the container ended. `docker run --rm` runs the same program without"
            " its wait, to its own end."
        ),
        header=("contender", "gate over it", "median", "least to greatest"),
        rows=[
            (
                name,
                _interval(ratios[name]) if name in ratios else "1",
                f"{number(spread.median * 1e3)} ms",
                f"{number(spread.least * 1e3)} to {number(spread.greatest * 1e3)} ms",
            )
            for name, spread in spreads.items()
        ],
        targets=[
            Target(
                "boot cycle over the SDK floor",
                _interval(ratios[_FLOOR]),
                f"≤ {_WANTED} ×",
                at_most(_WANTED, over, ratios[_FLOOR].high),
                f"The gate's calls to the engine beyond the floor: {beyond}; besides, it reads the"
                f" machine's counters. The fastest cycles differ by {_fastest(spreads)}; what else"
                " runs on the machine widens the interval.",
            )
        ],
        data={
            "seconds": took,
            "spreads": {name: asdict(spread) for name, spread in spreads.items()},
            "ratios": {name: asdict(ratio) for name, ratio in ratios.items()},
            "calls_ms": calls,
        },
        notes=[f"Beyond the floor, by call (median, overlapping calls counted in full): {beyond}."],
    )
