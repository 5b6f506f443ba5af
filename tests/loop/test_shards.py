"""Shards of a gate on the engine in memory: who boots what, and what comes of it together."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.digest import parts
from pytest_bootgate.gatefile.load import load
from pytest_bootgate.records import codec
from pytest_bootgate.records.shard import parse
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.run.merge import merge
from pytest_bootgate.run.plan import Plan
from pytest_bootgate.run.recorded import Recorded
from pytest_bootgate.run.shards import Sharing
from tests.loop.played import FACTS, gate_file, serves

SIX = "{a: {}, b: {timeout: 60s}, c: {}, d: {timeout: 30s}, e: {}, f: {}}"
BOTH = "{baseline: {image: old}, candidate: {image: new}}"
#: What varies, in a gate of three targets on two profiles.
VARY = {
    "more": "vary: {AGENTS: [1, 10]}\nprofiles: {big: {}, small: {cpus: 0.5}}",
    "releases": '{candidate: {image: new, env: {AGENTS: "${AGENTS}"}}}',
    "targets": "{a: {}, b: {}, c: {}}",
}


def plan(path, number=1, of=3, history=None, **more) -> Plan:
    file = gate_file(path, **{"targets": SIX, **more})
    return Plan(load(file, {}), sharing=Sharing(number, of, history=history or {}))


def shares(found: Plan) -> list[list[str]]:
    return [
        [f"{c.target}@{c.profile}" for c in found.checks if found.shards[c] == number]
        for number in range(1, found.sharing.of + 1)
    ]


# -- who boots what ----------------------------------------------------------------------------


def test_what_may_take_longest_comes_first_each_to_whoever_has_least(tmp_path):
    names = [[name.partition("@")[0] for name in one] for one in shares(plan(tmp_path))]
    assert names == [["b", "f"], ["d", "e"], ["a", "c"]]


def test_every_shard_finds_the_same(tmp_path):
    first = shares(plan(tmp_path))
    for number in (1, 2, 3):
        found = plan(tmp_path, number)
        assert shares(found) == first
        assert [f"{c.target}@{c.profile}" for c in found.own] == first[number - 1]
        assert {check for check, _ in found.asked()} == set(found.own)
        assert found.budget() == sum(check.budget() for check in found.own)


def test_a_history_weighs_and_what_it_lacks_takes_as_much_of_its_longest_time(tmp_path):
    history = {("campaign", "default", name): 10.0 for name in "acde"}
    history["campaign", "default", "f"] = 100.0
    found = plan(tmp_path, history=history)
    seconds = {c.target: s for c, s in zip(found.checks, _seconds(found), strict=True)}
    assert {name: seconds[name] for name in "acdef"} == {**dict.fromkeys("acde", 10.0), "f": 100.0}
    longest = {check.target: check.budget() for check in found.checks}
    share = 140.0 / sum(longest[name] for name in "acdef")
    assert seconds["b"] == pytest.approx(share * longest["b"], abs=1e-3)
    assert shares(found)[0] == ["f@default"]


def _seconds(found: Plan) -> list[float]:
    from pytest_bootgate.run.shards import record

    return [one.seconds for one in record(found, {}).plan]


def test_all_values_of_what_varies_are_with_their_growth(tmp_path):
    found = plan(tmp_path, of=4, **VARY)
    assert len(found.checks) == 3 * 2 * (2 + 1)
    for growth in (check for check in found.checks if check.kind == "growth"):
        together = {found.shards[check] for check in (growth, *growth.takes)}
        assert len(growth.takes) == 2
        assert len(together) == 1
    assert {found.shards[check] for check in found.checks} == {1, 2, 3, 4}


def test_more_shards_than_checks(tmp_path):
    found = plan(tmp_path, 7, 8)
    assert found.own == ()
    assert [len(one) for one in shares(found)] == [1] * 6 + [0] * 2


def test_a_check_of_another_shard_is_not_booted(play):
    played = play(targets=SIX, sharing=Sharing(1, 3))
    with pytest.raises(BootgateError, match=r"a belongs to shard 3 of 3, so this run does not"):
        played.result("a")
    assert played.events == []


@pytest.mark.parametrize(
    "text", ["", "2", "2/", "/5", "0/5", "6/5", "a/b", "2/5/6", "-1/5", "1/1001", "²/5", "1/99999"]
)
def test_what_is_no_shard(text):
    with pytest.raises(ValueError, match=r"is not a shard: write"):
        parse(text)
    assert parse(" 2/5 ") == (2, 5)


# -- what a shard says of itself ---------------------------------------------------------------


def test_a_shard_is_no_whole_gate(play):
    (result,) = booted(play, 3, only=[2])
    assert result.verdict == "error"
    assert {found.verdict for found in result.checks} == {"pass"}
    assert result.error == (
        "shard 2 of 3, not a whole gate: it has 2 of 6 checks. Merge the results"
        " (--bootgate-json) of all 3 shards with `bootgate merge`."
    )
    plain = json.loads(codec.encode(result))
    assert (plain["verdict"], plain["shard"]["number"], plain["shard"]["of"]) == ("error", 2, 3)
    assert codec.decode(json.dumps(plain)) == result


def test_a_shard_is_no_recorded_baseline(play, tmp_path):
    (result,) = booted(play, 3, only=[2])
    (tmp_path / "shard.json").write_bytes(codec.encode(result))
    with pytest.raises(BootgateError, match=r"is shard 2 of 3, not a whole gate\. Take the"):
        Recorded.read(tmp_path / "shard.json")


def test_the_digests_of_a_gate_file(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "serve.py").touch()

    def digests(name: str, **more: str):
        (tmp_path / name / "serve.py").write_text(more.pop("program", "1"))
        given = {"more": 'sidecar: {env: {TOKEN: "${TOKEN}", HERE: "${here}"}}', **more}
        given.setdefault("releases", '{candidate: {command: [python3, "${here}/serve.py"]}}')
        file = gate_file(tmp_path / name, **given)
        return parts(load(file, {"TOKEN": f"secret of {name}"}))

    def changed(**more: str) -> set[str]:
        one, two = digests("one"), digests("two", **more)
        return {name for name in one if one[name] != two[name]}

    assert changed() == set()  # another checkout, and a secret of its own
    assert changed(program="2") == {"programs"}
    assert changed(boots="3") == {"gate"}
    assert changed(releases="{candidate: {image: new}}") == {"releases", "programs"}


# -- merged ------------------------------------------------------------------------------------


def booted(play, of, only=None, *, sharing=None, targets=SIX, facts=None, **more):
    """The results of some shards; the second target of the second shard does not start."""
    found = []
    for number in only or range(1, of + 1):
        late = serves(0.5, "set up", 3600.0)
        played = play(
            serves(),
            targets=targets,
            sharing=replace(sharing or Sharing(number, of), number=number, gate="bootgate.yaml"),
            facts=replace(FACTS, cpus=number),
            **{"programs": {"late": late}, **more},
        )
        for check in played.gate.plan.own:
            played.gate.check(check)
            for item in check.asked:
                played.gate.note_shown(check.profile, check.target, item)
        found.append(played.gate.outcome())
        played.close()
    return found


@pytest.fixture
def write(tmp_path):
    """Write results to files; returns their paths."""

    def to_files(results, name="shard"):
        paths = [tmp_path / f"{name}-{n}.json" for n, _ in enumerate(results, 1)]
        for path, result in zip(paths, results, strict=True):
            path.write_bytes(result if isinstance(result, bytes) else codec.encode(result))
        return paths

    return to_files


def merged(paths):
    ((result, _),) = merge(paths)
    return result


def resealed(result, change) -> bytes:
    """The JSON of a result with a change in it that its digest does not tell."""
    plain = json.loads(codec.encode(result))
    change(plain)
    plain["digest"] = codec._digest(plain)
    return json.dumps(plain).encode()


def test_merged_shards_are_the_whole_gate(play, write):
    (whole,) = booted(play, 1)
    result = merged(write(booted(play, 3)))
    assert (result.verdict, result.error) == ("pass", None)
    assert result.unjudged == ()
    assert [check.target for check in result.checks] == list("abcdef")
    assert [check.verdict for check in result.checks] == [c.verdict for c in whole.checks]
    assert result.lines == whole.lines
    assert result.releases == whole.releases
    assert result.shard is None
    assert [(p.number, p.machine.cpus) for p in result.shards] == [(1, 1), (2, 2), (3, 3)]
    assert [m.cpus for m in result.machines] == [1, 2, 3]
    assert codec.decode(codec.encode(result)) == result


def test_growth_and_propagation_come_out_as_in_one_run(play, write):
    more = {**VARY, "targets": "{a: {propagation: {hold: kill, in: start}}, b: {}}"}
    (whole,) = booted(play, 1, **more)
    result = merged(write(booted(play, 3, **more)))
    every = [
        [(c.kind, c.target, c.profile, c.verdict, [f.kind for f in c.findings]) for c in r.checks]
        for r in (result, whole)
    ]
    assert every[0] == every[1]
    assert {kind for kind, *_ in every[0]} == {"boot", "growth", "propagation"}
    assert len(every[0]) == 2 * 2 * 2 + 2 * 2 + 2 * 2


def test_the_order_of_the_files_makes_no_difference(play, write):
    paths = write(booted(play, 3))
    assert merged(paths[::-1]).checks == merged(paths).checks


def test_a_shard_without_a_share_belongs_to_the_whole(play, write):
    result = merged(write(booted(play, 8)))
    assert (result.verdict, len(result.shards)) == ("pass", 8)


def test_a_failure_is_told_beside_what_another_shard_booted(play, write):
    """As where one run boots both: isolated does not start, main does on the same release."""
    targets = "{isolated: {start: cold}, main: {}}"
    both = serves(by_boot={1: (0.5, "set up", 3600.0)})
    results = [
        *booted(play, 2, [1], targets=targets, programs={"new": both}),
        *booted(play, 2, [2], targets=targets),
    ]
    result = merged(write(results))
    assert result.verdict == "fail"
    (failed,) = [found for found in result.targets if found.verdict == "fail"]
    assert [(one.target, one.verdict) for one in result.beside(failed)] == [("main", "pass")]


def wrong(paths) -> str:
    """Why results cannot be merged; what is there all the same is never a pass."""
    result = merged(paths)
    assert result.verdict == "error"
    assert result.error is not None
    return result.error


def test_a_missing_shard(play, write):
    first, _, third = write(booted(play, 3))
    assert wrong([first, third]) == (
        "Shard 2 of 3 is missing. Name the results of all shards; rerun what ended without one."
        " Not everything was judged: not booted: d, e."
    )
    assert "Shards 2, 3 of 3 are missing." in wrong([first])


def test_a_doubled_shard(play, write):
    paths = write(booted(play, 3))
    again = write(booted(play, 3, [2]), "again")
    assert wrong([*paths, *again]) == (
        f"Shard 2 is there 2 times ({paths[1]} and {again[0]}). Leave all but one out."
    )
    assert "Shard 2 is there 2 times" in wrong([*paths, paths[1]])


@pytest.mark.parametrize(
    ("foreign", "differs"),
    [
        ({"rules": "retries: 1"}, "its gate file as it was loaded differs in gate. Use the same"),
        ({"targets": SIX.replace("30s", "31s")}, "its gate file as it was loaded differs in"),
        ({"sharing": Sharing(2, 4)}, "its number of shards is 4, not 3. Run all shards with the"),
        (
            {"sharing": Sharing(2, 3, history={("campaign", "default", "a"): 1e6})},
            "its plan shares out the checks differently. Give all shards the same",
        ),
    ],
    ids=["rules", "targets", "number", "plan"],
)
def test_a_foreign_shard(play, write, foreign, differs):
    first, second, third = write(booted(play, 3))
    of = foreign.pop("sharing", Sharing(2, 3))
    (other,) = write(booted(play, of.of, [2], sharing=of, **foreign), "foreign")
    said = wrong([first, other, third])
    assert f"{other} does not belong to {first}: {differs}" in said
    assert "Shard 2 of 3 is missing." in said
    assert "Not everything was judged: not booted: d, e." in said
    assert wrong([first, second, third, other])  # nor beside all that belong together
    assert merged([first, second, third]).verdict == "pass"


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (lambda p: p.update(bootgate="0.0.1"), "its pytest-bootgate is 0.0.1, not"),
        (lambda p: p.update(engine_name="docker"), "its engine is docker, not memory. Name one"),
        (
            lambda p: p["releases"]["candidate"].update(identity="sha256:other"),
            "its releases differ in candidate new sha256:other, not new",
        ),
        (
            lambda p: p["shard"]["images"].update(new="sha256:other"),
            "its images differ in new sha256:other, not",
        ),
        (
            lambda p: p["releases"]["candidate"].update(version="2"),
            "its version of the candidate is 2, not 1",
        ),
        (
            lambda p: p["shard"]["options"].update({"--bootgate-boots": "9..9"}),
            "its options differ in --bootgate-boots 9..9, not nothing",
        ),
    ],
    ids=["version", "engine", "release", "image", "said", "options"],
)
def test_what_must_agree(play, write, change, differs):
    results = [
        replace(r, releases={"candidate": replace(r.releases["candidate"], version="1")})
        for r in booted(play, 3)
    ]
    foreign = [results[0], resealed(results[1], change), results[2]]
    paths = write(foreign)
    assert f"{paths[1]} does not belong to {paths[0]}: {differs}" in wrong(paths)


@pytest.mark.parametrize(
    ("change", "damage"),
    [
        (lambda p: p["shard"].update(number=9), "there is no shard 9 of 3"),
        (lambda p: p["shard"].update(of=10**6), "there is no shard 2 of 1000000"),
        (lambda p: p["shard"].update(plan=[]), "its plan has no checks"),
        (lambda p: p["shard"]["plan"].append(p["shard"]["plan"][0]), "one of them twice"),
        (lambda p: p["shard"]["plan"][0].update(shard=4), "its plan has other shards than 3"),
        (lambda p: p["targets"].append(p["targets"][0]), "it has the check d twice"),
        (lambda p: p["targets"][0].update(target="a"), "the check a, which is not its own"),
        (lambda p: p["targets"][0].update(boots=[]), "d has verdict pass and no boot that started"),
        (
            lambda p: p["targets"][0]["rules"].update(slower=0.5),
            "d was judged by other rules than its plan has",
        ),
        (lambda p: p["targets"][0].update(left_out="x"), "d is left out, and its plan asks for it"),
        (
            lambda p: p["targets"][0]["judgement"].update(
                findings=[{"verdict": "fail", "subject": "boot", "text": "x"}]
            ),
            "d has verdict pass and a finding fail",
        ),
        (lambda p: p["shard"].update(gate="../../etc/x"), "is no gate file below a directory"),
        (lambda p: p["shard"].update(gate="/etc/x"), "is no gate file below a directory"),
        (lambda p: p["shard"].update(gate="a\x00b"), "a name in it cannot be shown"),
        (lambda p: p["targets"][0].update(target="\x1b[2J"), "which is not its own"),
    ],
)
def test_what_no_run_writes(play, write, change, damage):
    first, second, third = booted(play, 3)
    paths = write([first, resealed(second, change), third])
    said = wrong(paths)
    assert f"{paths[1]} is damaged: " in said
    assert damage in said


def test_a_check_that_is_not_there(play, write):
    first, second, third = booted(play, 3)
    paths = write([first, resealed(second, lambda p: p["targets"].pop()), third])
    assert wrong(paths) == "Not everything was judged: not booted: e."


def test_a_check_of_which_nobody_saw_the_verdict(play, write):
    first, second, third = booted(play, 3)
    unseen = {"target": "d", "profile": "default", "item": WHOLE, "booted": True, "kind": WHOLE}
    paths = write([first, resealed(second, lambda p: p.update(unjudged=[unseen])), third])
    assert wrong(paths) == (
        "Not everything was judged: booted, but the item that gives the verdict did not run:"
        " d::boot."
    )


def test_what_is_no_shard_is_named_and_never_left_out_silently(play, write, tmp_path):
    results = booted(play, 3)
    paths = write(results)
    (whole,) = write(booted(play, 1, sharing=Sharing(1, 1)), "one")
    assert merged([whole]).verdict == "pass"  # one shard of one is all of it
    others = write([merged(paths), replace(results[0], shard=None, error=None)], "other")
    assert f"{others[0]} is merged already. Leave it out." in wrong([*paths, others[0]])
    assert f"{others[1]} is no shard, but a whole gate." in wrong([*paths, others[1]])
    edited = tmp_path / "edited.json"
    edited.write_bytes(codec.encode(results[0]).replace(b'"seconds": 1.5', b'"seconds": 0.5'))
    assert "was changed after it was written" in wrong([edited, *paths[1:]])
    for data in (b"", b"{}", b"null", b"[", b"[]", b"\xff", b'{"schema": 3}', b"[" * 9999):
        edited.write_bytes(data)
        assert wrong([edited, *paths[1:]])
        with pytest.raises(BootgateError):
            merge([edited])
    with pytest.raises(BootgateError, match=r"cannot be read: No such file or directory"):
        merge([tmp_path / "none.json"])


def test_two_gate_files_are_two_results(play, write):
    one = booted(play, 2)
    two = [
        resealed(r, lambda p: (p["shard"].update(gate="b/bootgate.yaml"), p.update(file="/b")))
        for r in booted(play, 2)
    ]
    both = write([*one, *two])
    assert [(r.verdict, s.gate) for r, s in merge(both)] == [
        ("pass", "bootgate.yaml"),
        ("pass", "b/bootgate.yaml"),
    ]
    assert [result.verdict for result, _ in merge(both[:3])] == ["pass", "error"]


@pytest.mark.slow
def test_whatever_is_changed_in_a_shard_it_ends_in_words(play, write, tmp_path):
    """Broken at random in every place; a digest that fits, so that nothing stops it before."""
    rng = random.Random(15)
    first, second, third = booted(play, 3)
    paths = write([first, second, third])
    odd = [None, True, -1, 10**400, 1e308, "", "x", "\x00", "\ud800", [], {}, [None], {"a": 1}]
    ways = list(_ways(json.loads(codec.encode(second))))
    for _ in range(150):
        *way, last = rng.choice(ways)

        def change(plain, way=way, last=last):
            for key in way:
                plain = plain[key]
            if rng.random() < 0.2:
                del plain[last]
            else:
                plain[last] = rng.choice(odd)

        paths[1].write_bytes(resealed(second, change))
        for result, _ in merge(paths):
            codec.encode(result)


def _ways(value, above=()):
    if above:
        yield above
    inner = enumerate(value) if isinstance(value, list) else ()
    for key, one in value.items() if isinstance(value, dict) else inner:
        yield from _ways(one, (*above, key))
