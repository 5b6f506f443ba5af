"""The cluster that `ci/kubernetes up` made on this machine, and what can happen to it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "ci" / "kubernetes"

#: Nodes lose their power only where nobody else uses them.
only = [
    pytest.mark.kubernetes,
    pytest.mark.skipif(
        os.environ.get("BOOTGATE_TEST_CLUSTER") != "rig", reason="run ci/kubernetes test"
    ),
]


def rig(*words: str | int, **more: Any) -> str:
    """`ci/kubernetes WORDS`: what it prints on stdout. A failure raises with its stderr."""
    command = [str(SCRIPT), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, **more)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def kubectl(*words: str, **more: Any) -> str:
    return rig("kubectl", *words, **more)


def get(*words: str) -> Any:
    """An object of the cluster."""
    return json.loads(kubectl("get", "-o", "json", *words))


def ready(*nodes: str) -> None:
    """Wait until these nodes, or all, are Ready as the control plane sees them."""
    which = [f"node/{name}" for name in nodes] or ["node", "--all"]
    kubectl("wait", "--for=condition=Ready", *which, "--timeout=120s")


def until(seconds: float, true: Callable[[], Any]) -> Any:
    """What `true` returns, once that is true. An error counts as not yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if found := true():
                return found
        except (AssertionError, LookupError):
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, "not within its time"
        time.sleep(0.2)
