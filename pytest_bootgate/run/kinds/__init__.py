"""The kinds of checks. The order in which they are made known is the order of all reports."""

from pytest_bootgate.run.check import KINDS, register
from pytest_bootgate.run.kinds.growth import GrowthCheck
from pytest_bootgate.run.kinds.propagation import PropagationCheck
from pytest_bootgate.run.kinds.startup import StartupCheck
from pytest_bootgate.run.kinds.upgrade import UpgradeCheck

for kind in (UpgradeCheck, StartupCheck, PropagationCheck, GrowthCheck):
    register(kind)

__all__ = ["KINDS", "GrowthCheck", "PropagationCheck", "StartupCheck", "UpgradeCheck", "register"]
