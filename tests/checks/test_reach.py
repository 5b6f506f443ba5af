"""A candidate that nobody outside reaches: all probes ask at the loopback."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.checks.startup import judge
from tests.checks.test_campaign import FEW, boot

ALL, LOCAL = ("0.0.0.0", "::"), ("127.0.0.1",)


def judged(before, own, rules=FEW):
    every = {"baseline": before, "candidate": own}
    boots = [boot(r, n, listens=one) for r in every for n, one in enumerate(every[r], 1)]
    return judge(boots, rules)


def about(before, own) -> list[str]:
    found = judged([before] * 2, [own] * 2)
    return [f.text for f in found.findings if f.verdict == "warn"]


@pytest.mark.parametrize(
    ("address", "where"),
    [
        (LOCAL, "127.0.0.1:1883"),
        (("127.0.0.53",), "127.0.0.53:1883"),
        (("127.0.0.1", "::1"), "127.0.0.1:1883 and [::1]:1883"),
    ],
)
def test_a_candidate_that_listens_on_the_loopback_only(address, where):
    (text,) = about({"1883": ALL[:1]}, {"1883": address, "9": LOCAL})
    assert text.startswith(
        f"the candidate listens on {where} only, the baseline on all addresses: nothing outside"
    )


def test_a_published_port_on_the_loopback_only_fails():
    rules = replace(FEW, published=("1883", "port.app"))
    for port, verdict in (("1883", "fail"), ("port.app", "fail"), ("9", "warn")):
        found = judged([{port: ALL}] * 2, [{port: LOCAL}] * 2, rules)
        (said,) = [f for f in found.findings if "listens" in f.text]
        assert said.verdict == verdict
        assert ("nobody outside reaches this published port." in said.text) == (verdict == "fail")


def test_a_published_port_at_which_nobody_listens_at_the_proof_warns():
    """It may be a moment later, so it does not fail."""
    rules = replace(FEW, published=("1883",))

    def about(before, own):
        found = judged(
            [{"1883": one} for one in before], [{"1883": one} if one else {} for one in own], rules
        )
        return [f.verdict for f in found.findings if "does not listen at the published" in f.text]

    assert about([ALL, ALL], [(), ()]) == ["warn"]
    assert about([ALL, ALL], [(), ALL]) == about([ALL, ()], [(), ()]) == []


@pytest.mark.parametrize(
    ("before", "own"),
    [
        ({"1883": ALL}, {"1883": ALL}),
        ({"1883": LOCAL}, {"1883": LOCAL}),
        ({"1883": LOCAL}, {"1883": ALL}),
        ({"1883": ALL}, {"1883": ("172.17.0.2",)}),
        ({"1883": ALL}, {"1883": ("127.0.0.1", "::")}),
        ({"1883": ALL}, {"1884": LOCAL}),
        ({"1883": ALL}, {}),
        ({}, {"1883": LOCAL}),
    ],
)
def test_what_is_no_difference_to_somebody_outside(before, own):
    assert about(before, own) == []


@pytest.mark.parametrize(
    ("own", "verdict"),
    [
        ([LOCAL, LOCAL, LOCAL], "fail"),
        ([LOCAL, (), LOCAL], "fail"),  # it was not there yet
        ([LOCAL, ALL, LOCAL], "fail"),
        ([LOCAL, ALL, ()], "fail"),
        ([(), ALL, ALL], ""),
    ],
)
def test_a_published_port_that_is_on_the_loopback_in_some_boots(own, verdict):
    """What happens in one of five boots happens in production as well."""
    rules = replace(FEW, published=("1",))
    found = judged([{"1": ALL}] * 3, [{"1": one} if one else {} for one in own], rules)
    assert [f.verdict for f in found.findings if "listens" in f.text] == [verdict] * bool(verdict)


def test_of_another_port_one_boot_that_shows_otherwise_is_enough():
    before, own = [{"1": ALL}] * 2, [{"1": LOCAL}, {"1": ALL}]
    assert not [f for f in judged(before, own).findings if "listens" in f.text]
