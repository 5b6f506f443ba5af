"""Before anything boots: where a run writes is checked, freed of earlier reports, and opened."""

from __future__ import annotations

import pytest

from pytest_bootgate.pytest_plugin.session import KEY


def check_places(config: pytest.Config) -> None:
    """Refuse places that a run cannot write to, before anything starts."""
    session = config.stash[KEY]
    if (session.writes or session.asks("journal")) and not session.is_worker:
        from pytest_bootgate.pytest_plugin.places import check

        check(config)


def clear(config: pytest.Config) -> None:
    """Nobody must take the report of an earlier run for the one that this run did not come to."""
    if config.stash[KEY].writes and not config.stash[KEY].is_worker:
        from pytest_bootgate.pytest_plugin.places import clear as remove

        remove(config)


def known(config: pytest.Config, boots: bool) -> None:
    """It is known now whether a run boots, so whether it follows what the ini file asks for."""
    if boots and not config.stash[KEY].boots:
        config.stash[KEY].boots = True
        check_places(config)


def open_journal(config: pytest.Config) -> None:
    """Open the journal. Raises `pytest.UsageError` where it cannot be written."""
    from pytest_bootgate.errors import JournalError

    session = config.stash[KEY]
    if not session.ran:
        return
    try:
        session.open_journal()
    except JournalError as error:
        raise pytest.UsageError(str(error)) from None
