"""Ctrl-C, pressed again by somebody who waits for the reports."""

from __future__ import annotations

import atexit
import math
import os
import signal
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_bootgate.pytest_plugin.session import Session

#: For so many seconds after pytest has ended its process may be ending.
_ENDING = 2.0


class Patience:
    """After a first Ctrl-C, a run with gates ends by itself: another one would cost the reports."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._until = math.inf
        #: Whether a test of another pytest runs this one, and goes on after it.
        self._within = "PYTEST_CURRENT_TEST" in os.environ

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Hear no other one until pytest has ended."""
        here = threading.current_thread() is threading.main_thread()
        if not here or not self._session.gates or self._session.is_worker:
            return
        before = signal.getsignal(signal.SIGINT)

        def hear(number: int, frame: FrameType | None) -> None:
            if time.monotonic() > self._until and callable(before):
                signal.signal(number, before)
                before(number, frame)

        # A function: what the run still starts would inherit that a signal is ignored.
        signal.signal(signal.SIGINT, hear)
        if self._within:
            self._session.config.add_cleanup(lambda: _restore(before))
            return
        self._session.config.add_cleanup(self._end)
        # An interpreter that ends gives every signal its default again, which kills.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)

    def _end(self) -> None:
        self._until = time.monotonic() + _ENDING


def _restore(handler: Any) -> None:
    signal.signal(signal.SIGINT, handler)
