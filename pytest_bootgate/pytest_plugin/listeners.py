"""Who listens to a gate by the hook ``pytest_bootgate_event``: other plugins and conftest files."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

from pytest_bootgate.errors import BootgateError

if TYPE_CHECKING:
    import pytest

    from pytest_bootgate.masking import Mask
    from pytest_bootgate.pytest_plugin.session import Session
    from pytest_bootgate.records.events import Event


def tell(config: pytest.Config, event: Event) -> None:
    """Tell all of them an event. Raises `BootgateError` where one of them fails.

    Nor may one end the run, or skip a test, by what it raises: only Ctrl-C goes through. What they
    are told is a copy, so that what one of them does with it changes no verdict.
    """
    try:
        config.hook.pytest_bootgate_event(event=deepcopy(event))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        *_, at = extract_tb(error.__traceback__)
        raise BootgateError(
            f"A listener of pytest_bootgate_event raised {type(error).__name__}: {_text(error)}"
            f" ({at.filename}:{at.lineno}, at {event.kind}), so not all of this run was heard."
            " Correct the listener, or run without it."
        ) from error


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as worse:
        return f"(its text raises {type(worse).__name__})"


def mask_of(session: Session, file: str) -> Mask:
    """What hides the secrets of a gate file, be it that a worker booted it."""
    from pytest_bootgate.gatefile import load
    from pytest_bootgate.masking import Mask

    for path, gate in session.gates.items():
        if str(path) == file:
            return gate.plan.loaded.mask
    try:
        return load(Path(file)).mask
    except BootgateError:
        return Mask()
