"""How a boot begins: a gateway that runs is triggered, or its start itself is the trigger."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_bootgate.engines.base import Running, Unit
from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.model import Probe, Trigger
from pytest_bootgate.gatefile.variables import fill
from pytest_bootgate.observe.observation import NEVER, Observation
from pytest_bootgate.observe.spots import ports
from pytest_bootgate.observe.witness import Witness
from pytest_bootgate.run.aftermath import Aftermath
from pytest_bootgate.run.listening import Listening, listening, reopened
from pytest_bootgate.run.meter import Meter

_LOOK_AHEAD = 10.0  # for a command before the trigger, which should fail
_LATE_END = 1.0  # between the last port of a gateway that ends, and its end


class Triggering(Aftermath):
    """An opened pair that can be triggered."""

    _meter: Meter | None = None

    def _fire(
        self,
        seen: Observation,
        trigger: Trigger | None,
        variables: Mapping[str, str],
        witness: Witness,
    ) -> tuple[Running | None, Listening]:
        """Trigger a gateway that runs, after a look at how it stands."""
        assert self._gateway is not None
        assert trigger is not None
        self._look_ahead(seen, variables)
        self._meter = self._metered(self._gateway)
        before = self._listening()
        seen.trigger_at = self._clock.now()
        running = None
        try:
            running = self._send_trigger(trigger, variables)
        except EngineError:  # nothing runs inside of what has just ended
            self._look(force=True)
            if not self._gateway_over():
                raise
        witness.sent()
        self._order_watches(variables)
        return running, before

    def _start(self, seen: Observation, variables: dict[str, str], witness: Witness) -> None:
        """Make and start the gateway, where that is the trigger."""
        assert self._place is not None
        self._variables = variables  # a runner may be given its token when it is made
        self._make_gateway(self._place)
        self._nobody_there()
        for name, probe in self._recipe.target.phases.items():
            # What has no place (a command beside the gateway) may be so before it is started.
            placeless = probe.kind.endpoint is None and probe.kind.path is None
            in_gateway = probe.kind.ask() is not None and not probe.kind.unit
            if placeless and not in_gateway and self._stands(f"phase:{name}", probe, variables):
                seen.stands(name)
        self._order_watches(variables)
        self._meter = self._metered(None)
        seen.trigger_at = self._clock.now()
        self._start_gateway()
        witness.sent()

    def _metered(self, gateway: Unit | None) -> Meter:
        assert self._place is not None
        warm = gateway is not None and self._recipe.target.start == "warm"
        return Meter(gateway, warm=warm, clock=self._clock, machine=self._place.machine)

    def _look_ahead(self, seen: Observation, variables: Mapping[str, str]) -> None:
        """What is so before the trigger is the mark of another boot, or of none."""
        for name, probe in self._recipe.target.phases.items():
            if self._stands(f"phase:{name}", probe, variables):
                seen.stands(name)

    def _stands(self, name: str, probe: Probe, variables: Mapping[str, str]) -> bool:
        """Whether what a probe looks for is so already; what is a line never is."""
        if self._link is not None and self._link.stands(name, probe, variables):
            return True
        if probe.kind.ask() is None:
            return False
        first = len(events := self._listener.events)
        self._watch(name, probe, variables)

        def said(*kinds: str) -> bool:
            return any(e["event"] in kinds and e.get("id") == name for e in events[first:])

        until = self._clock.now() + _LOOK_AHEAD
        self._pump(until, lambda: said("seen", "state") or self._gateway_over(), "look ahead")
        self._inside.forget()
        return said("seen")

    def _listening(self) -> Listening:
        assert self._gateway is not None
        return listening(self._gateway.sockets(ports(self._recipe, self._variables)))

    def _reopened(self, before: Listening, witness: Witness) -> str:
        """What became of a port of a gateway that still runs; one that ended has closed them."""
        if self._gateway_over() or not (what := reopened(before, after := self._listening())):
            return ""
        if not before.keys() <= after.keys():  # the engine may not know yet that it has ended
            self._pump(self._clock.now() + _LATE_END, self._gateway_over, "closed?", witness.see)
        self._look(force=True)
        return "" if self._gateway_over() else what

    def _look_at_trigger(self, seen: Observation, running: Running | None) -> int | None:
        """The exit code of the trigger's command, once it has ended; 0 accepts, others refuse."""
        ended = self._listener.ended.get("trigger.out")
        if running is None or ended is None:
            return None
        assert seen.trigger_at is not None
        code = running.exit_code() if ended >= seen.trigger_at else None
        if code is None:  # the end of an earlier trigger, which outlived its boot
            self._listener.ended.pop("trigger.out")
        elif code == 0 and seen.accepted is None:
            seen.accepted = ended - seen.trigger_at
        elif code != 0 and seen.accepted is None and seen.refused is None:
            seen.refused = f"the trigger's command exited with {code}"
        return code

    def _send_trigger(self, trigger: Trigger, variables: Mapping[str, str]) -> Running | None:
        if trigger.exec is not None:
            return self._run("trigger", trigger, variables)
        assert self._link is not None
        self._link.trigger(trigger, variables)
        return None

    def _run(self, name: str, trigger: Trigger, variables: Mapping[str, str]) -> Running:
        unit = self._beside.get(trigger.in_ or "", self._gateway)
        if trigger.in_ == "sidecar" and self._link is not None:
            unit = self._link.unit
        assert unit is not None
        return unit.run(name, [fill(word, variables) for word in trigger.exec or ()])

    def _order_watches(self, variables: Mapping[str, str]) -> None:
        for name, probe in self._recipe.probes():
            if name.startswith(("phase:", "signals:", NEVER)):
                self._watch(name, probe, variables)
