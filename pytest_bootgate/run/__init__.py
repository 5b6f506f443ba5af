"""The loop with effects: a check asks for boots, an engine makes them, the journal is told.

What boots mean is decided in `checks`, and how it is shown in `reports`.
"""

from pytest_bootgate.run.gate import Gate
from pytest_bootgate.run.plan import Plan
from pytest_bootgate.run.progress import Progress

__all__ = ["Gate", "Plan", "Progress"]
