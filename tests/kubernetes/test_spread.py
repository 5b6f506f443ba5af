"""A campaign on several nodes at once: one boot at a time on each, pairs whole, none lost.

All nodes of the rig have one kernel, and so one monotonic clock: times of all pods can be compared.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from statistics import median

import pytest

from pytest_bootgate.engines.kubernetes.api import Cluster
from pytest_bootgate.engines.kubernetes.lease import Leases
from tests.kubernetes.rig import get, kubectl, only, ready, until

pytestmark = only

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "")
BOTH = {
    "baseline": f'baseline: {{image: "{IMAGE}"}}, ',
    "rules": "retries: 0, allow: same-image",
}
#: The disk of a node, as this machine sees it.
DISK = Path("/var/lib/bootgate-kubernetes/{}/var/lib/bootgate-stat")
NODES = ("node1", "node2", "node3")


@pytest.fixture(autouse=True)
def alike():
    """The nodes are machines of one kind."""

    def label(node: str, kind: str) -> None:
        kubectl("label", "node", node, "--overwrite", f"node.kubernetes.io/instance-type={kind}")

    for node in NODES:
        label(node, "whole")
    yield
    for node in NODES:
        label(node, f"part-{node[-1]}")


def sleeps(seconds: float) -> str:
    """A gateway that says when it began and was up, by its kernel's clock."""
    now = "time.monotonic()"
    begin = f"import time; print('up', {now}); time.sleep({seconds})"
    return f"{begin}; print('done', {now}); time.sleep(99)"


def span(boot: dict) -> tuple[float, float]:
    """When a boot began and was up, by the word of its own pod."""
    said = [line for line in boot["tails"]["gateway.out"] if re.match("up |done ", line)]
    first, last = [float(line.split()[1]) for line in said]
    return first, last


def passed(run) -> list[dict]:
    out = run.end(300)
    assert run.process.returncode == 0, out
    return run.boots


def whole_pairs(boots: list[dict]) -> None:
    """Both releases of each pair were on one node."""
    nodes: dict[int, set[str]] = {}
    for boot in boots:
        if boot["number"]:
            nodes.setdefault(boot["number"], set()).add(boot["node"])
    assert all(len(each) == 1 for each in nodes.values()), nodes


def notes(run) -> list[str]:
    return [note for boot in run.boots for note in boot["notes"]]


def leases(run) -> list[str]:
    """The nodes that a gate has leased."""
    items = get("leases", "-l", f"bootgate.run={run.label}")["items"]
    return [item["metadata"]["name"].removeprefix("bootgate-") for item in items]


def on_all(run) -> dict[str, str]:
    """Once a gate boots on three nodes at once: its pods by node."""

    def look() -> dict[str, str] | None:
        found = {}
        for pod in run.kube.pods():
            states = pod["status"].get("containerStatuses", [])
            if len(states) > 1 and all("running" in one["state"] for one in states):
                run.label = pod["metadata"]["labels"]["bootgate.run"]
                found[pod["spec"]["nodeName"]] = pod["metadata"]["name"]
        return found if len(found) == 3 else None

    return until(90, look)


def test_three_nodes_take_a_third_of_the_time(gate):
    boots = passed(gate(program=sleeps(4), boots="12"))
    assert Counter(boot["node"] for boot in boots) == dict.fromkeys(NODES, 4)
    spans = sorted((boot["node"], *span(boot)) for boot in boots)
    # From one boot to the next on a node: so long would each take on one node alone.
    each = [b[1] - a[1] for a, b in pairwise(spans) if a[0] == b[0]]
    took = max(end for _, _, end in spans) - min(begin for _, begin, _ in spans)
    assert took <= 12 * median(each) / 2.7


def test_two_gates_at_once(gate):
    """With three nodes for both, each boots on its own, and takes what the other leaves."""
    runs = [gate(program=sleeps(1.5), boots="5", **BOTH) for _ in range(2)]
    every: dict[str, list[tuple[float, float]]] = {}
    for run in runs:
        boots = passed(run)
        whole_pairs(boots)
        for boot in boots:
            every.setdefault(boot["node"], []).append(span(boot))
    assert len(every) > 1
    for spans in every.values():
        for (begin, end), (next_begin, next_end) in combinations(spans, 2):
            assert end < next_begin or next_end < begin


