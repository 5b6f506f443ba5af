"""The loop that ties the rooms together: the campaign asks, the engine boots, the result keeps."""

from pytest_bootgate.drive.gate import Gate
from pytest_bootgate.drive.plan import Plan
from pytest_bootgate.drive.progress import Progress

__all__ = ["Gate", "Plan", "Progress"]
