"""``bootgate schema``: what an editor needs to complete and check gate files."""

from __future__ import annotations

import argparse
import json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate schema`` takes: nothing."""
    parser.description = "Print the JSON Schema of gate files, for editors."


def main(_: argparse.Namespace) -> int:
    """Print it; return the exit status."""
    from pytest_bootgate.gatefile.schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0
