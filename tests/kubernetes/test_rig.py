"""What `ci/kubernetes` does to a node is what happens to a node: other tests build on it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from datetime import datetime

import pytest

from tests.kubernetes.rig import get, kubectl, only, ready, rig, until

pytestmark = only

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "")
CLOCKS = "import time; print(time.time(), time.monotonic(), flush=True); time.sleep(600)"


@pytest.fixture
def pod():
    """Start a pod on a node: `pod(3)` returns its name."""
    names: list[str] = []

    def start(node: int, **container: object) -> str:
        names.append(f"rig-{secrets.token_hex(4)}")
        has = {"name": "clock", "image": IMAGE, "command": ["python3", "-c", CLOCKS], **container}
        spec = {
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": f"node{node}"},
            "tolerations": [{"operator": "Exists"}],
            "terminationGracePeriodSeconds": 0,
            "containers": [has],
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": names[-1]}, "spec": spec}
        kubectl("create", "-f", "-", input=json.dumps(body))
        return names[-1]

    yield start
    ready()
    kubectl("delete", "pod", "--wait=false", *names)


def state(name: str) -> dict:
    return get("pod", name)["status"]["containerStatuses"][0]["state"]


def clocks(name: str) -> tuple[float, float]:
    """A running pod's wall clock and monotonic clock, both as they would be now."""
    line = until(60, lambda: kubectl("logs", name))
    wall, monotonic = map(float, line.split())
    age = time.monotonic() - monotonic  # nodes share the computer's monotonic clock
    return wall + age, monotonic + age


def boot_id() -> str:
    return get("node", "node3")["status"]["nodeInfo"]["bootID"]


def switch() -> str:
    """The address of the switch, at which the control plane answers, as this machine knows it."""
    command = ["ip", "-j", "neighbour", "show", "dev", "bootgate-k8s"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    (address,) = (one["lladdr"] for one in found if one["dst"].endswith(".1"))
    return address


def test_a_power_cut_and_another_clock(pod):
    before, first, known = boot_id(), pod(3), switch()
    assert abs(clocks(first)[0] - time.time()) < 1
    rig("node", 3, "clock", -3600)
    try:
        until(60, lambda: boot_id() != before)
        lost = until(60, lambda: state(first).get("terminated"))
        assert (lost["exitCode"], lost["reason"]) == (255, "Unknown")
        wall, monotonic = clocks(second := pod(3))
        assert abs(wall + 3600 - time.time()) < 1
        assert abs(monotonic - time.monotonic()) < 1
        stamp = kubectl("logs", "--timestamps", second).split()[0]  # the runtime's
        began = state(second)["running"]["startedAt"]
        for text in (stamp, began):
            seconds = datetime.fromisoformat(f"{text[:19]}+00:00").timestamp()
            assert abs(seconds + 3600 - time.time()) < 60
    finally:
        rig("node", 3, "clock", 0)
    until(60, lambda: state(second).get("terminated"))
    assert abs(clocks(pod(3))[0] - time.time()) < 1
    assert switch() == known  # another one would be out of everybody's reach for up to a minute


def test_an_image_is_missing_on_one_node(pod):
    clocks(pod(3))
    rig("node", 3, "registry-off")
    try:
        rig("node", 3, "forget", IMAGE)
        name = pod(3)
        until(30, lambda: state(name)["waiting"]["reason"] in ("ErrImagePull", "ImagePullBackOff"))
        clocks(pod(2))
    finally:
        rig("node", 3, "registry-on")
    clocks(name)


def test_partition_kubelet_and_apiserver(pod):
    name = pod(3)
    clocks(name)
    began = state(name)["running"]["startedAt"]
    for off, on in (("partition", "heal"), ("kubelet-off", "kubelet-on")):
        rig("node", 3, off)
        try:
            with pytest.raises(AssertionError):
                kubectl("logs", name, "--request-timeout=3s")
        finally:
            rig("node", 3, on)
        until(30, lambda: kubectl("logs", name))
    rig("apiserver", "off")
    try:
        with pytest.raises(AssertionError, match="refused"):
            get("nodes")
    finally:
        rig("apiserver", "on")
    until(60, lambda: get("nodes"))
    assert state(name)["running"]["startedAt"] == began
