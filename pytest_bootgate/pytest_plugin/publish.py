"""What a run leaves behind: the files that were asked for, and what GitHub and GitLab get."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.pytest_plugin.places import asked_for, clear, forget, wanted
from pytest_bootgate.pytest_plugin.session import KEY
from pytest_bootgate.records.result import GateResult

GITHUB, GITLAB = "GITHUB_ACTIONS", "GITLAB_CI"


def publish(run: pytest.Session) -> Iterator[str]:
    """Write all that was asked for, each whatever becomes of the others.

    Yields a sentence for each failure.
    """
    config = run.config
    session, base = config.stash[KEY], config.invocation_params.dir
    if not session.ran:
        return
    results = session.outcomes()
    if not results and not session.writes:
        return
    if not results:
        try:
            clear(config)
        except pytest.UsageError as error:
            yield str(error)
        if asked := asked_for(config):
            options = " and no ".join(dict.fromkeys(place.option for place in asked))
            _say(config, f"bootgate: no gate was selected, so no {options} was written")
        return
    yield from _whole(config, results, base)
    _add_to_junitxml(config, results, base)
    for one in wanted(config):
        try:
            one.write(results, base)
            session.written.append(f"{one.path} ({one.name})")
            for text in one.format.remarks():
                _say(config, f"WARNING: report {one.name}: {text}")
        except BootgateError as error:
            yield str(error)
    forget(config)
    if any(result.shard is not None for result in results):
        return  # what all see at once is said once, of the whole gate
    formats_asked = {one.name: one.path for one in wanted(config)}
    if os.environ.get(GITHUB) == "true" or "github" in formats_asked:
        yield from _github(config, results, base)
    if os.environ.get(GITLAB) == "true":
        from pytest_bootgate.reports.formats import gitlab

        _say(config, f"bootgate: {gitlab.hint(formats_asked.get('gitlab'))}")


def _whole(config: pytest.Config, results: list[GateResult], base: Path) -> Iterator[str]:
    """The complete result, and the page."""
    if (path := config.getoption("bootgate_json")) is not None:
        from pytest_bootgate.records import codec

        yield from _tried(config, path, "The result", lambda: codec.write(results, base / path))
    if (page := config.getoption("bootgate_html")) is not None:
        from pytest_bootgate.reports.html.page import write

        journal = config.stash[KEY].journal_path
        yield from _tried(
            config,
            page,
            "The HTML report",
            lambda: write(results, base / page, journal=journal, base=base),
        )


def _tried(
    config: pytest.Config, path: Path, what: str, write: Callable[[], None]
) -> Iterator[str]:
    """Write something; a sentence where that fails, also by our own mistake."""
    try:
        write()
        config.stash[KEY].written.append(str(path))
    except BootgateError as error:
        yield str(error)
    except Exception as error:
        yield (
            f"{what} could not be made: {type(error).__name__}: {error}. This is a bug in"
            " pytest-bootgate; please report it with the journal of this run."
        )


def _github(config: pytest.Config, results: list[GateResult], base: Path) -> Iterator[str]:
    """Annotations on the terminal, and the job summary where GitHub collects it."""
    from pytest_bootgate.reports.formats import github

    if commands := github.commands(results, base):
        _say(config, "\n".join(["", *commands]))  # a command stands at the beginning of a line
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if os.environ.get(GITHUB) == "true" and path:
        try:
            github.append(results, Path(path), base)
        except OSError as error:
            yield f"The job summary could not be written to {path}: {error.strerror or error}."


def _say(config: pytest.Config, text: str) -> None:
    """Write lines, be it without pytest's own reporter."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        print(text)
        return
    reporter.ensure_newline()
    reporter.write_line(text)


def _add_to_junitxml(config: pytest.Config, results: list[GateResult], base: Path) -> None:
    """What pytest's own JUnit XML does not get from the items: properties of its suite."""
    if not config.getoption("xmlpath", None):
        return
    from _pytest.junitxml import xml_key

    from pytest_bootgate.reports.formats import cases

    xml = config.stash.get(xml_key, None)
    if xml is not None:
        for name, result in zip(cases.names(results, base), results, strict=True):
            for key, value in cases.properties(result):
                xml.add_global_property(f"{name}::{key}", value)
