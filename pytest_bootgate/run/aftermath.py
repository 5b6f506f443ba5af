"""What is still looked at once a boot is over: the last lines, the files, what was held back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from pytest_bootgate.engines.reach import addresses
from pytest_bootgate.gatefile.model import Probe
from pytest_bootgate.observe.nearest import nearest
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.observe.outcome import Ending, exit_words
from pytest_bootgate.observe.sighting import Pattern, Sighting
from pytest_bootgate.observe.witness import Witness
from pytest_bootgate.patience import ImpatientError, in_main, patience
from pytest_bootgate.run.opened import OpenedPair
from pytest_bootgate.run.strangers import answered_instead

_AFTERWARDS = 1.0  # after the proof, in the first boots: one that ends then has hardly started
_LAST_ANSWER = 0.5  # after the time for which a system must stay up, for the last look at it
_LAST_LOOK = 2.0  # for the sidecar's last look at files, once the gateway has ended
_NEAREST = 1.0  # CPU seconds for a hint
_AT_ONCE = 0.2  # between the exit of a gateway and the lines that it had in a buffer
_FLUSH = 1.0  # for a gateway that is asked to end, and may print what it kept back
_UNBUFFERED = (
    "set PYTHONUNBUFFERED=1 or use `python -u` for Python, `stdbuf -oL` for what uses C's stdio"
)


class Aftermath(OpenedPair):
    """A pair whose boot is over."""

    def _look_last(self, seen: Observation, variables: Mapping[str, str], witness: Witness) -> None:
        """The gateway has ended: what it still printed, and once more at the files it wrote.

        All of that was there before it ended.
        """
        at_most = max(self._ended_at, seen.trigger_at or 0.0)

        def see(sighting: Sighting) -> None:
            witness.see(replace(sighting, at=min(sighting.at, at_most)))

        self._await_last_lines(see)
        self._ask_last(seen, variables, see)
        if self._link is None:
            return
        target = self._recipe.target
        probes: dict[str, Probe] = {f"phase:{n}": target.phases[n] for n in seen.missing}
        probes |= {f"signals:{n}": target.signals[n] for n in seen.silent_signals}
        events = self._listener.events
        first, asked = len(events), 0
        for name, probe in probes.items():
            # A sidecar program of somebody else's need not know how to look at a followed file.
            known = probe.kind.follows is None or self._recipe.gate.sidecar.program is None
            if known and (what := probe.kind.last_look()) is not None:
                self._link.look_last(name, what, variables)
                asked += 1

        def looked() -> bool:
            return len([e for e in events[first:] if e.get("event") == "looked"]) >= asked

        self._pump(self._clock.now() + _LAST_LOOK, looked, "last look", see)

    def _ask_last(
        self, seen: Observation, variables: Mapping[str, str], see: Callable[[Sighting], None]
    ) -> None:
        """Once more ask the services what they show of a gateway that has ended."""
        target = self._recipe.target
        probes: dict[str, Probe] = {f"phase:{n}": target.phases[n] for n in seen.missing}
        asked = {name: probe for name, probe in probes.items() if probe.kind.unit}
        first = len(events := self._listener.events)
        self._inside.forget()
        for name, probe in asked.items():
            self._watch(name, probe, variables)

        def answered() -> bool:
            said = [event for event in events[first:] if event["event"] in ("seen", "state")]
            return asked.keys() <= {event.get("id") for event in said}

        self._pump(self._clock.now() + _LAST_LOOK, answered, "last look", see)
        self._inside.forget()

    def _answered_by(self, seen: Observation, variables: Mapping[str, str]) -> str:
        """Who gave what was seen, if it was somebody whom this boot did not start."""
        assert self._place is not None
        satisfied = {f"phase:{name}" for name in seen.marks}
        if self._recipe.triggered:
            satisfied |= {"ready", "trigger"}
        gateway, sidecar = self._gateway, self._link.unit if self._link is not None else None
        assert gateway is not None
        return answered_instead(
            self._place,
            self._recipe,
            variables,
            satisfied,
            lambda places: self._services.answered(places, gateway, sidecar),
            self._asked,
            gateway.listens,
        )

    def _addresses(self) -> dict[str, tuple[str, ...]]:
        """At which addresses its gateway listens, by the port, or its name in the gate file.

        Others are in its network too: services, the stub, and without one of its own everybody.
        """
        gateway = self._gateway
        if gateway is None or self._gateway_over():
            return {}
        found = addresses(gateway.pid)
        own = gateway.listens(found) if found else set()
        names = {v: n for n, v in self._variables.items() if n.startswith("port.")}
        return {names.get(str(port), str(port)): found[port] for port in found if port in own}

    def _afterwards(
        self,
        seen: Observation,
        ending: Ending,
        variables: Mapping[str, str],
        witness: Witness,
        *,
        first: bool,
    ) -> Ending:
        """Watch on after the proof: the `first` boots for a second, all as long as they must stay.

        One that ends then has hardly started.
        """
        probe = self._recipe.target.phases[seen.proof]
        stays, name, events = probe.stays, f"phase:{seen.proof}", self._listener.events
        if stays is None and not first:
            return ending
        begun = len(events)
        if stays is not None:
            self._lapse(name, probe, variables, float(stays))
        proved = (seen.trigger_at or 0.0) + (ending.proof or 0.0)

        def lapsed(*, late: bool = False) -> list[str]:
            told = [e for e in events[begun:] if e.get("event") == "lapsed" and e.get("id") == name]
            return [str(event.get("text")) for event in told if event.get("late") or not late]

        def over() -> bool:
            return self._gateway_over() or bool(lapsed())

        until = max(proved + (stays or 0.0), self._clock.now() + _AFTERWARDS * first)
        self._pump(until, over, "afterwards", witness.see)
        self._look(force=True)
        if stays is None:
            return replace(ending, exited=self._exit)
        how, ended = lapsed(), self._exit
        polled = probe.kind.watch() is not None or probe.kind.ask() is not None
        if polled and not how and ended is None:
            # A look that began right after the proof has as long as that.
            self._pump(until + _LAST_ANSWER, lambda: bool(lapsed(late=True)), "afterwards")
            how = lapsed(late=True)
        who, what = "gateway" if self._recipe.triggered else "runner", ""
        after = (self._ended_at if ended is not None else self._clock.now()) - proved
        when = f", {max(after, 0.0):.2g} s after the proof"
        if ended is not None:
            what = f"the {who} {exit_words(ended)}{when}"
        elif how:
            what = f"its proof says {how[0]}{when}"
        elif gone := self._services.gone():
            what = gone[0]
        lost = f"it did not stay up for {stays:g} s: {what}" if what else ""
        return replace(ending, lapsed=lost, exited=self._exit)

    def _nearest(self, seen: Observation, token: str) -> dict[str, tuple[str, ...]]:
        """For each phase whose mark was not seen, the lines or calls that come nearest."""
        streams = self._listener.since(seen.trigger_at or 0.0)

        def lines(pattern: Pattern) -> tuple[str, ...]:
            with (
                contextlib.suppress(ImpatientError),  # a relaxed pattern may be a slow one
                patience(_NEAREST, (nearest.__module__,)),
            ):
                return nearest(pattern, streams, token)
            return ()

        near = {n: in_main(partial(lines, one)) for n, one in seen.unmatched.items()}
        calls = {name: (text,) for name, text in seen.called_elsewhere.items()}
        return {name: lines for name, lines in near.items() if lines} | calls

    def _held_back(self, patterns: Mapping[str, Pattern]) -> str:
        """Whether a gateway holds back the lines that a failed boot lacks: a note, or nothing.

        What prints into a pipe often keeps it until some kilobytes are there, or until it ends. So
        a gateway of which nothing arrived is asked to end (SIGINT, on which most programs write
        what they hold), and killed after a second.
        """
        wanted = {name: one for name, one in patterns.items() if one.source == "gateway"}
        over = self._gateway_over()
        before_its_end = self._ended_at - _AT_ONCE if over else self._clock.now()
        if not wanted or self._gateway is None or not self._begun:
            return ""
        if len(self._printed(0.0)) > len(self._printed(before_its_end)):
            return ""
        if not over:
            self._exit = self._gateway.stop(_FLUSH, "SIGINT")
            self._await_last_lines()
        texts = self._printed(0.0)
        found = [n for n, one in wanted.items() if any(map(one.search, texts))]
        if found:
            how = "ended" if over else "was stopped"
            return (
                f"the line of {' and '.join(found)} arrived only when the gateway {how}, with no"
                f" standard output before that: its output is buffered; {_UNBUFFERED}"
            )
        if texts or over:
            return ""
        return (
            "nothing arrived on the gateway's standard output, even at shutdown; if it prints the"
            f" line of {' or '.join(wanted)}, its output may be buffered: {_UNBUFFERED}"
        )

    def _printed(self, since: float) -> list[str]:
        """The lines of the gateway's standard output since a monotonic second."""
        return self._listener.since(since).get("gateway.out", [])
