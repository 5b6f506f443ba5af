"""An end for regular expressions that take for ever on some line (``^(a+)+$`` and its kind)."""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import TypeVar

_T = TypeVar("_T")
_here = threading.local()


class ImpatientError(Exception):
    """A search took too long; `pattern` is what was searched for, empty where that is not known."""

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern)
        self.pattern = pattern


@contextlib.contextmanager
def patience(
    seconds: float, modules: Collection[str], work: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Raise `ImpatientError` where one piece of `work` takes so many CPU seconds of this process.

    `work` says which piece is being worked on. It is raised only where code of one of these
    `modules` (their ``__name__``) runs just then, or a compiled pattern that it searches for: what
    else is called in the meantime, such as the journal, is not torn. The time that others take from
    this process does not count. Without effect outside the main thread, as signals are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Under a name that is gone nothing would ever be interrupted.
    assert sys.modules.keys() >= set(modules), modules
    last = work()

    def over(_: int, frame: FrameType | None) -> None:
        nonlocal last
        before, last = last, work()
        if last is before and frame is not None and frame.f_globals.get("__name__") in modules:
            raise ImpatientError(_searched(frame))

    handler = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, handler)


def in_main(work: Callable[[], _T]) -> _T:
    """Do some work in the main thread, the only one whose patience ends, and give what it returns.

    Others ask it as they were told `by_main`; without that they work themselves.
    """
    ask = getattr(_here, "ask", None)
    return work() if ask is None else ask(work)


def by_main(ask: Callable[[Callable[[], object]], object]) -> None:
    """From now on `in_main` hands the work of this thread to `ask`."""
    _here.ask = ask


def _searched(frame: FrameType) -> str:
    """The pattern among the local names of a frame: one, its method, or that of a `Pattern`."""
    for value in frame.f_locals.values():
        for one in (value, getattr(value, "__self__", None), getattr(value, "regex", None)):
            if isinstance(one, re.Pattern):
                return str(one.pattern)
    return ""
