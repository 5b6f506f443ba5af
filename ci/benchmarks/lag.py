"""Observation lag: from the instant a container writes a mark to the instant it is noticed."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict

import docker
from docker.models.containers import Container
from pytest_docker.plugin import Services
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy
from testcontainers.core.waiting_utils import wait_for_logs

from benchmarks.report import Section, Spread, Target, number
from pytest_bootgate.engines.base import Engine, UnitSpec
from pytest_bootgate.engines.docker import DockerEngine
from pytest_bootgate.gatefile.model import PhaseProbe
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.observe.sighting import Sighting
from pytest_bootgate.probes.line import Line
from pytest_bootgate.run.listener import Listener

# A container has the clock of its host's kernel, so the two readings can be subtracted.
PROGRAM = (
    "import sys, time\n"
    "time.sleep(float(sys.argv[1]))\n"
    "print('mark', time.monotonic(), flush=True)\n"
    "time.sleep(60)\n"
)
DEADLINE = 30.0
_SDK_PAUSE = 1.0

#: Starts a container that writes its mark after so many seconds: when was it noticed?
Contender = Callable[[str, float], float]

_GATE = "bootgate, pattern matched"
_STAMP = "bootgate, line stamped"
_TESTCONTAINERS = "testcontainers `wait_for_logs`"


def measure(image: str, rounds: int = 24) -> Section:
    """Observe `rounds` marks by each contender, in turns, at random offsets."""
    offsets = random.Random(20261122)
    client = docker.from_env()
    engine = DockerEngine(f"bench{secrets.token_hex(4)}")
    gate = Gate(engine)
    contenders: dict[str, Contender] = {
        _GATE: gate.lag,
        _TESTCONTAINERS: _by_testcontainers,
        "pytest-docker `wait_until_responsive`": lambda i, s: _by_pytest_docker(client, i, s),
        "docker SDK, `logs()` every 1 s": lambda i, s: _by_polling(client, i, s),
    }
    lags: dict[str, list[float]] = {name: [] for name in contenders}
    try:
        gate.lag(image, 0.0)  # the first start of an image is slower than all others
        gate.stamps.clear()
        for _ in range(rounds):
            for name, lag in contenders.items():
                lags[name].append(lag(image, offsets.uniform(0.3, 1.3)))
    finally:
        engine.close()
        client.close()
    return _section({_GATE: lags.pop(_GATE), _STAMP: gate.stamps, **lags}, rounds)


class Gate:
    """The project's own path; `stamps` are the lags of the instants that become durations."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.stamps: list[float] = []

    def lag(self, image: str, after: float) -> float:
        """From written to the instant at which the pattern has matched."""
        seen = Observation(
            {"mark": PhaseProbe(Line("^mark "))}, signals={}, stages={}, variables={}, token=False
        )
        noticed: list[float] = []

        def see(sighting: Sighting) -> None:
            seen.see(sighting)
            if seen.proof_at is not None and not noticed:
                noticed.append(time.monotonic())
                written.append(written_at(sighting.text))
                self.stamps.append(sighting.at - written[0])

        written: list[float] = []
        listener = Listener(lambda _: None, lambda _: None)
        place = self._engine.place({})
        try:
            command = ["python3", "-c", PROGRAM, str(after)]
            unit = place.create(UnitSpec("gateway", image, command), listener.put)
            seen.trigger_at = time.monotonic()
            unit.start()
            until = time.monotonic() + DEADLINE
            listener.wait(until, lambda: bool(noticed), lambda _: None, see)
        finally:
            place.remove()
        return noticed[0] - written[0]


def _by_testcontainers(image: str, after: float) -> float:
    command = ["python3", "-c", PROGRAM, str(after)]
    with DockerContainer(image, network_mode="none").with_command(command) as container:
        wait_for_logs(container, LogMessageWaitStrategy("mark"))
        noticed = time.monotonic()
        return noticed - written_at(container.get_logs()[0].decode())


def _by_pytest_docker(client: docker.DockerClient, image: str, after: float) -> float:
    container = _start(client, image, after)
    try:
        services = Services(None)
        services.wait_until_responsive(lambda: b"mark" in container.logs(), timeout=30.0, pause=0.1)
        noticed = time.monotonic()
        return noticed - written_at(container.logs().decode())
    finally:
        container.remove(force=True)


def _by_polling(client: docker.DockerClient, image: str, after: float) -> float:
    container = _start(client, image, after)
    try:
        while b"mark" not in (logs := container.logs()):
            time.sleep(_SDK_PAUSE)
        return time.monotonic() - written_at(logs.decode())
    finally:
        container.remove(force=True)


def _start(client: docker.DockerClient, image: str, after: float) -> Container:
    command = ["python3", "-c", PROGRAM, str(after)]
    return client.containers.run(image, command, detach=True, network_mode="none")


def written_at(text: str) -> float:
    return float(text.split()[1])


def _section(lags: dict[str, list[float]], rounds: int) -> Section:
    spreads = {name: Spread.of(values) for name, values in lags.items()}
    ours, theirs = spreads[_GATE], spreads[_TESTCONTAINERS]
    ratio = theirs.median / ours.median
    limit = "What remains is the engine's copy from the container's pipe to the attached socket."
    return Section(
        title="observation lag",
        how=(
            f"{rounds} fresh containers for each contender, in turns; each writes one mark with its"
            " own clock (the host's kernel clock) at a random offset of 0.3 to 1.3 s. Peers poll at"
            " their defaults: testcontainers every 1 s, pytest-docker every 0.1 s as in its README"
            " with a check that reads the container's log, the docker SDK every 1 s."
            " `line stamped` is the instant that becomes a duration, `pattern matched` is when the"
            " gate knows."
        ),
        header=("contender", "× bootgate", "median lag", "least to greatest"),
        rows=[
            (
                name,
                number(spread.median / ours.median),
                f"{number(spread.median * 1e3)} ms",
                f"{number(spread.least * 1e3)} to {number(spread.greatest * 1e3)} ms",
            )
            for name, spread in spreads.items()
        ],
        targets=[
            Target(
                "median lag of the gate",
                f"{number(ours.median * 1e3)} ms",
                "≤ 1 ms",
                ours.median <= 1e-3,
                limit,
            ),
            Target(
                "testcontainers' default over the gate",
                f"{number(ratio)} ×",
                "≥ 100 ×",
                ratio >= 100,
                limit,
            ),
        ],
        data={name: {**asdict(spreads[name]), "seconds": lags[name]} for name in lags},
    )
