from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from pytest_bootgate.gatefile.patch import PatchError, diff, has, marked, patched
from tests.conftest import ROOT

LIMITS = {"targets": {"isolated": {"phases": {"setup": {"limit": "1.2s"}}}}}
TWO = {"targets": {"isolated": {"phases": {"setup": {"limit": "1.2s"}, "prep": {"limit": "45s"}}}}}
WHY = {("targets", "isolated"): ["ten boots", "- setup: fast"]}


STYLES = {
    "flow": (
        "targets: {isolated: {phases: {setup: {line: 'a, }b' }}}}  # why\n",
        "targets: {isolated: {phases: {setup: {line: 'a, }b', limit: 1.2s }}}}  # why\n",
    ),
    "flow over lines": (
        "targets: {isolated: {phases: {setup: {\n  line: x,  # the mark\n  }}}}\n",
        "targets: {isolated: {phases: {setup: {\n  line: x, limit: 1.2s,  # the mark\n  }}}}\n",
    ),
    "empty flow": (
        "targets: {isolated: {phases: {setup: {}}}}\n",
        "targets: {isolated: {phases: {setup: {limit: 1.2s}}}}\n",
    ),
    "flow key without a value": (
        "targets: {isolated, main: {}}\n",
        "targets: {isolated: {phases: {setup: {limit: 1.2s}}}, main: {}}\n",
    ),
    "block": (
        (
            "targets:\n  isolated:\n    phases:\n      setup:\n        line: x  # the mark\n"
            "      # the proof\n      done: {stub: true}\n"
        ),
        (
            "targets:\n  isolated:\n    phases:\n      setup:\n        line: x  # the mark\n"
            "        limit: 1.2s\n      # the proof\n      done: {stub: true}\n"
        ),
    ),
    "block text": (
        (
            "targets:\n  isolated:\n    phases:\n      setup:\n        line: |\n          x\n\n"
            "      done: {}\n"
        ),
        (
            "targets:\n  isolated:\n    phases:\n      setup:\n        line: |\n          x\n\n"
            "        limit: 1.2s\n      done: {}\n"
        ),
    ),
    "a limit to replace": (
        "targets:\n  isolated: {phases: {setup: {limit: 60s, line: x}}}\n",
        "targets:\n  isolated: {phases: {setup: {limit: 1.2s, line: x}}}\n",
    ),
    "a limit without a value": (
        "targets:\n  isolated:\n    phases:\n      setup:\n        limit:\n",
        "targets:\n  isolated:\n    phases:\n      setup:\n        limit: 1.2s\n",
    ),
    "a target of the preset": (
        "targets:\n    isolated:     # as it is\n    main:\n",
        "targets:\n    isolated: {phases: {setup: {limit: 1.2s}}}     # as it is\n    main:\n",
    ),
    "null": (
        "targets:\n  isolated: ~ # as it is\n",
        "targets:\n  isolated: {phases: {setup: {limit: 1.2s}}} # as it is\n",
    ),
    "no phases": (
        "targets:\n  isolated:\n    timeout: 60s\n\n# end\n",
        "targets:\n  isolated:\n    timeout: 60s\n    phases: {setup: {limit: 1.2s}}\n\n# end\n",
    ),
    "no targets": (
        "preset: x\ngate:\n  fail_at: 80%\n...\n",
        (
            "preset: x\ngate:\n  fail_at: 80%\n"
            "targets: {isolated: {phases: {setup: {limit: 1.2s}}}}\n...\n"
        ),
    ),
    "no newline at the end": (
        "targets:\n  isolated:\n    timeout: 60s # end",
        "targets:\n  isolated:\n    timeout: 60s # end\n    phases: {setup: {limit: 1.2s}}",
    ),
    "behind an alias": (
        "a: &a {b: 1}\ntargets:\n  isolated:\n    signals: *a  # all of it\ngate: {}\n",
        (
            "a: &a {b: 1}\ntargets:\n  isolated:\n    signals: *a  # all of it\n"
            "    phases: {setup: {limit: 1.2s}}\ngate: {}\n"
        ),
    ),
}


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("style", STYLES)
def test_styles(style, ends):
    old, new = (text.replace("\n", ends) for text in STYLES[style])
    assert patched(old, LIMITS) == new
    setup = yaml.safe_load(new)["targets"]["isolated"]["phases"]["setup"]
    assert setup["limit"] == "1.2s"


GATES = [
    *sorted((Path(__file__).parent / "good").glob("*.yaml")),
    *sorted((ROOT / "examples").rglob("*.yaml")),
    *sorted((ROOT / "pytest_bootgate").rglob("preset.yaml")),
]


@pytest.mark.parametrize("path", GATES, ids=lambda path: "-".join(path.parts[-2:]))
def test_nothing_but_the_entries_changes(path):
    text = path.read_text()
    gate = yaml.safe_load(text)
    for target in [*gate.get("targets", {}), "new"]:
        known = (gate.get("targets", {}).get(target) or {}).get("phases") or {}
        phases = {name: {"limit": "1.2s"} for name in [*known, "new"]}
        wanted = {"targets": {target: {"phases": phases}}, "gate": {"fail_at": "90%"}}
        expected = yaml.safe_load(text)
        overlay(expected, wanted)
        new = patched(text, wanted, {("targets", target): ["why"], ("gate",): ["why"]})
        assert yaml.safe_load(new) == expected
        comments = [line[line.index(" #") :] for line in text.splitlines() if " #" in line]
        assert all(comment in new for comment in comments)


