"""What is looked for at a gateway: by its sidecar, or by commands inside of it or a service."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_bootgate.engines.base import Unit
from pytest_bootgate.engines.clock import Clock
from pytest_bootgate.gatefile.model import Probe, StageProbe, Trigger
from pytest_bootgate.gatefile.variables import fill_all
from pytest_bootgate.run.inside import Inside
from pytest_bootgate.run.link import Link
from pytest_bootgate.run.listener import Listener


class Watching:
    """A gateway and who looks at it; all of it is there once it is opened.

    `beside` are the services by their names.
    """

    def __init__(self, listener: Listener, clock: Clock) -> None:
        self._listener, self._clock = listener, clock
        self._gateway: Unit | None = None
        self._link: Link | None = None
        self._inside = Inside(listener, clock)
        self._beside: dict[str, Unit] = {}

    def _arm(self, token: str, trigger: Trigger | None, variables: Mapping[str, str]) -> None:
        """A new boot begins: what the last one was watched for does not matter any more."""
        self._inside.forget()
        if self._link is not None:
            self._link.arm(token, trigger, variables)

    def _watch(self, name: str, probe: Probe | StageProbe, variables: Mapping[str, str]) -> None:
        """From now on look for what a probe asks for, where no line shows it."""
        if self._link is not None:
            self._link.watch(name, probe, variables)
        self._ask(name, probe, variables)

    def _ask(
        self,
        name: str,
        probe: Probe | StageProbe,
        variables: Mapping[str, str],
        lapse: float | None = None,
    ) -> None:
        unit = self._beside[probe.kind.unit] if probe.kind.unit else self._gateway
        if (order := probe.kind.ask()) is not None and unit is not None:
            self._inside.watch(name, unit, fill_all(dict(order), variables), lapse=lapse)

    def _lapse(self, name: str, probe: Probe, variables: Mapping[str, str], within: float) -> None:
        """From now on look for what a probe asks for to be so no longer.

        What does not answer `within` so many seconds is so no longer.
        """
        if self._link is not None and probe.kind.watch() is not None:
            self._link.lapse(name, probe, variables, within)
        self._ask(name, probe, variables, within)
