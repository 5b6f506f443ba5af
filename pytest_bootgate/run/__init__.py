"""The loop with effects: it boots what a check asks for, on an engine, and emits the events.

What a boot means is decided in `observe` and `checks`, and how it is shown in `reports`.
"""

from pytest_bootgate.run.gate import Gate
from pytest_bootgate.run.plan import Plan
from pytest_bootgate.run.progress import Progress

__all__ = ["Gate", "Plan", "Progress"]
