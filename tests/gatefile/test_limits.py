"""Gate files that are made to be long, deep or huge. Many more of them: tests/fuzz/gatefiles.py."""

from pathlib import Path

import pytest

from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import load, patterns

HEAD = "releases: {candidate: {image: a}}\n"
TARGET = HEAD + "targets: {a: {timeout: 60s, proof: {line: up}}}\n"


def mistakes(directory: Path, text: str) -> list[str]:
    path = directory / "bootgate.yaml"
    path.write_text(text)
    with pytest.raises(GateFileError) as caught:
        load(path, {})
    return [mistake.removeprefix(f"{path}:") for mistake in caught.value.mistakes]


def many(line: str, count: int) -> str:
    return "".join(f"  {line.format(n, n + 1)}\n" for n in range(count))


HUGE = "0x" + "f" * 5000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"gate: {{retries: {HUGE}}}", "3:17: 'retries' must be a whole number, not '0xfff"),
        (f"ports: {{http: {HUGE}}}", "3:15: 'http' must be a whole number, not '0xfff"),
        (f"profiles: {{a: {{cpus: {HUGE}}}}}", "3:22: 'cpus' must be more than 0: write 0.25"),
        (f"gate: {{fail_at: {HUGE}}}", "3:17: '0xfffffffffffffffffffffffffffffffffffffff"),
        (f"notify: {{a: {{command: [{HUGE}]}}}}", "3:24: an item of 'command' must be a text"),
        ('preset: "a/\\0"', "3:9: 'preset' is no path: embedded null byte: name a file"),
        (f"preset: {'a' * 300}.yaml", "3:9: 'preset' is no path: File name too long: name a file"),
        (f"sidecar: {{program: {'a' * 300}}}", "3:20: 'program' is no path: File name too long"),
        (
            'a: "\\UFFFFFFFF"',
            "3:7: this is not YAML: a number or an escape in it is out of range (",
        ),
        ("a: [" + "[" * 5000, "3:54: more than 50 values lie inside each other"),
    ],
)
def test_what_nothing_can_hold(tmp_path: Path, text: str, told: str) -> None:
    found = mistakes(tmp_path, TARGET + text)
    assert any(one.startswith(told) for one in found), found
    assert max(map(len, found)) < 1000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            HEAD + "target: {phases: {" + many("p{0}: {{line: a{0}}},", 100) + "}}\ntargets:\n"
            + many("t{0}: {{}}", 300),
            ("103:1: with what they share the targets hold more than 20000 values: gate them in"
            " several files"),
        ),
        (
            TARGET.replace("targets: {", "targets: {" + many("t{0}: {{extends: a}},", 40))
            + "profiles:\n" + many("h{0}: {{}}", 40),
            ("43:1: these profiles and targets are 1640 pairs, more than 1000: gate them in"
            " several files"),
        ),
        (
            HEAD + "target: {timeout: 1s, proof: {line: up}}\ntargets:\n"
            + many("t{0}: {{extends: t{1}}}", 300),
            "54:18: more than 50 targets take over from each other: let them take over from one",
        ),
    ],
    ids=["values", "pairs", "chain"],
)  # fmt: skip
@pytest.mark.slow
def test_what_is_multiplied(tmp_path: Path, text: str, told: str) -> None:
    assert told in mistakes(tmp_path, text)


@pytest.mark.slow
def test_of_very_many_mistakes_the_first_are_told(tmp_path: Path) -> None:
    found = mistakes(tmp_path, HEAD + "targets:\n" + many("t{0}: {{extends: x{0}}}", 3000))
    assert len(found) == 101
    assert found[-1].endswith("from here on there are 2900 more mistakes: mend those above first")


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    assert mistakes(tmp_path, TARGET + '"a\\nb\\Lc": 1') == [
        (
            "3:1: unknown key 'a b c' in a gate file: there are preset, config, upgrade, system,"
            " releases, gateway, sidecar, services, state, vary, ports, target, targets, profiles,"
            " kubernetes, gate and notify"
        )
    ]


def test_patterns_have_an_end_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_PATIENCE", 0.02)
    monkeypatch.setattr(patterns, "_ALL", 0.05)
    text = HEAD + "target: {timeout: 1s}\ntargets:\n" + many(
        't{0}: {{proof: {{line: "^(a+)+{0}$"}}}}', 50
    )  # fmt: skip
    assert 1 <= len(mistakes(tmp_path, text)) < 10
