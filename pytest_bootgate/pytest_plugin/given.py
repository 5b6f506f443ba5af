"""Variables of gate files that the command line gives, each of which must reach the gate file."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_bootgate.gatefile import Loaded
    from pytest_bootgate.run.plan import Plan

OPTION = "--bootgate-set"
_GIVEN = re.compile(r"[A-Za-z_]\w*=.*", re.ASCII | re.DOTALL)


def variable(text: str) -> str:
    """``NAME=VALUE``. Raises `argparse.ArgumentTypeError` for anything else."""
    if not _GIVEN.fullmatch(text):
        raise argparse.ArgumentTypeError("this is not NAME=VALUE: write CANDIDATE=1.9")
    if text.endswith("=") and "=" not in text[:-1]:  # as of a pipeline's variable that is not set
        raise argparse.ArgumentTypeError(
            f"{text[:-1]} is empty, so a default would be gated: give it a value, or leave it out"
        )
    return text


def into_environment(config: pytest.Config) -> None:
    """Set what is given for as long as this run of pytest, whatever the environment had."""
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name, value in _given(config).items():
        patch.setenv(name, value)


def engine_for(config: pytest.Config, loaded: Loaded, wanted: str) -> str:
    """The engine to ask for: one with images, where what is given only changes an image.

    Raises `BootgateError` for a variable with which the gate file boots nothing else: who gives a
    release that it does not boot would see a verdict about another one.
    """
    from pytest_bootgate.errors import BootgateError

    releases = (loaded.gate.releases.baseline, loaded.gate.releases.candidate)
    images = wanted != "process" and all(one is None or one.image is not None for one in releases)
    for name, value in _given(config).items():
        if (other := _with_another(config, loaded, name, value)) is None:
            continue
        own = _plan(config, loaded)
        if images and _booted(own, images=True) != _booted(other, images=True):
            # Without Docker, ``auto`` would boot the commands, which are the same.
            same = _booted(own, images=False) == _booted(other, images=False)
            wanted = "docker" if wanted == "auto" and same else wanted
        elif images or _booted(own, images=False) == _booted(other, images=False):
            raise BootgateError(
                f"{OPTION} {name}=... has no effect: nothing that {loaded.path.name} boots depends"
                f" on ${{{name}}}, so another release would be gated. Write it where it belongs,"
                f' such as image: "my-api:${{{name}}}". What only probes, rules or notify use comes'
                " from the environment."
            )
    return wanted


def _with_another(config: pytest.Config, loaded: Loaded, name: str, value: str) -> Plan | None:
    """What a variable's other value would boot; None where no other value is one."""
    from pytest_bootgate.errors import BootgateError
    from pytest_bootgate.gatefile import load

    other = re.sub(r"[0-9]+", lambda found: str(int(found[0]) + 1), value)
    for each in (f"{value}1", other):
        try:
            return _plan(config, load(loaded.path, {**os.environ, name: each}))
        except BootgateError:  # it is used where not every value goes
            continue
    return None


def _plan(config: pytest.Config, loaded: Loaded) -> Plan:
    from pytest_bootgate.run.plan import Plan

    return Plan(loaded, profiles=config.getoption("bootgate_profile") or ())


def _booted(plan: Plan, *, images: bool) -> list[object]:
    """What is booted, and with which trigger, without how it is watched and judged."""
    found: list[object] = [plan.file.releases.baseline if plan.recorded else None]
    for release in plan.releases:
        for profile, target in plan.pairs:
            recipe = plan.recipe(profile, target, release)
            variables = recipe.variables("/bootgate", recipe.gate.ports)
            services = [recipe.service(n, variables, images=images) for n in recipe.gate.services]
            gateway = recipe.gateway(variables, images=images)
            found += [gateway, services, recipe.target.trigger, recipe.gate.state]
            found.append(recipe.release.version)  # which it must report
    return found


def _given(config: pytest.Config) -> dict[str, str]:
    every: list[str] = config.getoption("bootgate_set") or []
    return dict(one.split("=", 1) for one in every)
