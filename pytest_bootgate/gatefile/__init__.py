"""The gate file: its model, and the one way from YAML to it, with the places of all mistakes.

Nothing in a gate file is executed here, no engine is contacted, and no check or report is known.
"""

from pytest_bootgate.gatefile.load import Loaded, load, presets
from pytest_bootgate.gatefile.model import GateFile
from pytest_bootgate.gatefile.schema import json_schema

__all__ = ["GateFile", "Loaded", "json_schema", "load", "presets"]
