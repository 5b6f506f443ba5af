"""A command that asks a service is a proof only where it fails without the gateway."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import msgspec

from pytest_bootgate.engines.base import Engine, Exit, Place, UnitSpec
from pytest_bootgate.errors import BootgateError, EngineError
from pytest_bootgate.gatefile.commands import file_asked
from pytest_bootgate.gatefile.tree import listed
from pytest_bootgate.observe.spots import there_before
from pytest_bootgate.run.recipe import Recipe
from pytest_bootgate.run.services import Services
from pytest_bootgate.run.strangers import Asking

#: How long a command may take, in seconds: a part of what a plan has for bringing up a gateway.
_LONGEST = 30.0
_ROLE = "trial"

#: Waits until it is so, at most so many seconds.
Wait = Callable[[float, Callable[[], bool]], None]


@dataclass(frozen=True)
class Trial:
    """Tries a command where the gateway would be; `state` is whether that starts on a kept one."""

    engine: Engine
    place: Place
    gateway: UnitSpec
    services: Services
    wait: Wait
    state: bool

    def succeeds_alone(self, asking: Asking, ports: Collection[int]) -> str:
        """Why a command may succeed by the services at these ports, in words; empty if it fails.

        It is run once, in a unit made as the gateway is, in which nothing else runs. One that takes
        more than its patience fails; without one, or with a long one, nobody knows.
        """
        if unsettled := self.services.unsettled(ports):
            return f"nothing says when {listed(unsettled)} is ready: give it a `ready` probe"
        if self.engine.traits.closed:
            return f"the {self.engine.name} engine cannot try this one without the gateway"
        if self.state:
            return "one that starts on a kept state is not tried without it"
        try:
            how = self._run(asking)
        except EngineError as error:
            return f"this command could not be tried without the gateway ({str(error).rstrip('.')})"
        if how is None:
            short = asking.patience is not None and asking.patience <= _LONGEST
            return "" if short else f"without the gateway this one takes more than {_LONGEST:g} s"
        if how.code is None or how.gone or how.oom:
            return "this command could not be tried without the gateway: it was killed"
        return "this command succeeds without the gateway" if how.code == 0 else ""

    def refuse_file(self, asking: Asking, recipe: Recipe) -> None:
        """Raises `BootgateError` where a command only asks for a file that is there without it.

        What does more than that is not tried; what cannot be tried is taken not to be there. Where
        there is a trigger, every command is tried before it.
        """
        path = "" if recipe.triggered else file_asked(asking.command)
        if not path or self.engine.traits.closed or self.state:
            return
        with contextlib.suppress(EngineError):
            how = self._run(asking)
            if how is not None and how.code == 0:
                raise BootgateError(there_before(recipe, path))

    def _run(self, asking: Asking) -> Exit | None:
        spec = replace(self.gateway, role=_ROLE, command=[*asking.command])
        if self.engine.traits.images:  # the image's own entry point would start the gateway
            container = msgspec.structs.replace(spec.container, entrypoint=[])
            spec = replace(spec, container=container)
        unit = self.place.create(spec, lambda _: None)
        how: Exit | None = None

        def over() -> bool:
            nonlocal how
            how = unit.exit()
            return how is not None

        try:
            unit.start()
            self.wait(_LONGEST, over)
        finally:
            unit.remove()
        return how
