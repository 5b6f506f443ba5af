"""A campaign on several machines: pairs ahead boot on those that are free."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_bootgate.engines.memory import MemoryEngine
from pytest_bootgate.errors import BootgateError, ImageError, LostError
from tests.loop.played import serves

BOTH = {"releases": "{baseline: {image: old}, candidate: {image: new}}", "boots": "5..30"}


def spread(play, *nodes: str, new=None, old=None, elsewhere=None, **more):
    """A gate over one engine on several machines; on the others `elsewhere` is the candidate."""
    old = old or serves()
    played = play(new or serves(), old=old, **{**BOTH, **more})
    played.engine.node = nodes[0]
    for node in nodes[1:]:
        other = MemoryEngine({**played.engine.programs})
        other.node = node
        if elsewhere is not None:
            other.programs["new"] = elsewhere
        played.engine.others.append(other)
    return played


def whole(played) -> None:
    """Nothing is left, every boot that began has ended, and all other machines were given back."""
    assert all(other.places == [] for other in played.engine.others)
    began = [e.boot.id for e in played.events if e.kind == "boot_began"]
    ended = [e.boot.id for e in played.events if e.kind in ("boot_ended", "boot_failed")]
    assert set(began) <= set(ended)
    assert all(other.left for other in played.engine.others)


def test_pairs_are_spread_and_each_stays_on_one_machine(play):
    played = spread(play, "a", "b", "c")
    found = played.result()
    assert found.verdict == "pass"
    pairs: dict[int, set[str]] = {}
    for boot in found.boots:
        if not boot.warm_up:
            pairs.setdefault(boot.number, set()).add(boot.node)
    assert all(len(nodes) == 1 for nodes in pairs.values())
    assert len({node for (node,) in pairs.values()}) > 1
    (spread_over,) = [note for note in found.notes if "spread" in note]
    assert spread_over.startswith("boots were spread over ")
    # Each machine threw away a boot of each release before its first pair.
    first = Counter(
        e.boot.release for e in played.events if e.kind == "boot_began" and not e.boot.number
    )
    assert first["baseline"] == first["candidate"] >= 2
    whole(played)


def test_a_slow_machine_is_no_slow_release(play):
    steps = (2.0, "set up", 4.0, "task {token} started")
    played = spread(play, "a", "b", new=serves(), elsewhere=serves(*steps))
    played.engine.others[0].programs["old"] = serves(*steps)
    found = played.result()
    assert found.judgement.regression.verdict == "same"
    assert found.judgement.regression.ratio == pytest.approx(1.0, abs=0.01)


def test_a_slow_candidate_is_found_on_several(play):
    slow = serves(1.0, "set up", 2.0, "task {token} started")
    played = spread(play, "a", "b", "c", new=slow, elsewhere=slow)
    found = played.result()
    assert found.judgement.regression.verdict == "slower"
    assert found.judgement.regression.ratio == pytest.approx(2.0, rel=0.02)
    whole(played)


def test_one_that_never_starts_ends_all(play):
    never = serves("set up")
    played = spread(play, "a", "b", new=never, elsewhere=never)
    found = played.result()
    assert found.verdict == "fail"
    whole(played)


def test_a_lost_machine_is_left_and_its_pair_made_anew(play):
    played = spread(play, "a", "b")
    (other,) = played.engine.others
    place, made = other.place, []

    def lose(ports, network=None):
        made.append(place(ports, network))
        if len(made) == 4:  # two boots are thrown away, then one of the pair

            def gone(specs, helper):
                raise LostError("node b was switched off")

            made[-1].expect = gone
        return made[-1]

    other.place = lose
    found = played.result()
    assert found.verdict == "pass"
    assert {boot.node for boot in found.boots} == {"a"}
    assert "a boot was lost and repeated: node b was switched off" in [
        note for boot in found.boots for note in boot.notes
    ]


def test_a_pair_whose_machine_changed_in_between_is_made_anew(play):
    played = spread(play, "a")
    place, made = played.engine.place, []

    def move(ports, network=None):
        made.append(place(ports, network))
        if len(made) == 4:  # two boots are thrown away, then one of the pair
            played.engine.node = "b"
        return made[-1]

    played.engine.place = move
    found = played.result()
    assert found.verdict == "pass"
    assert {boot.node for boot in found.boots if not boot.warm_up} == {"b"}
    assert "a boot was lost and repeated: a went away between two boots of a pair" in [
        note for boot in found.boots for note in boot.notes
    ]


def test_a_busy_machine_is_left_out_and_named(play):
    played = spread(play, "a", "b")
    played.engine.others[0].busy = 0.9
    found = played.result()
    # Pairs may have begun there before it was known how quiet the other one is.
    assert found.verdict in ("pass", "warn")
    notes = [note for boot in found.boots for note in boot.notes]
    assert any(note.startswith("node b is left out: others used ") for note in notes)
    assert played.engine.others[0].left == [True]


@pytest.mark.slow
def test_a_pattern_that_takes_for_ever_ends_on_any_machine(play):
    slow = serves(0.5, f"set up {'a' * 40}!", 1.0, "task {token} started")
    phases = 'phases: {setup: {line: "^set up (a+)+$"}, start: {line: "^task ${token} started"}}'
    played = spread(play, "a", "b", new=slow, old=slow, elsewhere=slow, target=phases)
    found = played.result()
    assert found.error.startswith("The pattern `^set up (a+)+$` took more than 1 s of CPU time")


def test_an_error_elsewhere_ends_the_gate(play):
    played = spread(play, "a", "b")

    def down(ports, network=None):
        raise BootgateError("The disk is full.")

    played.engine.others[0].place = down
    found = played.result()
    assert found.error == "The disk is full."
    assert played.engine.others[0].left


def test_a_retry_stays_on_its_machine(play):
    by_boot = {2: ("set up",)}  # the first that counts
    scripts = [serves(by_boot=by_boot) for _ in range(2)]
    played = spread(play, "a", "b", new=scripts[0], elsewhere=scripts[1], rules="retries: 2")
    found = played.result()
    again = [boot for boot in found.boots if boot.attempt > 1]
    assert again
    for boot in again:
        before = [b for b in found.boots if b.number == boot.number]
        assert {b.node for b in before} == {boot.node}
    whole(played)


def test_machines_that_are_all_busy_are_all_kept(play):
    """On none of them would a boot be measured better."""
    played = spread(play, "a", "b")
    played.engine.busy = played.engine.others[0].busy = 0.9
    assert {boot.node for boot in played.result().boots} == {"a", "b"}


def test_a_machine_that_cannot_have_an_image_is_left_out_and_named(play):
    played = spread(play, "a", "b")

    def missing(ports, network=None):
        raise ImageError("Node b cannot have image new: no such host.")

    played.engine.others[0].place = missing
    found = played.result()
    assert found.verdict == "pass"
    assert {boot.node for boot in found.boots} == {"a"}
    notes = [note for boot in found.boots for note in boot.notes]
    assert "node b is left out: Node b cannot have image new: no such host" in notes
    assert played.engine.others[0].left == [True]
