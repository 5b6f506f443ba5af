"""What the user asked for: a gate file, typed and checked.

It is read, merged and judged as a text here; nothing in it is carried out.
"""

from pytest_bootgate.gatefile.load import Loaded, load, presets
from pytest_bootgate.gatefile.model import GateFile
from pytest_bootgate.gatefile.schema import json_schema

__all__ = ["GateFile", "Loaded", "json_schema", "load", "presets"]
