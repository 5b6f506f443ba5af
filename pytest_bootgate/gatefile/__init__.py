"""The gate file: its model, and how it is loaded, merged with presets and checked for mistakes.

Nothing in a gate file is executed here, and no engine is contacted.
"""

from pytest_bootgate.gatefile.load import Loaded, load, presets
from pytest_bootgate.gatefile.model import GateFile
from pytest_bootgate.gatefile.schema import json_schema

__all__ = ["GateFile", "Loaded", "json_schema", "load", "presets"]
