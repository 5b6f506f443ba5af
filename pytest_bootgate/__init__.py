"""Gate upgrades: boot every session target of both releases and judge how the boots went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"
__all__ = ["BootGate", "BootgateError", "BootgateWarning", "SessionTarget", "__version__"]

if TYPE_CHECKING:
    from pytest_bootgate.errors import BootgateError, BootgateWarning
    from pytest_bootgate.pytest_plugin.fixtures import BootGate, SessionTarget


def __getattr__(name: str) -> Any:
    # An unused plugin must cost a test run nothing: what users import is loaded when they do.
    if name in ("BootgateError", "BootgateWarning"):
        from pytest_bootgate import errors

        return getattr(errors, name)
    if name in ("BootGate", "SessionTarget"):
        from pytest_bootgate.pytest_plugin import fixtures

        return getattr(fixtures, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
