"""What happens to a cluster is never a failed boot, and never a good one."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.kubernetes.rig import get, only, until

pytestmark = pytest.mark.kubernetes
broken = only[1]


def lost_and_repeated(run, *words: str) -> None:
    """The gate passes with one boot, which says what became of the one before it."""
    out = run.end()
    assert run.process.returncode == 0, out
    (boot,) = run.boots
    assert boot["outcome"] == "started"
    (note,) = [note for note in boot["notes"] if "lost and repeated" in note]
    assert any(word in note for word in words), note


def started(node: str) -> str:
    """Which start of its kernel a node is in."""
    return get("node", node)["status"]["nodeInfo"]["bootID"]


def test_nothing_happens(gate):
    run = gate(20)
    run.pod()
    out = run.end()
    assert run.process.returncode == 0, out
    (boot,) = run.boots
    assert 2.0 < boot["seconds"] < 4.0
    assert not [note for note in boot["notes"] if "lost" in note]
    assert run.left(0.0) == []


def test_its_pod_is_deleted(gate, kube):
    run = gate()
    kube("delete", "pod", run.pod()["metadata"]["name"], "--wait=false")
    lost_and_repeated(run, "deleted")


def test_it_is_evicted(gate, kube):
    """By the kubelet: its shared directory grows above what it may hold."""
    patch = "pod: {spec: {volumes: [{name: shared, emptyDir: {sizeLimit: 1Mi}}]}}"
    program = "open('/bootgate/x', 'wb').write(bytes(5000000)); import time; time.sleep(300)"
    run = gate(program=program, timeout="150s", kubernetes=patch)
    out = run.end(600)
    assert run.process.returncode != 0
    assert "Evicted" in out
    assert "4 boots were lost" in out


@broken
def test_power_cut(gate, kube):
    run = gate(150, timeout="40s")
    node = run.pod()["spec"]["nodeName"]
    kube.rig("node", node[-1], "off")
    try:
        lost_and_repeated(run, "has not answered", "not ready")
    finally:
        kube.rig("node", node[-1], "on")
        kube.ready(node)


@broken
@pytest.mark.parametrize("seconds", [15, 80])
def test_partition(gate, kube, seconds):
    run = gate(150, timeout="40s")
    node = run.pod()["spec"]["nodeName"]
    kube.rig("node", node[-1], "partition")
    began = time.monotonic()
    try:
        lost_and_repeated(run, "has not answered", "not ready")
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    finally:
        kube.rig("node", node[-1], "heal")
        kube.ready(node)
    assert run.left() == []


@broken
def test_kubelet_killed(gate, kube):
    run = gate(150, timeout="40s")
    node = run.pod()["spec"]["nodeName"]
    kube.rig("node", node[-1], "kubelet-off")
    try:
        lost_and_repeated(run, "has not answered", "not ready")
    finally:
        kube.rig("node", node[-1], "kubelet-on")
        kube.ready(node)
    assert run.left() == []


@broken
def test_apiserver_restarted(gate, kube):
    run = gate(150, timeout="40s")
    run.pod()
    kube.rig("apiserver", "restart")
    lost_and_repeated(run, "has not answered")


@broken
def test_node_clock_an_hour_off(gate, kube):
    before = started("node3")
    kube.rig("node", "3", "clock", "3600")
    try:
        until(60, lambda: started("node3") != before)
        kube.ready("node3")
        run = gate(20, kubernetes="nodes: {kubernetes.io/hostname: node3}")
        out = run.end()
        assert run.process.returncode == 0, out
        (boot,) = run.boots
        assert 2.0 < boot["seconds"] < 4.0
    finally:
        kube.rig("node", "3", "clock", "0")
        kube.ready("node3")


def test_image_missing(gate):
    run = gate(image="no-such-registry.invalid/nothing:1")
    out = run.end()
    assert run.process.returncode != 0
    assert "cannot have image no-such-registry.invalid/nothing:1" in out
    assert "image_pull_secrets" in out


def test_unschedulable(gate):
    run = gate(more="profiles: {huge: {cpus: 640}}")
    out = run.end()
    assert run.process.returncode != 0
    assert "No node has taken pod" in out


def test_no_such_nodes(gate):
    run = gate(kubernetes="nodes: {pool: nowhere}")
    assert "has no node that is ready with pool=nowhere" in run.end()


def test_quota(gate, kube):
    namespace = f"quota-{os.getpid()}"
    kube("create", "namespace", namespace)
    try:
        kube("-n", namespace, "create", "quota", "few", "--hard=pods=0")
        out = gate(kubernetes=f"namespace: {namespace}").end()
        assert "exceeded quota" in out
        assert f"in namespace {namespace}" in out
    finally:
        kube("delete", "namespace", namespace, "--wait=false")


def test_a_gate_that_is_killed_leaves_nothing(gate):
    run = gate(600)
    run.pod()
    os.kill(run.process.pid, signal.SIGKILL)
    assert run.left() == []


def test_flood(gate):
    """More than ten MiB, which is where a kubelet turns over a log."""
    program = "print('up'); [print(('y' * 80 + chr(10)) * 1000) for n in range(250)]; print('done')"
    run = gate(program=program)
    out = run.end()
    assert run.process.returncode == 0, out
