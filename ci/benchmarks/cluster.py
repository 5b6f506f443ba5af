"""Marks on a cluster: from the instant a pod writes one to the instant it is stamped, or noticed.

Needs the cluster of `ci/kubernetes up`, whose nodes have this machine's clock.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightkube import codecs
from lightkube.resources.core_v1 import Pod

from benchmarks.lag import PROGRAM, Gate, written_at
from benchmarks.report import Section, Spread, Target, number
from pytest_bootgate.engines.kubernetes import connect
from pytest_bootgate.engines.kubernetes.api import Cluster
from pytest_bootgate.gatefile.model import Kubernetes

_CLUSTER = Path(__file__).parents[1] / "kubernetes"
_GATE = "bootgate, pattern matched"
_STAMP = "bootgate, line stamped"
_WAIT = "`kubectl wait`, ready by a probe every 1 s"
_WATCH = "the client's watch, ready by a probe every 1 s"
_FOLLOW = "the client's log, followed"
#: Writes its mark as the gate's does, and is ready from then on by the word of its probe.
_READY = PROGRAM.replace("time.sleep(60)", "open('/tmp/up', 'w').close(); time.sleep(60)")


def there() -> bool:
    """Whether `ci/kubernetes up` says where its cluster is."""
    return os.environ.get("BOOTGATE_TEST_CLUSTER") == "rig"


def measure(rounds: int = 12) -> Section:
    """Observe `rounds` marks by each contender, in turns, at random offsets."""
    image = os.environ["BOOTGATE_PYTHON_IMAGE"]
    offsets = random.Random(20261127)
    cluster = Cluster()
    engine = connect(f"bench{secrets.token_hex(4)}", Kubernetes())
    gate = Gate(engine)
    contenders: dict[str, Callable[[float], float]] = {
        _GATE: lambda after: gate.lag(image, after),
        _FOLLOW: lambda after: _by_log(cluster, image, after),
        _WATCH: lambda after: _by_watch(cluster, image, after),
        _WAIT: lambda after: _by_kubectl(cluster, image, after),
    }
    lags: dict[str, list[float]] = {name: [] for name in contenders}
    try:
        gate.lag(image, 0.0)  # pulls the image
        gate.stamps.clear()
        for _ in range(rounds):
            for name, lag in contenders.items():
                # A peer's pod has to be up before its mark, as that of the gate is.
                lags[name].append(lag(offsets.uniform(0.3, 1.3) + 3.0 * (name != _GATE)))
    finally:
        engine.close()
        cluster.close()
    return _section({_STAMP: gate.stamps, **lags}, rounds)


@contextmanager
def _pod(cluster: Cluster, image: str, after: float) -> Iterator[str]:
    name = f"bench-{secrets.token_hex(4)}"
    probe = {"exec": {"command": ["test", "-e", "/tmp/up"]}, "periodSeconds": 1}
    container = {
        "name": "main",
        "image": image,
        "command": ["python3", "-c", _READY, str(after)],
        "readinessProbe": probe,
    }
    spec = {"restartPolicy": "Never", "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    cluster.client.create(codecs.from_dict(pod))
    try:
        yield name
    finally:
        cluster.delete(name)


def _by_kubectl(cluster: Cluster, image: str, after: float) -> float:
    with _pod(cluster, image, after) as name:
        words = ["wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s"]
        subprocess.run([_CLUSTER, "kubectl", *words], check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - _mark(cluster, name)


def _by_watch(cluster: Cluster, image: str, after: float) -> float:
    with _pod(cluster, image, after) as name:
        for _, pod in cluster.client.watch(Pod, fields={"metadata.name": name}):
            conditions = (pod.status and pod.status.conditions) or ()
            if any(one.type == "Ready" and one.status == "True" for one in conditions):
                break
        return time.monotonic() - _mark(cluster, name)


def _by_log(cluster: Cluster, image: str, after: float) -> float:
    with _pod(cluster, image, after) as name:
        while not _runs(cluster, name):
            time.sleep(0.05)
        for line in cluster.client.log(name, follow=True):
            return time.monotonic() - written_at(line)
    raise AssertionError("the log ended without a mark")


def _runs(cluster: Cluster, name: str) -> bool:
    pod = cluster.pod(name)
    states = (pod and pod.status and pod.status.containerStatuses) or ()
    return any(one.state is not None and one.state.running for one in states)


def _mark(cluster: Cluster, name: str) -> float:
    return written_at(next(iter(cluster.client.log(name))))


def _section(lags: dict[str, list[float]], rounds: int) -> Section:
    spreads = {name: Spread.of(values) for name, values in lags.items()}
    ours, stamps = spreads[_GATE], spreads[_STAMP]
    data: dict[str, Any] = {n: {**asdict(spreads[n]), "seconds": lags[n]} for n in lags}
    return Section(
        title="marks on a cluster",
        how=(
            f"{rounds} fresh pods for each contender, in turns, on the cluster of `ci/kubernetes`;"
            " each writes one mark with its own clock (this machine's kernel clock) at a random"
            " offset. The peers' pods have a readinessProbe that finds a file which is made with"
            " the mark, every 1 s, the shortest there is; the watch and the followed log are those"
            " of lightkube. `line stamped` is the instant that becomes a duration, mapped from the"
            " node's clock, `pattern matched` is when the gate knows."
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
                "stamp of a mark − written, in the median",
                f"{number(stamps.median * 1e3)} ms",
                "≤ 1 ms",
                abs(stamps.median) <= 1e-3,
                "What remains is the agent's read from the pipe, and the difference of the clocks.",
            ),
        ],
        data=json.loads(json.dumps(data)),
    )
