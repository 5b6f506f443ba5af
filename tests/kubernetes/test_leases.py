"""Never two gates at once on a node, whoever started them."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Sequence

import pytest

from pytest_bootgate.engines.kubernetes import lease
from pytest_bootgate.engines.kubernetes.api import Cluster
from pytest_bootgate.engines.kubernetes.lease import Leases
from pytest_bootgate.engines.machines import Held

pytestmark = pytest.mark.kubernetes


@pytest.fixture
def cluster():
    made = Cluster()
    yield made
    made.close()


@pytest.fixture
def node():
    return f"test-{secrets.token_hex(4)}"


def test_a_rival_waits_until_it_is_given_back(cluster, node):
    one, two = Leases(cluster, "one"), Leases(cluster, "two")
    assert one.take([node]) == node
    taken: list[float] = []
    told: list[Sequence[Held]] = []

    def rival() -> None:
        two.take([node], lambda held, _: told.append(held))
        taken.append(time.monotonic())

    thread = threading.Thread(target=rival)
    thread.start()
    time.sleep(2)
    assert not taken
    one.leave()
    thread.join(10)
    assert taken
    assert not two.lost
    (first,), *_, last = told
    assert (first.machine, first.run) == (node, "one")
    assert "@" in first.user
    assert last == ()
    two.leave()
    assert lease.remove(cluster, "two") == 0


def test_a_rival_takes_another_node(cluster, node):
    one, two = Leases(cluster, "one"), Leases(cluster, "two")
    one.take([node])
    assert two.take([node, f"{node}-b"]) == f"{node}-b"
    one.leave()
    two.leave()


def test_one_that_is_not_renewed_is_taken_over(cluster, node, monkeypatch):
    monkeypatch.setattr(lease, "SECONDS", 2)
    monkeypatch.setattr(lease, "_RENEW", 0.5)
    one, two = Leases(cluster, "one"), Leases(cluster, "two")
    one.take([node])
    began = time.monotonic()
    one.abandon()
    two.take([node])
    assert 2 <= time.monotonic() - began < 10
    two.leave()


def test_one_that_was_taken_over_says_so(cluster, node, monkeypatch):
    monkeypatch.setattr(lease, "_RENEW", 0.2)
    one = Leases(cluster, "one")
    one.take([node])
    lease.remove(cluster, "one")
    until = time.monotonic() + 10
    while not one.lost and time.monotonic() < until:
        time.sleep(0.1)
    assert one.lost
    one.leave()


def test_two_gates_on_one_node_boot_one_after_the_other(gate, kube):
    """Each boot's first and last line, by the node's own clock."""
    name = kube("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    only = f"nodes: {{kubernetes.io/hostname: {name}}}"
    program = (
        "import time; print('up', time.monotonic()); time.sleep(4); print('done', time.monotonic())"
    )
    runs = [gate(60, "-v", program=program, kubernetes=only) for _ in range(2)]
    spans, said = [], ""
    for run in runs:
        said += (out := run.end(120))
        assert run.process.returncode == 0, out
        (boot,) = run.boots
        marks = [line for line in boot["tails"]["gateway.out"] if re.match("up|done", line)]
        spans.append([float(line.split()[1]) for line in marks])
    (_, first_end), (second_begin, _) = sorted(spans)
    assert first_end < second_begin
    assert re.search(rf"bootgate: waiting for a node: other gates have {name} \(run \w+ of ", said)
    assert "this gate runs now" in said
