"""What a worker of pytest-xdist hands over to the process that knows all results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_bootgate.pytest_plugin.session import Session


def hand_over(ours: Session, output: dict[str, Any]) -> None:
    """Put what this worker found where pytest-xdist sends it from."""
    output["bootgate_left_alone"] = [str(path) for path in ours.left_alone]
    if ours.gates:
        import msgspec

        from pytest_bootgate.records import codec

        output["bootgate_notify"] = {
            str(path): msgspec.to_builtins(gate.plan.file.notify, enc_hook=float)
            for path, gate in ours.gates.items()
        }
        outcomes = [gate.outcome() for gate in ours.gates.values()]
        output["bootgate"] = [codec.encode(result).decode() for result in outcomes]
        output["bootgate_unheard"] = ours.unheard()


def take_over(ours: Session, worker: str, output: Mapping[str, Any], error: object) -> None:
    """Take what a worker found, or note that it died with it; what it booted, others may boot."""
    if error:
        from pytest_bootgate.pytest_plugin.spread import release

        release(ours.shared, worker)
        # One that was interrupted comes here twice: it had handed over what it found before.
        ours.lost_workers |= not output
        return
    ours.unheard_of_workers.extend(output.get("bootgate_unheard", ()))
    for path in output.get("bootgate_left_alone", ()):
        ours.leave_alone(Path(path))
    encoded = output.get("bootgate", ())
    if encoded:
        import msgspec

        from pytest_bootgate.gatefile.model import Notify
        from pytest_bootgate.records.codec import decode

        for path, asked in output["bootgate_notify"].items():
            # A float arrives as what the model calls it.
            notify = msgspec.convert(asked, dict[str, Notify], dec_hook=lambda kind, n: kind(n))
            ours.notify_of_workers[path] = notify

        ours.from_workers.extend(decode(text) for text in encoded)
