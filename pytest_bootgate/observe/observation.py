"""From lines to marks: a probe is a pattern that turns a line into a mark.

Pure: lines with their instants go in, marks, stages and signals come out. It is fed by a real
boot and by a recorded one alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile

from pytest_bootgate.gatefile.model import ACCEPTED, PhaseProbe, Probe, Signal, StageProbe, Target
from pytest_bootgate.gatefile.tree import listed
from pytest_bootgate.masking import shortened
from pytest_bootgate.observe.phases import LAG, phases_of
from pytest_bootgate.observe.sighting import Pattern, Sighting
from pytest_bootgate.observe.stages import read_stages
from pytest_bootgate.observe.stamps import Stamps
from pytest_bootgate.records.values import Phase, SignalReport, Stage

#: How long a wait for a CPU may be taken for why marks came in the wrong order, in seconds: by
#: more than that the end of a phase is unknown, however busy the machine.
_MOST_WAITED = 0.3
#: The name of what must not appear.
NEVER = "never"
#: No pattern is held against more characters of a line than these.
MATCHED = 4096
#: An HTTP status by which a server says that it has not done what was asked, but will (RFC 9110,
#: 15.3.3).
_LATER = 202
#: How many of the last lines of every stream a boot keeps.
TAIL = 20
#: How many characters of each of them.
TAIL_WIDTH = 400
#: How many calls of the stub at other paths are kept, and how many characters of each.
_CALLS, _CALL_WIDTH = 3, 100


class Observation:
    """What has been seen of one boot so far.

    Give it every sighting in the order of arrival. What was seen before `trigger_at`, which is
    on the clock of the lines, does not count.
    """

    def __init__(
        self,
        phases: Mapping[str, PhaseProbe],
        signals: Mapping[str, Signal],
        stages: Mapping[str, StageProbe],
        variables: Mapping[str, str],
        *,
        token: bool,
        never: Probe | None = None,
        unordered: bool = False,
    ) -> None:
        self._phases, self.unordered = dict(phases), unordered
        self._never: list[Pattern] = []
        if never is not None:
            self._never.append(Pattern(NEVER, never, variables, token=False))
        self._patterns = [
            Pattern(f"phase:{name}", probe, variables, token=token)
            for name, probe in phases.items()
        ]
        self._signals = [
            (name, signal, Pattern(f"signals:{name}", signal, variables, token=False))
            for name, signal in signals.items()
        ]
        self._stages = [
            (name, Pattern(f"stages:{name}", probe, variables, token=False), re.compile(probe.each))
            for name, probe in stages.items()
        ]
        self._searches: dict[str, list[Callable[[str], object]]] = {}
        others = [*self._never, *(pattern for _, _, pattern in self._signals)]
        others += [pattern for _, pattern, _ in self._stages]
        for pattern in self._patterns + others:
            if pattern.source:
                self._searches.setdefault(pattern.source, []).append(pattern.may_match)
        self.trigger_at: float | None = None
        self.accepted: float | None = None
        self.refused: str | None = None
        self.marks: dict[str, float] = {}
        #: The pipe or file of each mark that is a line.
        self._streams: dict[str, str] = {}
        self.reported: dict[str, SignalReport] = {}
        self._broken: SignalReport | None = None
        self._begun: dict[str, tuple[str, str]] = {}
        self.stages: list[Stage] = []
        self.strangers: list[float] = []
        #: The calls of the stub at paths that no phase waits for, and whether one had the token.
        self.astray: dict[str, bool] = {}
        self.standing: list[str] = []
        self._waiting: list[str] = []
        self.accepted_again: float | None = None
        #: Whether what should be the proof was an answer that only says "accepted".
        self.only_accepted = False
        #: For how many seconds those who observe waited for a CPU, all their tasks together.
        self.waited = 0.0
        self.stamps = Stamps()

    @classmethod
    def of(
        cls,
        target: Target,
        stages: Mapping[str, StageProbe],
        variables: Mapping[str, str],
        *,
        token: bool,
    ) -> Observation:
        """Of a boot of a target, with all that reports stages in it."""
        never, any_order = target.never, target.unordered
        made = (target.phases, target.signals, stages, variables)
        return cls(*made, token=token, never=never, unordered=any_order)

    def early(self, source: str, lines: Iterable[str]) -> str:
        """A line of before the trigger that the proof's pattern matches, empty without one."""
        proof = self._patterns[-1]
        found = (text for text in lines if proof.source == source and proof.search(text))
        return next(found, "")

    def stands(self, name: str) -> None:
        """What the mark of a phase waits for was so before the trigger."""
        self.standing.append(name)

    def see(self, seen: Sighting) -> None:
        """Take in one sighting."""
        if self.trigger_at is None or seen.at < self.trigger_at:
            return
        if seen.event is None and not self._shows(seen):
            return
        at = seen.at - self.trigger_at
        self._see_trigger(seen, at)
        for name, pattern in zip(self._phases, self._patterns, strict=True):
            if name not in self.marks and pattern.match(seen):
                if name == self.proof and self._answers_later(seen):
                    self.only_accepted = True
                    break
                if self._phases[name].waits and self._lacks(name):
                    self._waiting.append(name)
                    break
                self.marks[name] = at
                if seen.stream:
                    self._streams[name] = seen.stream
                if seen.unended:
                    self._begun[name] = seen.source, seen.text
                if pattern.source:
                    self.stamps.see(name, seen.source, at, seen.text)
                break
            if seen.unended is False and self._was_begun(name, seen):
                break
            again = name == ACCEPTED and self.accepted_again is None and not seen.is_a("looked")
            if again and pattern.match(seen):
                self.accepted_again = at
                break
        else:
            if self._patterns[-1].without_token(seen):
                self.strangers.append(at)
            self._see_astray(seen)
        for name in [each for each in self._waiting if not self._lacks(each)]:
            self.marks.setdefault(name, at)
        for pattern in self._never:
            if self._broken is None and pattern.match(seen):
                self._broken = SignalReport(NEVER, "failed", at, pattern.said(seen, TAIL_WIDTH))
        for name, signal, pattern in self._signals:
            if seen.unended and not signal.forbid:  # what it goes on to say may matter
                continue
            if name not in self.reported and pattern.match(seen):
                self.reported[name] = SignalReport(
                    name, signal.means, at, pattern.said(seen, TAIL_WIDTH)
                )
        for source, pattern, each in [] if seen.unended else self._stages:
            if pattern.match(seen):
                self.stages.extend(read_stages(source, each, seen.text, self.current))

    def _lacks(self, name: str) -> bool:
        """Whether a phase before this one lacks its mark."""
        before = takewhile(lambda other: other != name, self._phases)
        return any(other in self.missing for other in before)

    @staticmethod
    def _answers_later(seen: Sighting) -> bool:
        return seen.is_a("accepted", "replied") and seen.get("status") == _LATER

    def _was_begun(self, name: str, seen: Sighting) -> bool:
        """Whether a line is the whole of one whose beginning was the mark of a phase."""
        source, text = self._begun.get(name, ("", ""))
        whole = bool(text) and source == seen.source and seen.text.startswith(text)
        if whole:
            del self._begun[name]
        return whole

    def _see_astray(self, seen: Sighting) -> None:
        waiting = [pattern for pattern in self._patterns if pattern.kind.at_stub]
        if seen.is_a("called") and waiting and all(one.elsewhere(seen) for one in waiting):
            call = shortened(f"{seen.get('method')} {seen.get('path')}", _CALL_WIDTH)
            if call in self.astray or len(self.astray) < _CALLS:
                self.astray[call] = self.astray.get(call, False) or bool(seen.get("token"))

    def _shows(self, seen: Sighting) -> bool:
        """Whether a plain line matches any probe at all; of thousands of lines, a few do."""
        for search in self._searches.get(seen.source, ()):  # noqa: SIM110 (a call less a line)
            if search(seen.text):
                return True
        return False

    def _see_trigger(self, seen: Sighting, at: float) -> None:
        if seen.is_a("accepted") and self.accepted is None:
            self.accepted = at
        elif seen.is_a("refused") and self.refused is None:
            said = seen.get("error") or f"{seen.get('status')} {seen.get('body')}"
            self.refused = str(said).strip()

    @property
    def current(self) -> str | None:
        """The phase that the boot is in: the first without its mark."""
        return next((name for name in self._phases if name not in self.marks), None)

    @property
    def proof_at(self) -> float | None:
        """Seconds from the trigger to the proof, None while there is none."""
        return self.marks.get(self.proof)

    @property
    def proof(self) -> str:
        """The phase that proves the start: the last one."""
        return next(reversed(self._phases))

    @property
    def unseen(self) -> str:
        """What the probe of the proof says where it was not seen, at the end of a sentence."""
        if self.only_accepted:
            return f"the trigger was answered with {_LATER}, which says accepted, not started"
        return self.called_elsewhere.get(self.proof, self._patterns[-1].unseen)

    @property
    def called_elsewhere(self) -> dict[str, str]:
        """At which other paths the stub was called, for each missing phase that waits for a call.

        Those with the token come first.
        """
        calls = sorted(self.astray, key=lambda call: not self.astray[call])
        patterns = dict(zip(self._phases, self._patterns, strict=True))
        said = f"the stub was called at {listed(calls)}, which"
        return {
            name: f"{said} {one.regex.pattern!r} does not match"
            for name in self.missing
            if calls and (one := patterns[name]).kind.at_stub and one.regex is not None
        }

    @property
    def complete(self) -> bool:
        """Whether every mark that a release must have was seen."""
        return not self.missing

    @property
    def missing(self) -> list[str]:
        """The phases whose mark was not seen, optional ones left out."""
        return [
            name
            for name, probe in self._phases.items()
            if name not in self.marks and not probe.optional
        ]

    @property
    def by_line(self) -> dict[str, Pattern]:
        """The patterns of the phases whose mark is a line."""
        patterns = zip(self._phases, self._patterns, strict=True)
        return {name: pattern for name, pattern in patterns if pattern.source}

    @property
    def unmatched(self) -> dict[str, Pattern]:
        """The patterns of the missing phases whose mark is a line."""
        return {name: pattern for name, pattern in self.by_line.items() if name in self.missing}

    def failure(self) -> SignalReport | None:
        """The first report of a failure."""
        return next((t for t in self.reported.values() if t.means != "ok"), None)

    def forbidden(self) -> SignalReport | None:
        """What was seen that a boot that starts must not show."""
        found = [self.reported.get(name) for name, signal, _ in self._signals if signal.forbid]
        return next((one for one in [self._broken, *found] if one is not None), None)

    def said_ok(self) -> SignalReport | None:
        """The first report of success."""
        return next((t for t in self.reported.values() if t.means == "ok"), None)

    @property
    def silent_signals(self) -> list[str]:
        """The signals that should report a failure and have not."""
        return [
            name
            for name, signal, _ in self._signals
            if signal.means != "ok" and name not in self.reported
        ]

    def signals(self) -> tuple[SignalReport, ...]:
        """All signals in the order of the gate file, silent ones included."""
        return tuple(
            self.reported.get(name, SignalReport(name, signal.means))
            for name, signal, _ in self._signals
        )

    @property
    def _lag(self) -> float:
        """By how many seconds two sources may be reported in the wrong order."""
        return LAG + min(self.waited, _MOST_WAITED)

    def phases(self) -> tuple[Phase, ...]:
        """The phases from the marks seen. Raises `DisorderError` for marks out of order."""
        optional = {n: p.optional for n, p in self._phases.items()}
        if self.unordered:
            return tuple(Phase(n, at := self.marks.get(n), at, o) for n, o in optional.items())
        marks = dict(self.marks)
        if self._answered_late:
            del marks[ACCEPTED]
            optional[ACCEPTED] = True
        return phases_of(marks, optional, self._lag, self._streams)

    @property
    def _answered_late(self) -> bool:
        """Whether the trigger was answered when its run was under way, or over: no phase ends so.

        Only with a proof that carries the token: else it may be that of an earlier run.
        """
        at = self.marks.get(ACCEPTED)
        others = [other for name, other in self.marks.items() if name != ACCEPTED]
        mine = self._patterns[-1].of_this_boot and self.proof_at is not None
        return mine and at is not None and at > min(others) + self._lag

    def scattered(self) -> tuple[Phase, ...]:
        """The phases with the instants of their marks, where their lengths cannot be told."""
        return tuple(Phase(n, self.marks.get(n), None, p.optional) for n, p in self._phases.items())