def overlay(under, over) -> None:
    for key, value in over.items():
        if isinstance(value, dict):
            under[key] = under.get(key) or {}
            overlay(under[key], value)
        else:
            under[key] = value


def test_several_entries_of_one_mapping():
    old = "targets:\n  isolated: {phases: {setup: {line: x}}}\ngate: {warn_at: 60%}\n"
    new = patched(old, {**TWO, "gate": {"fail_at": "90%", "warn_at": "75%"}})
    assert new == (
        "targets:\n  isolated: {phases: {setup: {line: x, limit: 1.2s}, prep: {limit: 45s}}}\n"
        "gate: {warn_at: 75%, fail_at: 90%}\n"
    )


def test_long_lines_are_broken():
    phases = {f"a_phase_with_a_long_name_{n}": {"limit": "1.2s"} for n in range(4)}
    wanted = {"targets": {"isolated": {"phases": phases}}}
    for old in (
        "targets:\n   isolated:    # from the preset\n",
        "targets:\n   isolated: null\ngate: {}\n",
        "targets:\n   main:\n",
    ):
        new = patched(old, wanted)
        assert yaml.safe_load(new)["targets"]["isolated"] == {"phases": phases}
        assert "\n         a_phase_with_a_long_name_3: {limit: 1.2s}\n" in new
        assert max(map(len, new.splitlines())) <= 100
    flow = patched(f"targets:\n  isolated: {{listen: 10s{' ' * 60}}}\n", wanted)
    assert ",\n             phases: {" in flow
    assert yaml.safe_load(flow)["targets"]["isolated"]["phases"] == phases


def test_names_that_yaml_would_read_otherwise_are_quoted():
    names = ["session:daily", "on", "7", "ä b", "a-b", "{x}"]
    new = patched("{}", {"targets": {name: {} for name in names}})
    assert [*yaml.safe_load(new)["targets"]] == names
    assert "session:daily" in new
    assert "a-b:" in new


def test_a_comment_stands_above_its_key_and_gives_way_to_the_next():
    old = "targets:\n  # of the user\n  isolated: {phases: {}}\n  main: {}\n"
    new = patched(old, LIMITS, WHY)
    assert new == (
        "targets:\n  # of the user\n  # calibrated: ten boots\n  #   - setup: fast\n"
        "  isolated: {phases: {setup: {limit: 1.2s}}}\n  main: {}\n"
    )
    assert marked(new, "targets", "isolated") == ("ten boots", "- setup: fast")
    assert patched(new, LIMITS, WHY) == new
    assert marked(new, "targets", "main") == ()


@pytest.mark.parametrize(
    "old",
    [
        "{targets: {isolated: {}}}",
        "# head\n---\n{gate: {}}\n",
        "targets: {main: {}}\n",
        "preset: x\n",
        "\ufeffpreset: x\n",
        "targets:\n  isolated:\n",
    ],
)
def test_a_comment_finds_a_place_in_every_style_once(old):
    new = patched(old, LIMITS, WHY)
    assert new.count("# calibrated: ten boots") == 1
    assert patched(new, LIMITS, WHY) == new
    assert new.startswith("\ufeff") == old.startswith("\ufeff")


@pytest.mark.parametrize(
    ("old", "said"),
    [
        (
            "a: &a {phases: {}}\ntargets: {isolated: *a}\n",
            "'targets.isolated' .line 2. is shared by an alias",
        ),
        (
            "targets: {isolated: &a {phases: {}}, main: *a}\n",
            "'targets.isolated' .line 1. is shared by an alias",
        ),
        ("targets: [1]\n", "'targets' .line 1. is not a mapping"),
        ("targets: {isolated: {phases: {setup: {limit: []}}}}\n", "is not a single value"),
        ("[]", "not a mapping"),
    ],
)
def test_what_cannot_be_patched(old, said):
    with pytest.raises(PatchError, match=said):
        patched(old, LIMITS)


def test_has():
    text = "targets:\n  isolated: {phases: {setup: {limit: 1s}}}\n"
    assert has(text, "targets", "isolated", "phases", "setup", "limit")
    assert not has(text, "targets", "isolated", "phases", "setup", "deadline")
    assert not has(text, "targets", "isolated", "phases", "setup", "limit", "x")


@pytest.mark.parametrize("tool", ["patch", "git"])
@pytest.mark.parametrize(
    "old",
    [
        "targets:\n  isolated:\n    timeout: 60s",
        "targets:\r\n  isolated:\r\n    timeout: 60s\r\n",
        "targets:\n  isolated: {x: \"a\u2028b\", y: 'ä'}\n",
    ],
    ids=["no newline", "CRLF", "other line ends"],
)
def test_the_diff_is_taken(tool, old, tmp_path):
    if shutil.which(tool) is None:
        pytest.skip(f"there is no {tool} on this machine")
    name = "a gate.yaml"
    new = patched(old, LIMITS, WHY)
    (tmp_path / name).write_bytes(old.encode())
    command = ["patch", "-p1"] if tool == "patch" else ["git", "apply", "-"]
    subprocess.run(
        command, input=diff(old, new, name).encode(), cwd=tmp_path, check=True, timeout=60
    )
    assert (tmp_path / name).read_bytes().decode() == new


def test_no_difference():
    assert diff("a\n", "a\n", "x") == ""
