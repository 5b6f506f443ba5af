"""What every kind of probe answers, with what is so for most of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from pytest_bootgate.gatefile.probe_rules import ProbeRules
    from pytest_bootgate.gatefile.tree import Map
    from pytest_bootgate.observe.sighting import Sighting

Order = Mapping[str, Any]


class Kind:
    """A kind of probe, and as a value what one probe asks for; its texts have their variables in.

    `key` asks for it in a gate file. Where it `stays`, what one boot left behind or says late
    may satisfy it in the next, unless it asks for the token. Where it is `at_stub`, what
    satisfies it carries the token, if the trigger does. With `whole_lines` its regular
    expression is held against lines as they are. Where it `needs_image`, only containers have it.
    """

    key: ClassVar[str]
    stays: ClassVar[bool] = False
    at_stub: ClassVar[bool] = False
    whole_lines: ClassVar[bool] = False
    needs_image: ClassVar[bool] = False

    # -- in the gate file ------------------------------------------------------------------

    @classmethod
    def check(cls, probe: Map, rules: ProbeRules, *, triggered: bool) -> None:
        """Report what contradicts itself; without a trigger, there is none that prints lines."""

    @classmethod
    def check_mark(cls, probe: Map, rules: ProbeRules) -> None:
        """Report what is no mark of a phase."""

    # -- where it looks --------------------------------------------------------------------

    @property
    def source(self) -> str:
        """Whose lines it looks at (``gateway``, ``file:PATH``), empty where no line shows it."""
        return ""

    @property
    def follows(self) -> str | None:
        """The file whose lines it looks at."""
        return None

    @property
    def endpoint(self) -> str | None:
        """The endpoint or port that must answer."""
        return None

    @property
    def path(self) -> str | None:
        """The file that must be there."""
        return None

    @property
    def health(self) -> str:
        """The path at which a system says whether it is well, empty for what can never say no."""
        return ""

    @property
    def unit(self) -> str:
        """Where `ask` asks: the name of a service, empty for whoever the probe is about."""
        return ""

    # -- what the sidecar does -------------------------------------------------------------

    def watch(self) -> Order | None:
        """What it watches for, None for what needs no order."""
        return None

    def ask(self) -> Order | None:
        """What the gate itself asks inside of `unit`, None for what others look for."""
        return None

    def last_look(self) -> Order | None:
        """What it looks for once more when the gateway has ended."""
        return None

    # -- what satisfies it -----------------------------------------------------------------

    @property
    def regex(self) -> str | None:
        """The regular expression that what is read must match."""
        return None

    def read(self, seen: Sighting, source: str, name: str) -> str | None:
        """What of a sighting counts, None for nothing of it.

        `source` has its variables filled, `name` is what the sidecar calls the probe.
        """
        if source:
            return self.of_line(seen.text) if seen.source == source else None
        so = seen.is_a("seen") or (seen.is_a("looked") and seen.get("so"))
        return "" if so and seen.get("id") == name else None

    def of_line(self, text: str) -> str | None:
        """What of a line of its source counts, None for nothing of it."""
        return text

    @property
    def unseen(self) -> str:
        """The end of the sentence that says that it was not seen; empty where that says it all."""
        return ""


_KindT = TypeVar("_KindT", bound=type[Kind])
#: Every kind by the key that asks for it.
KINDS: dict[str, type[Kind]] = {}


def register(kind: _KindT) -> _KindT:
    """Make a kind known: from now on gate files may ask for it."""
    KINDS[kind.key] = kind
    return kind


def keys(kind: type[Kind]) -> tuple[str, ...]:
    """The keys of a kind, as they are written."""
    names: tuple[str, ...] = kind.__struct_encode_fields__  # type: ignore[attr-defined]
    return names
