"""What a worker of pytest-xdist hands over to the process that knows all results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_bootgate.door.session import Session


def hand_over(ours: Session, output: dict[str, Any]) -> None:
    """Put what this worker found where pytest-xdist sends it from."""
    output["bootgate_left_alone"] = [str(path) for path in ours.left_alone]
    if ours.gates:
        from pytest_bootgate.reports import jsonfile

        outcomes = [gate.outcome() for gate in ours.gates.values()]
        output["bootgate"] = [jsonfile.encode(result).decode() for result in outcomes]
        output["bootgate_unheard"] = ours.unheard()


def take_over(ours: Session, output: Mapping[str, Any], error: object) -> None:
    """Take what a worker found, or note that it died with it."""
    if error:
        # One that was interrupted comes here twice: it had handed over what it found before.
        ours.lost_workers |= not output
        return
    ours.unheard_of_workers.extend(output.get("bootgate_unheard", ()))
    for path in output.get("bootgate_left_alone", ()):
        ours.leave_alone(Path(path))
    encoded = output.get("bootgate", ())
    if encoded:
        from pytest_bootgate.reports.jsonfile import decode

        ours.from_workers.extend(decode(text) for text in encoded)
