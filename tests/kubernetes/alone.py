"""A plugin for a whole test run: were there ever two gates at once on a node of the cluster?

It watches all pods of all gates from beside, as the API server tells their states. A gateway counts
from when it is running to when it has ended, or its pod is gone.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from lightkube.resources.core_v1 import Pod

from pytest_bootgate.engines.kubernetes import status
from pytest_bootgate.engines.kubernetes.api import Cluster


@dataclass
class Span:
    """A gateway on a node, by this machine's clock."""

    node: str
    run: str
    pod: str
    began: float
    ended: float | None = None


class Alone:
    """What was seen so far; one whose end was missed with the server away is left out."""

    def __init__(self) -> None:
        self._spans: dict[str, Span] = {}
        self._cluster = Cluster()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # the tests restart the server
                client = self._cluster.client
                for kind, pod in client.watch(Pod, namespace="*", labels={"bootgate.run": None}):
                    self._see(kind, pod, time.monotonic())
            time.sleep(0.5)

    def _see(self, kind: str, pod: Pod, now: float) -> None:
        about = pod.metadata
        gateway = status.container(pod, "gateway")
        state = gateway.state if gateway is not None else None
        span = self._spans.get(about.uid)
        if span is None and state is not None and state.running and kind != "DELETED":
            run = about.labels["bootgate.run"]
            self._spans[about.uid] = Span(status.node_of(pod), run, about.name, now)
        over = kind == "DELETED" or (state is not None and state.terminated)
        if span is not None and span.ended is None and over:
            span.ended = now

    @property
    def seen(self) -> int:
        """How many gateways."""
        return len(self._spans)

    def doubled(self) -> Iterator[tuple[Span, Span]]:
        """Those of different gates that were on one node at the same time.

        Of one gate the gateways of both releases may be up where starts are warm.
        """
        by_node: defaultdict[str, list[Span]] = defaultdict(list)
        for span in self._spans.values():
            by_node[span.node].append(span)
        for spans in by_node.values():
            for one, other in pairwise(sorted(spans, key=lambda span: span.began)):
                if one.run != other.run and one.ended is not None and other.began < one.ended:
                    yield one, other


ALONE = pytest.StashKey[Alone]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin to watch."""
    if not hasattr(session.config, "workerinput"):
        session.config.stash[ALONE] = Alone()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The run fails where there were two."""
    alone = session.config.stash.get(ALONE, None)
    if alone is not None and any(alone.doubled()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """How many were seen, and which at once."""
    if (alone := config.stash.get(ALONE, None)) is None:
        return
    doubled = [*alone.doubled()]
    terminalreporter.write_line(
        f"{alone.seen} boots on the cluster, two gates at once on a node: {len(doubled)} times"
    )
    for one, other in doubled:
        seconds = (one.ended or 0.0) - other.began
        terminalreporter.write_line(f"  {one.node}: {one.pod}, {other.pod} ({seconds:.1f} s)")
