"""Where all lines of a pair arrive, and the one loop that waits for them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from pytest_bootgate.engines.base import Chunk
from pytest_bootgate.engines.clock import REAL, Clock
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.masking import Mask, shortened
from pytest_bootgate.observe.lines import LeftOut, Line, LineSplitter
from pytest_bootgate.observe.observation import MATCHED, TAIL, TAIL_WIDTH, Observation
from pytest_bootgate.observe.sighting import GATE, Pattern, Sighting, sighting
from pytest_bootgate.observe.stamps import Stamps
from pytest_bootgate.patience import ImpatientError, in_main, patience
from pytest_bootgate.run.backlog import Backlog

_TICK = 0.2  # between two looks at deadlines and progress
_GRACE = 10.0  # after deadlines, for what came before them: in all, for each boot
_SOME = 10_000  # lines between two looks at the clock
_POUR = 0.002  # how long to keep out of the way of a flood
_PATIENCE = 1.0  # CPU seconds for one line
_SEARCHING = {one.__module__ for one in (Pattern, Observation, Stamps)}
_KEPT = 500  # lines of every stream, of which a boot keeps the last few
_ANSWER = "trigger.answer"
#: How the streams of commands begin that the gate runs to look.
PROBE = "(probe) "
_OURS = (_ANSWER, GATE, PROBE)  # no streams of the system


class Listener:
    """Takes in the lines of a gateway and its sidecar.

    `events` are all events of the sidecar, `ended` the instants at which streams ended.
    `on_sight` hears of every sighting, `on_end` of every stream that ended.
    """

    def __init__(
        self,
        on_sight: Callable[[Sighting], None],
        on_end: Callable[[str], None],
        mask: Mask | None = None,
        clock: Clock = REAL,
    ) -> None:
        self._clock, self._mask = clock, mask or Mask()
        # A secret is hidden before a line is cut.
        self._width = TAIL_WIDTH + self._mask.longest
        self._backlog, self._splitter = Backlog(clock), LineSplitter()
        self._lines: Iterator[Line] = iter(())
        self._line = Line("", 0.0, None)
        self._grace = _GRACE
        #: How many seconds may pass between two calls of `idle`.
        self.tick = _TICK
        #: How many lines were longer than what patterns are held against.
        self.cut = 0
        self._on_sight, self._on_end = on_sight, on_end
        self._recent: defaultdict[str, deque[tuple[float, str]]] = defaultdict(
            lambda: deque(maxlen=_KEPT)
        )
        self._whole: dict[str, list[str]] = {}
        self.events: list[Mapping[str, Any]] = []
        self.ended: dict[str, float] = {}

    def put(self, chunk: Chunk) -> None:
        """The sink of the engine; called from its threads."""
        self._backlog.put(chunk)

    def wait(
        self,
        deadline: float,
        done: Callable[[], bool],
        idle: Callable[[float], None],
        see: Callable[[Sighting], None] | None = None,
    ) -> None:
        """Take in lines until `done`, at most until the monotonic second `deadline`.

        What arrived before it is taken in even after it, as far as ten more seconds for a whole
        boot allow; the rest is left out (`left_out`). `idle` is called a few times a second with
        the seconds left.
        """
        looked = self._clock.now()
        late = max(deadline, looked)
        while not done():
            now = self._clock.now()
            if now - looked >= self.tick and now < deadline:
                looked = now
                idle(deadline - now)
                continue
            if self._take_in(done, see):
                continue
            if now < deadline and self._backlog.pours:
                self._clock.sleep(_POUR)
                continue
            chunk = self._backlog.get(min(self.tick, deadline - now))
            if chunk is None:
                self._lines = self._splitter.unended(now)
                if self._take_in(done, see):
                    continue
                if now >= deadline:
                    return
                continue
            if chunk.at > deadline:
                self._backlog.put_back(chunk)
                return
            if now > late:
                self._grace -= now - late
                late = now
                if self._grace < 0:
                    self._backlog.give_up(chunk)
                    return
            self._lines = self._splitter.lines(chunk)

    def _take_in(self, done: Callable[[], bool], see: Callable[[Sighting], None] | None) -> bool:
        """Take in some of the lines in hand; whether there were any.

        Raises `BootgateError` for a pattern that takes too long.
        """
        first = next(self._lines, None)
        if first is None:
            return False
        in_main(lambda: self._take_some(chain([first], islice(self._lines, _SOME)), done, see))
        return True

    def _take_some(
        self,
        lines: Iterator[Line],
        done: Callable[[], bool],
        see: Callable[[Sighting], None] | None,
    ) -> None:
        try:
            with patience(_PATIENCE, _SEARCHING, lambda: self._line):
                for line in lines:
                    self._line = line
                    self._take(line, see)
                    if done():
                        return
        except ImpatientError as error:
            words = shortened(str(self._line.text), TAIL_WIDTH)
            raise BootgateError(
                f"The pattern `{error.pattern}` took more than {_PATIENCE:g} s of CPU time on one"
                f" line of {self._line.stream} ({words!r}). Rewrite it without nested repeats such"
                " as (a+)+, which backtrack exponentially."
            ) from error

    def _take(self, line: Line, see: Callable[[Sighting], None] | None) -> None:
        seen = sighting(line, self._recent)
        if seen is None:
            self.ended[line.stream] = line.at
            self._on_end(line.stream)
            return
        if line.unended:
            self._on_sight(seen)
            if see is not None:
                see(seen)
            return
        if line.stream in self._whole:
            self._whole[line.stream].append(seen.text)
        name = seen.source if seen.source.startswith("file:") else line.stream
        self._recent[name].append((seen.at, seen.text[: self._width]))
        if len(seen.text) > MATCHED:
            self.cut += seen.event is None or seen.event.get("event") == "line"
            seen = replace(seen, text=seen.text[:MATCHED])
        if seen.event is not None and seen.event.get("body"):
            lines = str(seen.event["body"]).splitlines()
            self._recent[_ANSWER].extend((seen.at, text[: self._width]) for text in lines)
        if seen.event is not None and seen.event.get("event") != "line":
            self.events.append(seen.event)
        self._on_sight(seen)
        if see is not None:
            see(seen)

    @property
    def left_out(self) -> dict[str, LeftOut]:
        """What of the streams of this boot was left out, because too much arrived."""
        return dict(self._backlog.left_out)

    def begin(self) -> None:
        """A new boot begins: what was left out, cut and waited for before is not its own."""
        self._backlog.left_out.clear()
        self.cut, self._grace = 0, _GRACE

    def keep(self, stream: str) -> list[str]:
        """From now on all lines of one stream, in full; the list grows as they arrive."""
        return self._whole.setdefault(stream, [])

    def tail(self, stream: str) -> tuple[str, ...]:
        """The last lines of one stream."""
        return tuple(self._shown(text) for _, text in [*self._recent.get(stream, ())][-TAIL:])

    def tails(self) -> dict[str, tuple[str, ...]]:
        """The last lines of every stream so far."""
        return {
            name: self.tail(name) for name in sorted(self._recent) if not name.startswith(_OURS)
        }

    def forget(self, name: str) -> None:
        """The streams of a command that has ended, and is asked for no more."""
        for stream in (f"{name}.out", f"{name}.err"):
            self._recent.pop(stream, None)
            self.ended.pop(stream, None)

    def _shown(self, text: str) -> str:
        return self._mask.text(text)[:TAIL_WIDTH]

    def since(self, at: float) -> dict[str, list[str]]:
        """The lines of every stream since a monotonic second, as far as they were kept.

        Among them the answer to a trigger that the sidecar sent, as ``trigger.answer``.
        """
        return {
            name: [self._shown(text) for arrived, text in lines if arrived >= at]
            for name, lines in sorted(self._recent.items())
        }
