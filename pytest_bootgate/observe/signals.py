"""Who may report the failure of a held boot: signals, trigger, health, exit. Pure."""

from __future__ import annotations

from collections.abc import Callable

from pytest_bootgate.gatefile.model import Gateway, Probe, Target
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.records.values import SignalReport

EXIT = "exit of the gateway"


class Signals:
    """Keeps what was reported by more than the target's signals.

    `health` is the endpoint that is watched, None where there is none; `hear` is told of each
    report once, as it comes.
    """

    def __init__(
        self, target: Target, health: Probe | None, hear: Callable[[SignalReport], None]
    ) -> None:
        self._hear, self._told = hear, dict[str, SignalReport]()
        #: What a signal said that was no report of a failure.
        self._otherwise: dict[str, str] = {}
        self.trigger = self.health = ""
        if target.trigger is not None:
            by_command = target.trigger.exec is not None
            self.trigger = "exit status of the trigger" if by_command else "answer to the trigger"
        if health is not None:
            self.health = health.kind.health

    def report(self, name: str, at: float, text: str) -> None:
        """A signal told of the failure, `at` seconds after the trigger; once is enough."""
        if name not in self._told:
            self._told[name] = SignalReport(name, "failed", at, text)
            self._hear(self._told[name])

    def otherwise(self, name: str, text: str) -> None:
        """A signal said something, and not that anything failed."""
        self._otherwise[name] = text

    def all(self, seen: Observation) -> list[SignalReport]:
        """Every signal that is watched, those that stayed silent included."""
        names = [name for name in (self.trigger, self.health, EXIT) if name]
        return [
            *(told for told in seen.signals() if told.means != "ok"),
            *(
                self._told.get(
                    name, SignalReport(name, "failed", text=self._otherwise.get(name, ""))
                )
                for name in names
            ),
        ]


def health_of(gateway: Gateway) -> Probe | None:
    """What a system calls healthy, or else ready, where that is an endpoint."""
    for probe in (gateway.health, gateway.ready):
        if probe is not None and probe.kind.health:
            return probe
    return None
