"""Who listens to a gate by the hook ``pytest_bootgate_event``: other plugins and conftest files."""

from __future__ import annotations

from traceback import extract_tb
from typing import TYPE_CHECKING

from pytest_bootgate.errors import BootgateError

if TYPE_CHECKING:
    import pytest

    from pytest_bootgate.records.events import Event


def tell(config: pytest.Config, event: Event) -> None:
    """Tell all of them an event. Raises `BootgateError` where one of them fails."""
    try:
        config.hook.pytest_bootgate_event(event=event)
    except Exception as error:
        *_, at = extract_tb(error.__traceback__)
        raise BootgateError(
            f"A listener of pytest_bootgate_event raised {type(error).__name__}: {error}"
            f" ({at.filename}:{at.lineno}, at {event.kind}), so not all of this run was heard."
            " Correct the listener, or run without it."
        ) from error
