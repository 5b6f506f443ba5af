"""A gateway and its sidecar, opened once, booted once (cold) or again and again (warm)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace

from pytest_bootgate.engines.base import Engine, Running
from pytest_bootgate.errors import SidecarError
from pytest_bootgate.observe.observation import MATCHED, Observation
from pytest_bootgate.observe.outcome import Ending, conclude, outcome_of
from pytest_bootgate.observe.sighting import Pattern
from pytest_bootgate.observe.spots import Answer, last_answers
from pytest_bootgate.observe.witness import Witness
from pytest_bootgate.records.boot_events import (
    BootBegan,
    BootFailed,
    BootKey,
    Hear,
    Voice,
    ignore,
)
from pytest_bootgate.records.jobs import Job, Kept
from pytest_bootgate.records.values import SERVICES, Boot, Stage
from pytest_bootgate.run.delay import of_observers
from pytest_bootgate.run.heartbeat import Heartbeat
from pytest_bootgate.run.link import KNOCK
from pytest_bootgate.run.meter import Used
from pytest_bootgate.run.progress import Moment
from pytest_bootgate.run.recipe import Recipe
from pytest_bootgate.run.services import NotReadyError
from pytest_bootgate.run.strangers import printed_early
from pytest_bootgate.run.trigger import Triggering

_ANSWER = 10.0  # for a sidecar to say that it is there
_LATE_MARKS = 1.0  # between the proof and the marks that came before it, on another way
_LATE_EXIT = 0.3  # between a trigger that fails and the exit that made it fail


class Pair(Triggering):
    """Open it, boot it, close it. Every wait has a deadline; `watch` hears of each moment.

    `hear` is told the events of every boot as they happen.

    Raises `BootgateError` where the gate itself cannot measure, never for what the system
    under gate does: that is the outcome of a boot.
    """

    #: Whether a run that was proved may end before the next boot, also after a cold start.
    lingers = False
    #: What it boots for.
    during = "campaign"

    def __init__(
        self,
        engine: Engine,
        recipe: Recipe,
        watch: Callable[[Moment], None],
        *,
        state: Kept | None = None,
        hear: Hear = ignore,
    ) -> None:
        super().__init__(engine, recipe, watch, state=state)
        self._hear = hear
        self._voice: Voice | None = None
        #: What its last boot is called in events.
        self.told_as: BootKey | None = None
        self.token = ""

    def begin(self, number: int, attempt: int = 1) -> Voice:
        """A boot begins, with the opening of the pair where it is cold; `boot` ends it."""
        recipe = self._recipe
        key = BootKey(
            id=secrets.token_hex(8),
            run=recipe.run,
            target=recipe.target_name,
            release=recipe.release_name,
            profile=recipe.profile_name,
            start=recipe.target.start,
            number=number,
            attempt=attempt,
            during=self.during,
        )
        self._voice = Voice(self._hear, key, self._clock.wall)
        self._voice.say(BootBegan)
        return self._voice

    def boot(
        self, number: int, *, warm_up: bool = False, job: Job | None = None, token: str = ""
    ) -> Boot:
        """Trigger, watch until the proof, the exit or the timeout, and conclude.

        With a `job` that is already there, that one is run; `token` is the one it carries.
        """
        recipe, target = self._recipe, self._recipe.target
        assert self._place is not None
        trigger = target.trigger if job is None else recipe.gate.state.run
        token = self.token = token or f"bootgate{secrets.token_hex(8)}"
        variables = {**self._variables, "token": token}
        if job is not None:
            variables |= {"job.id": job.id, "job.name": job.name}
        seen = Observation.of(target, recipe.stages, variables, token=recipe.needs_token)
        voice = self._voice or self.begin(number)
        witness = Witness(seen, voice)
        first = len(self._listener.events)
        if self._gateway is not None and self.not_ready is None:
            try:
                self._must_run("before it was triggered")
            except NotReadyError as error:
                self.not_ready = NotReadyError(error.detail, error.exited, 0.0)
        if self.not_ready is not None:
            boot = self._never_ready(seen, number, warm_up, self.not_ready)
            return self._ended(boot, witness)
        early = printed_early(recipe, seen, self._listener.tails())
        self._arm(token, trigger, variables)
        self._listener.begin()
        load, clock = os.getloadavg()[0], self._clock.wall() - self._clock.now()
        sidecar = None if self._link is None else self._link.unit
        late = of_observers(self._clock, sidecar)
        with Heartbeat(float(target.timeout), self._clock) as heart:
            if recipe.triggered:
                running, before = self._fire(seen, trigger, variables, witness)
            else:
                running, before = None, {}
                self._start(seen, variables, witness)
            ending = self._follow(seen, running, witness)
        assert self._gateway is not None
        assert self._meter is not None
        if self._gateway_over() and seen.missing:
            self._look_last(seen, variables, witness)
            ending = replace(ending, proof=seen.proof_at)
        at = (seen.trigger_at or 0.0) + (ending.at if ending.proof is None else ending.proof)
        used = Used() if self._gateway_over() else self._meter.stop(self._gateway, at)
        answers = last_answers(recipe, variables, self._listener.events[first:])
        ending = replace(
            ending,
            reopened=self._reopened(before, witness),
            answered_by=self._answered_by(seen, variables),
            last_answer=_of_proof(seen, answers),
            exited=self._exit,
            left_out=self._listener.left_out,
            oom_kills=used.oom_kills,
            clock=self._clock.wall() - self._clock.now() - clock,
        )
        if ending.at >= ending.timeout and not ending.started and ending.exited is None:
            self._must_answer(witness)
        ending = replace(ending, stalls=[*heart.stalls, *self.stalls])
        if ending.started and not seen.complete:
            until = self._clock.now() + _LATE_MARKS
            self._pump(until, lambda: seen.complete, "marks", witness.see)
        seen.waited = max(0.0, of_observers(self._clock, sidecar) - late)
        if ending.started:
            first = number <= 1 and target.start == "cold" and not self.lingers
            ending = self._afterwards(seen, ending, variables, witness, first=first)
        known = ending.started or ending.exited or ending.refused
        if known or ending.at >= ending.timeout:
            # Only a failure that was reported may still be followed by a proof in time.
            outcome, detail = outcome_of(seen, ending, triggered=recipe.triggered)
            at = ending.proof if ending.started and ending.proof is not None else ending.at
            code = None if ending.exited is None else ending.exited.code
            witness.decided(outcome, at, detail, code)
        held_back = ""
        if not ending.started and not ending.not_accepted:
            self._listen(seen, ending, witness)
            if ending.exited is None and not self.lingers:
                held_back = self._held_back(seen.by_line)
            # A failure that was reported, and after it a proof in time: the proof counts.
            ending = replace(ending, proof=seen.proof_at)
            if ending.started:
                ending = self._afterwards(seen, ending, variables, witness, first=False)
        if not recipe.triggered and ending.started:
            self._prove_version()
        if ending.started and (target.start == "warm" or self.lingers):
            self._let_finish(seen, witness)
        stalls = [*heart.stalls, *self.stalls]  # a sidecar tells its own late
        ending = replace(ending, left_out=self._listener.left_out, stalls=stalls)
        boot = conclude(recipe, seen, ending, number=number, warm_up=warm_up)
        notes = (*boot.notes, early, held_back, self._cut(boot), *self._services.gone())
        boot = replace(
            boot,
            notes=tuple(filter(None, notes)),
            ready=self.ready,
            stages=(*boot.stages, *(Stage(SERVICES, *one) for one in self._services.took.items())),
            cpu_seconds=used.cpu_seconds,
            load=load,
            disk_read=used.disk_read,
            throttled=used.throttled,
            run_delay=used.run_delay,
            others_cpu=used.others_cpu,
            others_busy=used.others_busy,
            identity=self._gateway.identity,
            version=self.version,
            tails=self._listener.tails(),
            nearest=self._nearest(seen, token),
            listens=self._addresses() if ending.started else {},
            wall=clock + (seen.trigger_at or 0.0),
            answers={n: str(answer) for n, answer in answers.items() if n not in seen.marks},
        )
        return self._ended(boot, witness)

    def _must_answer(self, witness: Witness) -> None:
        """Raises `SidecarError` where the sidecar does not, so that it has seen nothing."""
        if self._link is None or self._recipe.gate.sidecar.program is not None:
            return  # somebody else's need not know how to look
        first = len(events := self._listener.events)
        self._link.knock()

        def answered() -> bool:
            return any(event.get("id") == KNOCK for event in events[first:])

        self._pump(self._clock.now() + _ANSWER, answered, "sidecar", witness.see)
        if not answered():
            raise SidecarError(
                f"The boot had no proof in time, but the sidecar has not answered for {_ANSWER:g}"
                " s, so a proof may have been missed. Was the sidecar stopped, does it get no CPU,"
                " or does a file that it follows grow faster than it can be read?"
            )

    def _cut(self, boot: Boot) -> str:
        """That a boot that did not start wrote lines of which only the beginning was looked at."""
        if boot.started or not (cut := self._listener.cut):
            return ""
        lines = f"{cut} line{'s' * (cut > 1)} had more than {MATCHED} characters"
        return f"{lines}; patterns match only that much of a line"

    def _ended(self, boot: Boot, witness: Witness) -> Boot:
        assert self._voice is not None
        key = self.told_as = self._voice.key
        self._voice = None
        boot = replace(boot, id=key.id, attempt=key.attempt)
        if not boot.started and self._state is not None and self._state.redacted:
            boot = replace(boot, notes=(*boot.notes, self._state.redacted))
        witness.ended(boot)
        return boot

    def cpu_seconds(self) -> float | None:
        """CPU seconds that the gateway has used since its start, None where it does not run."""
        return None if self._gateway is None else self._gateway.cpu_seconds()

    def _follow(self, seen: Observation, running: Running | None, witness: Witness) -> Ending:
        """Watch until the boot is over, one way or the other."""
        assert seen.trigger_at is not None
        deadline = seen.trigger_at + self._recipe.target.timeout
        assert self._gateway is not None
        assert self._meter is not None

        def over() -> bool:
            self._look_at_trigger(seen, running)
            return (
                seen.proof_at is not None
                or seen.refused is not None
                or seen.failure() is not None
                or self._gateway_over()
            )

        self._listener.ended.pop("trigger.out", None)
        with self._meter.watch(self._gateway):
            timeout = float(self._recipe.target.timeout)
            self._pump(deadline, over, lambda: seen.current or "proof", witness.see, timeout)
        if seen.refused is not None:  # because it has ended?
            self._pump(self._clock.now() + _LATE_EXIT, self._gateway_over, "refused", witness.see)
            self._look(force=True)
        witness.look()
        self._look_again()
        at = min(self._clock.now(), deadline) - seen.trigger_at
        if self._gateway_over():
            at = min(max(self._ended_at - seen.trigger_at, 0.0), deadline - seen.trigger_at)
        return Ending(
            at=at,
            timeout=float(self._recipe.target.timeout),
            proof=seen.proof_at,
            refused=seen.refused,
            exited=self._exit,
        )

    def _listen(self, seen: Observation, ending: Ending, witness: Witness) -> None:
        """After a failed boot: is anyone told, how late, and was what they were told true?"""
        reported = ending.exited is None and ending.at < ending.timeout
        deadline = self._clock.now() + self._recipe.target.listen

        def done() -> bool:
            return seen.proof_at is not None if reported else not seen.silent_signals

        self._pump(deadline, done, "reports", witness.see)

    def _let_finish(self, seen: Observation, witness: Witness) -> None:
        """Between two warm boots: wait until the run says that it ended, then settle."""
        signals = [n for n, s in self._recipe.target.signals.items() if s.means == "ok"]
        if signals:
            deadline = self._clock.now() + self._recipe.target.listen
            self._pump(deadline, lambda: bool(seen.reported), "end of run", witness.see)
        self._pause(max(self._recipe.gate.gateway.settle, self._recipe.target.pause))

    def _never_ready(
        self, seen: Observation, number: int, warm_up: bool, why: NotReadyError
    ) -> Boot:
        ending = Ending(
            at=why.after,
            timeout=float(self._recipe.target.timeout),
            exited=why.exited,
            not_ready=why.detail,
            left_out=self._listener.left_out,
        )
        boot = conclude(self._recipe, seen, ending, number=number, warm_up=warm_up)
        # Before the gateway is stopped to see what it held back: after that nobody answers.
        answers = last_answers(self._recipe, self._variables, self._listener.events)
        ready, held_back = self._recipe.gate.gateway.ready, ""
        if ready is not None and why.exited is None and not self.lingers:
            pattern = Pattern("ready", ready, self._variables, token=False)
            held_back = self._held_back({"ready": pattern})
        identity = self._gateway.identity if self._gateway is not None else ""
        return replace(
            boot,
            notes=(*boot.notes, *filter(None, [held_back])),
            identity=identity,
            answers={name: str(answer) for name, answer in answers.items()},
            triggered=False,
            never_ready=True,
            ready=self.ready,
            version=self.version,
            tails=self._listener.tails(),
            wall=self._clock.wall() - why.after,
        )

    def close(self) -> None:
        """Remove both, and all that they shared."""
        if self._voice is not None:
            why = "the gate could not observe it any longer"
            self._voice.say(BootFailed, outcome="lost", phase=None, detail=why)
            self._voice = None
        super().close()


def _of_proof(seen: Observation, answers: Mapping[str, Answer]) -> str:
    """What was last seen where the proof should have been, at the end of a sentence."""
    answer = answers.get(seen.proof)
    return seen.unseen if answer is None else answer.words
