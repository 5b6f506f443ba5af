"""A pair whose one boot is held on purpose, to see who is told of its failure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import msgspec

from pytest_bootgate.engines.base import Engine, Running
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.observe.outcome import Ending, exit_words
from pytest_bootgate.observe.sighting import Sighting
from pytest_bootgate.observe.signals import EXIT, Signals, health_of
from pytest_bootgate.observe.witness import Witness
from pytest_bootgate.quantities import Seconds
from pytest_bootgate.records.boot_events import FailureReported, Hear, ignore
from pytest_bootgate.records.jobs import Kept
from pytest_bootgate.records.stall import Stall, held_in, hold_until
from pytest_bootgate.records.values import Boot, SignalReport
from pytest_bootgate.run.pair import Pair
from pytest_bootgate.run.progress import Moment
from pytest_bootgate.run.recipe import Recipe
from pytest_bootgate.run.runner import runner

_CHECK = 1.0  # between two questions whether the hold still holds
_ACCEPTED_BY = 1.0  # a hold in the first phase waits so long for the trigger to be accepted
_HEALTH = "propagation:health"
_HEALTHY_BY = 2.0  # what has not been green until then cannot turn red


class HeldPair(Pair):
    """A pair for one boot, always cold, which is held as a target's `propagation` says."""

    lingers = True
    during = "propagation"

    def __init__(
        self,
        engine: Engine,
        recipe: Recipe,
        watch: Callable[[Moment], None],
        *,
        state: Kept | None = None,
        hear: Hear = ignore,
    ) -> None:
        propagation = recipe.target.propagation
        assert propagation is not None
        self._propagation = propagation
        self._phase = held_in(propagation, recipe.target)
        timeout = propagation.timeout or recipe.target.timeout
        # The boot's own timeout is the one that the system under gate should have.
        target = msgspec.structs.replace(recipe.target, timeout=Seconds(timeout), start="cold")
        super().__init__(engine, replace(recipe, target=target), watch, state=state, hear=hear)
        self._timeout = float(timeout)
        self._running: Running | None = None
        self._seen: Observation | None = None
        self._before: set[int] = set()
        self._held_at: float | None = None
        self._freed_at: float | None = None
        self._speaks_from = 0.0
        self._holding = False
        self._checked = 0.0
        self._healthy = False
        self._health = health_of(recipe.gate.gateway)
        self._signals = Signals(target, self._health, self._tell)
        self._why_not = self._slipped = self._evidence = ""

    def hold(self) -> Stall:
        """Open the pair, boot and hold, and say who was told. Raises `BootgateError`."""
        propagation, target = self._propagation, self._recipe.target
        self.begin(0)
        self.open()
        self._look_at_health()
        if self._mute and self._link is not None:
            self._link.mute(self._variables)
        if propagation.hold == "kill" and self._gateway is not None and self.not_ready is None:
            self._before = set(self._gateway.hold.processes())
        boot = self.boot(0, warm_up=True)
        self._look_again()
        seen = self._seen
        told = tuple(self._all(seen)) if seen is not None else ()
        if seen is None:
            self._why_not = self._why_not or boot.detail
        proof = list(target.phases.values())[-1]
        return Stall(
            hold=propagation.hold,
            phase=self._phase,
            timeout=self._timeout,
            boot=boot,
            began=self._held_at,
            ended=self._freed_at,
            watched=self._now() if seen is not None else 0.0,
            speaks_from=self._speaks_from,
            signals=told,
            proof=seen.proof_at if seen is not None else None,
            holds_task=propagation.hold == "mute" and proof.kind.at_stub,
            why_not=self._why_not,
            slipped=self._slipped,
            evidence=self._evidence,
        )

    def close(self) -> None:
        """Let go what is still held, and remove both."""
        with contextlib.suppress(BootgateError):
            self._let_go()
        super().close()

    # -- the boot --------------------------------------------------------------------------

    def _ended(self, boot: Boot, witness: Witness) -> Boot:
        if boot.outcome == "timed_out" and boot.ended < boot.timeout and self._why_not:
            boot = replace(boot, outcome="lost", detail=f"given up: {self._why_not}")
        return super()._ended(replace(boot, held=self._propagation.hold), witness)

    def _follow(self, seen: Observation, running: Running | None, witness: Witness) -> Ending:
        """Hold the boot where it is to be held, and watch until its timeout."""
        assert seen.trigger_at is not None
        self._seen, self._running = seen, running
        deadline = seen.trigger_at + self._timeout
        self._listener.ended.pop("trigger.out", None)
        self._pump(deadline, lambda: self._at_hold(seen), f"reach {self._phase}", witness.see)
        there = self._at_hold(seen)
        if there and not self._why_not:
            self._pump_on(self._propagation.after, witness)
            self._at_hold(seen)  # it may have failed or started in the meantime
        if there and not self._why_not:
            self._take_hold()
            self._pump(deadline, self._over, self._doing, witness.see)
        elif not self._why_not:
            where = "the stub was not called" if self._mute else f"{self._phase} was not reached"
            self._why_not = f"{where} within {self._timeout:g} s"
        witness.look()
        return Ending(
            at=min(self._now(), self._timeout),
            timeout=self._timeout,
            proof=seen.proof_at,
            refused=seen.refused if self._held_at is None else None,
            exited=self._exit,
        )

    def _pump_on(self, after: Seconds | None, witness: Witness) -> None:
        if after is not None:
            until = self._clock.now() + after
            self._pump(until, self._gateway_over, f"wait in {self._phase}", witness.see)

    def _at_hold(self, seen: Observation) -> bool:
        """Whether the boot is where it is to be held, or can no longer get there."""
        self._look_at_trigger(seen, self._running)
        failure = seen.failure()
        if seen.refused is not None:
            self._why_not = f"the trigger was rejected: {seen.refused}"
        elif failure is not None:
            self._why_not = f"the boot failed before the hold: {failure.name}: {failure.text}"
        elif self._exit is not None:
            self._why_not = f"the gateway {exit_words(self._exit)} before the hold"
        elif self._mute and self._held_at is not None:
            return True
        elif seen.proof_at is not None:
            answered = ", or its stub answered" if self._mute else ""
            self._why_not = f"the task started before the hold{answered}"
        elif self._phase in seen.marks and not self._mute:
            self._why_not = f"{self._phase} ended before the hold"
        if self._why_not:
            return True
        if self._mute:
            return False
        phases = self._recipe.target.phases
        before = list(phases)[: list(phases).index(self._phase)]
        if any(name not in seen.marks and not phases[name].optional for name in before):
            return False
        if before or not self._recipe.triggered:
            return True
        return seen.accepted is not None or self._now() >= _ACCEPTED_BY

    def _take_hold(self) -> None:
        how = self._propagation.hold
        if how == "mute":
            self._speaks_from = self._timeout
            self._evidence = "the sidecar accepted the request and did not answer"
            self._watch_health()
            return
        assert self._gateway is not None
        hold = self._gateway.hold
        if how == "kill":
            found = runner(hold.processes(), self._propagation.runner, self._before)
            if isinstance(found, str):
                self._why_not = found
                return
            hold.kill(list(found))
            self._held_at = self._speaks_from = self._now()
            words = "; ".join(list(found.values())[:3])
            self._evidence = f"killed {len(found)} of the gateway's processes: {words}"
            self._watch_health()
            return
        (hold.pause if how == "pause" else hold.starve)()
        self._held_at, self._holding = self._now(), True
        self._speaks_from = self._timeout
        self._check()

    # -- while it is held, and after -------------------------------------------------------

    def _listen(self, seen: Observation, ending: Ending, witness: Witness) -> None:  # noqa: ARG002
        self._let_finish(seen, witness)

    def _let_finish(self, seen: Observation, witness: Witness) -> None:
        """Hold on until well after the timeout, let go, and listen."""
        if self._held_at is None:
            return
        assert seen.trigger_at is not None
        until = seen.trigger_at + hold_until(self._propagation, self._timeout)
        self._pump(until, self._over, self._doing, witness.see)
        held = self._holding
        self._freed_at = self._now()
        if held:
            if self._exit is None:
                self._check()
            elif self._propagation.hold == "pause":
                self._slipped = f"the gateway {exit_words(self._exit)} while it was paused"
            if self._propagation.hold == "pause":
                self._speaks_from = self._freed_at
            self._let_go()
            self._watch_health()
        if not self._slipped:
            self._listen_for(seen, witness)

    def _listen_for(self, seen: Observation, witness: Witness) -> None:
        """Until all signals reported, or some time after the first that ends the suspense."""
        listen = float(self._recipe.target.listen)
        first_word = max(listen, float(self._propagation.listen or self._timeout))
        deadline = self._clock.now() + first_word
        settled: list[float] = []

        def done() -> bool:
            signals = self._all(seen)
            if all(t.at is not None for t in signals):
                return True
            proof = seen.proof_at is not None and not self._mute
            if not settled and (proof or self._exit or any(t.at is not None for t in signals)):
                settled.append(self._clock.now())
            return bool(settled) and self._clock.now() > settled[0] + listen

        self._pump(deadline, done, "reports", witness.see)

    @property
    def _mute(self) -> bool:
        return self._propagation.hold == "mute"

    def _over(self) -> bool:
        """Whether there is nothing more to hear of the boot."""
        seen = self._seen
        assert seen is not None
        if self._why_not or self._slipped:
            return True
        if self._holding:
            return self._exit is not None
        return all(t.at is not None for t in self._all(seen))

    def _check(self) -> None:
        """Ask the engine whether the hold holds."""
        assert self._gateway is not None
        self._checked = self._clock.now()
        wanted = {"pause": "paused", "starve": "starved"}[self._propagation.hold]
        state = self._gateway.hold.state()
        if state != wanted:
            is_so = f"{state or 'not held'}, {self._now():.1f} s after the trigger"
            self._slipped = self._slipped or f"the engine reports that the gateway is {is_so}"
        else:
            self._evidence = f"the engine reported {wanted} every {_CHECK:g} s"

    def _let_go(self) -> None:
        if self._holding and self._gateway is not None:
            self._holding = False
            self._gateway.hold.release()

    def _look(self, *, force: bool = False) -> None:
        super()._look(force=force)
        if self._holding and self._exit is None and self._clock.now() - self._checked >= _CHECK:
            self._check()

    def _heed(self, seen: Sighting) -> None:
        super()._heed(seen)
        event = seen.event or {}
        if event.get("event") == "seen" and event.get("id") == _HEALTH:
            self._healthy = True
        if self._seen is None or self._seen.trigger_at is None:
            return
        at = seen.at - self._seen.trigger_at
        if at < 0:  # of another boot, or of none
            return
        if event.get("event") == "called" and event.get("mute") and self._held_at is None:
            self._held_at = at
        elif event.get("event") == "lapsed" and event.get("id") == _HEALTH:
            self._signals.report(self._signals.health, at, str(event.get("text", "")))

    # -- the signals -----------------------------------------------------------------------

    def _all(self, seen: Observation) -> list[SignalReport]:
        """All signals, after a look at those that are no lines."""
        signals, zero = self._signals, seen.trigger_at or 0.0
        code = self._look_at_trigger(seen, self._running)
        if self._running is not None and code:
            ended = self._listener.ended["trigger.out"] - zero
            signals.report(signals.trigger, ended, f"it exited with {code}")
        elif self._running is not None and code == 0:
            signals.otherwise(signals.trigger, "it ended with 0")
        elif self._running is None and seen.refused is not None:
            signals.report(signals.trigger, self._now(), seen.refused)
        elif self._running is None and seen.accepted is not None:
            signals.otherwise(signals.trigger, "it was accepted")
        if self._exit is not None and self._exit.gone:
            self._slipped = self._slipped or f"the gateway {exit_words(self._exit)}"
        elif self._exit is not None and self._exit.code == 0:
            signals.otherwise(EXIT, exit_words(self._exit))
        elif self._exit is not None:
            # It may have ended in the moment before the trigger: then the boot was over at once.
            signals.report(EXIT, max(self._ended_at - zero, 0.0), exit_words(self._exit))
        return signals.all(seen)

    def _tell(self, told: SignalReport) -> None:
        if self._voice is not None:
            at = told.at or 0.0
            late = max(0.0, at - self._timeout)
            self._voice.say(FailureReported, at, signal=told.name, text=told.text, late=late)

    def _look_at_health(self) -> None:
        """Is it green before the trigger?"""
        if self._health is not None and self.not_ready is None:
            self._watch(_HEALTH, self._health, self._variables)
            self._pump(self._clock.now() + _HEALTHY_BY, lambda: self._healthy, "health")
            if not self._healthy:
                self._signals.otherwise(
                    self._signals.health, "it was not green before the trigger either"
                )

    def _watch_health(self) -> None:
        """Only of a gateway that is not held: one that is cannot answer, and tells nothing."""
        if self._health is not None and self._link is not None and self._healthy:
            self._link.lapse(_HEALTH, self._health, self._variables)

    def _now(self) -> float:
        """Seconds since the trigger."""
        assert self._seen is not None
        return self._clock.now() - (self._seen.trigger_at or 0.0)

    def _doing(self) -> str:
        words = {"pause": "paused", "starve": "starved", "mute": "no answer", "kill": "killed"}
        return f"{words[self._propagation.hold]} in {self._phase}"
