"""An engine without processes, on a clock of its own: for tests. No option selects it."""

from pytest_bootgate.engines.memory.clock import MemoryClock
from pytest_bootgate.engines.memory.engine import MemoryEngine
from pytest_bootgate.engines.memory.script import Answer, AskedToEnd, Process, Request, Script
from pytest_bootgate.engines.memory.sidecar import Sidecar, sidecar

__all__ = [
    "Answer",
    "AskedToEnd",
    "MemoryClock",
    "MemoryEngine",
    "Process",
    "Request",
    "Script",
    "Sidecar",
    "sidecar",
]