def test_a_node_that_loses_its_power_while_all_boot(gate, kube):
    run = gate(program=sleeps(4), boots="5", **BOTH)
    node = next(name for name in sorted(on_all(run)) if name != leases(run)[0])
    kube.rig("node", node[-1], "off")
    try:
        boots = passed(run)
    finally:
        kube.rig("node", node[-1], "on")
        ready(node)
    whole_pairs(boots)
    assert {boot["outcome"] for boot in boots} == {"started"}
    assert [note for note in notes(run) if "lost and repeated" in note]
    assert run.left() == []
    assert leases(run) == []


def test_a_gate_that_is_killed_while_all_boot(gate):
    run = gate(program=sleeps(60), timeout="90s", boots="5", **BOTH)
    on_all(run)
    assert sorted(leases(run)) == [*NODES]
    os.kill(run.process.pid, signal.SIGKILL)
    killed = time.monotonic()
    assert run.left() == []
    until(60 - (time.monotonic() - killed), lambda: not leases(run))


def test_an_image_that_one_node_cannot_have(gate, kube):
    cluster = Cluster()
    rival = Leases(cluster, "rival")
    kube.rig("node", "3", "registry-off")
    try:
        with contextlib.suppress(AssertionError):  # it may never have had it
            kube.rig("node", "3", "forget", IMAGE.rpartition(":")[0])
        # The gate begins on another node, and takes this one when it has the image there.
        rival.take(["node3"])
        run = gate(program=sleeps(2), boots="5", **BOTH)
        until(60, lambda: cluster.pods({"bootgate.run": None}))
        rival.leave()
        boots = passed(run)
    finally:
        kube.rig("node", "3", "registry-on")
        rival.leave()
        cluster.close()
    whole_pairs(boots)
    assert "node3" not in {boot["node"] for boot in boots}
    (note,) = [note for note in notes(run) if "node3" in note]
    assert note.startswith("node node3 is left out: Node node3 cannot have image")


class Stat:
    """What pods take for `/proc/stat`: as many nodes as the rig has share one kernel's."""

    #: Merged into every pod: as lxcfs does it.
    patch = (
        "pod: {spec: {volumes: [{name: stat, hostPath: {path: /var/lib/bootgate-stat}}],"
        " containers: [{name: bootgate, volumeMounts: [{name: stat, mountPath: /proc/stat}]}]}}"
    )

    def __init__(self, busy: str) -> None:
        self._files = {node: Path(str(DISK).format(node)) for node in NODES}
        self._busy, self._over = busy, threading.Event()
        for path in self._files.values():
            path.write_text(self._text(0))

    @staticmethod
    def _text(ticks: int) -> str:
        cpus = "".join(f"cpu{n} {ticks // 2:012d} 0 0 0 0 0 0 0 0 0\n" for n in range(2))
        return f"cpu  {ticks:012d} 0 0 0 0 0 0 0 0 0\n{cpus}"

    def keep_up(self) -> None:
        """Two CPUs are in use all the time on one node, and none on the others."""
        began = time.monotonic()
        with self._files[self._busy].open("r+b", buffering=0) as file:
            while not self._over.wait(0.05):
                text = self._text(int((time.monotonic() - began) * 200))
                os.pwrite(file.fileno(), text.encode(), 0)

    def close(self) -> None:
        self._over.set()
        for path in self._files.values():
            path.unlink()


@contextlib.contextmanager
def busy(node: str) -> Iterator[Stat]:
    stat = Stat(node)
    thread = threading.Thread(target=stat.keep_up)
    thread.start()
    try:
        yield stat
    finally:
        stat.close()
        thread.join()


def test_a_node_that_others_keep_busy(gate):
    with busy("node2") as stat:
        run = gate(program=sleeps(1.5), boots="5", kubernetes=stat.patch, **BOTH)
        boots = passed(run)
    whole_pairs(boots)
    (note,) = [note for note in notes(run) if "is left out" in note]
    assert re.fullmatch(r"node node2 is left out: others used \d+% of its CPUs", note)
    # One pair, and another one where no other node was through with its own.
    assert Counter(boot["node"] for boot in boots)["node2"] <= 4
