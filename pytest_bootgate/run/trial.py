"""A command is a proof only where it fails without the gateway, by services alone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import msgspec

from pytest_bootgate.engines.base import Engine, Exit, Place, UnitSpec
from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.tree import listed
from pytest_bootgate.run.services import Services
from pytest_bootgate.run.strangers import Alone, Asking

#: How long a command may take, in seconds: a part of what a plan has for bringing up a gateway.
_LONGEST = 30.0
_LONGEST_OF_NONE = 10.0  # where it asks no service, so that nobody keeps it waiting
_WITHOUT = "without the gateway"
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

    def alone(self, asking: Asking, ports: Collection[int]) -> Alone:
        """How a command ends by the services at these ports alone.

        It is run once, in a unit made as the gateway is, in which nothing else runs. One that takes
        more than its patience fails; without one, or with a long one, nobody knows.
        """
        if self.engine.traits.closed:
            return Alone(None, f"the {self.engine.name} engine cannot try this one {_WITHOUT}")
        if self.state:
            return Alone(None, "one that starts on a kept state is not tried without it")
        longest = _LONGEST if ports else _LONGEST_OF_NONE
        try:
            how = self._run(asking, longest)
        except EngineError as error:
            why = f"this command could not be tried {_WITHOUT} ({str(error).rstrip('.')})"
            return Alone(None, why)
        if how is None:
            if asking.patience is None or asking.patience > longest:
                return Alone(None, f"{_WITHOUT} this one takes more than {longest:g} s")
        elif how.code is None or how.gone or how.oom:
            return Alone(None, f"this command could not be tried {_WITHOUT}: it was killed")
        elif how.code == 0:
            return Alone(fails=False, why=f"this command succeeds {_WITHOUT}")
        if unsettled := self.services.unsettled(ports):
            why = f"nothing says when {listed(unsettled)} is ready: give it a `ready` probe"
            return Alone(None, why)
        return Alone(fails=True)

    def _run(self, asking: Asking, longest: float) -> Exit | None:
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
            self.wait(longest, over)
        finally:
            unit.remove()
        return how
