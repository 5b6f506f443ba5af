"""What a manifest says, each value as it must be there, or a mistake at its place."""

from __future__ import annotations

import math
import re

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.tree import Map, Place, Scalar, Seq, Tree

#: No port, period or threshold of a probe, no user and no mode is greater.
_MOST = 2**31 - 1
_QUANTITY = re.compile(r"(\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3}|[a-zA-Z]{0,2})")
_UNITS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_UNITS |= {"P": 1e15, "E": 1e18}
_UNITS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)}
_LARGEST = 2.0**63


class MisplacedError(BootgateError):
    """What is not as Kubernetes has it, where it stands, and the way out."""

    def __init__(self, place: Place, what: str, way_out: str = "correct the manifest") -> None:
        super().__init__(f"{place}: {what}: {way_out}.")
        self.place, self.what, self.way_out = place, what, way_out


def section(tree: Map, key: str) -> Map:
    """The mapping below a key, an empty one where there is none."""
    found = tree.below(key)
    if found is None or (isinstance(found, Scalar) and found.value is None):
        return Map(tree.key, tree.place)
    if not isinstance(found, Map):
        raise MisplacedError(found.place, f"`{key}` must be a mapping")
    return found


def items(tree: Map, key: str) -> tuple[Tree, ...]:
    """What is in the list below a key, nothing where there is none."""
    found = tree.below(key)
    if found is None or (isinstance(found, Scalar) and found.value is None):
        return ()
    if not isinstance(found, Seq):
        raise MisplacedError(found.place, f"`{key}` must be a list")
    return found.items


def maps(tree: Map, key: str) -> list[Map]:
    """The mappings in the list below a key."""
    found = items(tree, key)
    for one in found:
        if not isinstance(one, Map):
            raise MisplacedError(one.place, f"`{key}` must be a list of mappings")
    return [one for one in found if isinstance(one, Map)]


def texts(tree: Map, key: str) -> list[str]:
    """The texts in the list below a key, as they are written."""
    return [_text(one, f"an item of `{key}`") for one in items(tree, key)]


def text(tree: Map, key: str, default: str = "") -> str:
    """The text below a key, as it is written."""
    found = tree.below(key)
    if found is None or (isinstance(found, Scalar) and found.value is None):
        return default
    return _text(found, f"`{key}`")


def named(tree: Map, key: str = "name") -> str:
    """The text below a key that must be there."""
    if not (found := text(tree, key)):
        raise MisplacedError(tree.place, f"`{key}` is missing here")
    return found


def _text(tree: Tree, name: str) -> str:
    if not isinstance(tree, Scalar) or tree.broken:
        raise MisplacedError(tree.place, f"{name} must be a text")
    return tree.text


def whole(tree: Map, key: str, default: int, least: int = 0) -> int:
    """The whole number below a key."""
    found = tree.below(key)
    if found is None or (isinstance(found, Scalar) and found.value is None):
        return default
    number = found.value if isinstance(found, Scalar) else None
    if type(number) is not int or not least <= number <= _MOST:
        raise MisplacedError(found.place, f"`{key}` must be a whole number of at least {least}")
    return number


def flag(tree: Map, key: str) -> bool | None:
    """Whether it is so below a key, None where nothing is said."""
    found = tree.below(key)
    if found is None or (isinstance(found, Scalar) and found.value is None):
        return None
    if not isinstance(found, Scalar) or not isinstance(found.value, bool):
        raise MisplacedError(found.place, f"`{key}` must be true or false")
    return found.value


def quantity(tree: Map, key: str) -> float | None:
    """An amount such as ``500m`` or ``128Mi``, None where there is none."""
    if not (said := text(tree, key)):
        return None
    found = _QUANTITY.fullmatch(said)
    amount = math.nan
    if found is not None and found[2] in _UNITS:
        amount = float(found[1]) * _UNITS[found[2]]
    elif found is not None and found[2][0] in "eE" and found[2] != "E":
        amount = float(found[1] + found[2]) if found[2][1:].strip("+-").isdigit() else math.nan
    if not 0 <= amount < _LARGEST:
        raise MisplacedError(tree.at[key], f"`{said}` is no amount such as 500m or 128Mi")
    return amount
