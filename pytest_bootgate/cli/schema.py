"""``bootgate schema``: what an editor, or whoever reads a result, needs to check JSON and YAML."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any


def _gate_file() -> Mapping[str, Any]:
    from pytest_bootgate.gatefile.schema import json_schema

    return json_schema()


def _result() -> Mapping[str, Any]:
    from pytest_bootgate.records.schema import result_schema

    return result_schema()


def _notice() -> Mapping[str, Any]:
    from pytest_bootgate.reports.notice import notice_schema

    return notice_schema()


#: What there are schemas of; the first one by default.
SCHEMAS: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "gate-file": _gate_file,
    "result": _result,
    "notice": _notice,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate schema`` takes."""
    default, *_ = SCHEMAS
    parser.description = (
        "Print the JSON Schema of gate files, for editors; of results (--bootgate-json); or of what"
        " `notify` sends."
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=[*SCHEMAS],
        default=default,
        metavar="WHAT",
        help=f"{', '.join(SCHEMAS)} (default: {default})",
    )


def main(options: argparse.Namespace) -> int:
    """Print it; return the exit status."""
    print(text(options.what), end="")
    return 0


def text(what: str = "gate-file") -> str:
    """A schema as it is written to a file."""
    return json.dumps(SCHEMAS[what](), indent=1) + "\n"
