"""Who can reach what listens: a probe asks at the loopback, as nobody in production does."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from pytest_bootgate.checks.pairs import Pairs
from pytest_bootgate.records.verdict import WHOLE, Finding, Rules

_NOBODY = "nothing outside its container or machine reaches it"


def out_of_reach(pairs: Pairs, rules: Rules) -> Iterator[Finding]:
    """That the candidate listens on the loopback only, where the baseline does on all addresses.

    At a port that is published it fails; one at which the candidate does not listen at its proof
    warns. Of any other the gate does not know whether somebody outside needs it, so it warns.
    """
    own, before = ([b.listens for b in pairs.measured(r)] for r in ("candidate", "baseline"))
    if not own or not before:
        return
    for port in rules.published:
        if all(_everywhere(one.get(port, ())) for one in before) and not any(
            port in one for one in own
        ):
            text = (
                f"at its proof the candidate does not listen at the published port {port}, the"
                " baseline does on all addresses. If the port is what others use, make it the proof"
            )
            yield Finding("warn", WHOLE, text)
    for port in dict.fromkeys(port for one in own for port in one):
        # At the proof of a boot it may not have listened there yet.
        here, there = ([one[port] for one in side if one.get(port)] for side in (own, before))
        near = [addresses for addresses in here if _only_here(addresses)]
        published = port in rules.published
        if not near or not there or not all(map(_everywhere, there)):
            continue
        if len(near) == len(here) or published:
            often = "" if len(near) == len(here) else f" in {len(near)} of {len(here)} boots"
            where = " and ".join(_shown(address, port) for address in near[-1])
            nobody = "nobody outside reaches this published port" if published else _NOBODY
            text = (
                f"the candidate listens on {where} only{often}, the baseline on all addresses:"
                f" {nobody}. Probes ask at the loopback, so they do not show this"
            )
            yield Finding("fail" if published else "warn", WHOLE, text)


def _only_here(addresses: Sequence[str]) -> bool:
    return all(ipaddress.ip_address(one).is_loopback for one in addresses)


def _everywhere(addresses: Sequence[str]) -> bool:
    return any(ipaddress.ip_address(one).is_unspecified for one in addresses)


def _shown(address: str, port: str) -> str:
    """An address with a port by its number, or by its name in the gate file."""
    if not port.isdigit():
        return f"{address} ({port})"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
