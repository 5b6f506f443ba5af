"""A gate file on its preset, and targets on each other."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from pytest_bootgate.gatefile import GateFile, load
from pytest_bootgate.probes.file import File
from pytest_bootgate.probes.http import Http
from pytest_bootgate.probes.line import Line
from pytest_bootgate.probes.tcp import Tcp

PRESETS = Path(__file__).parent / "presets"

Gate = Callable[..., GateFile]


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """A gate file on the preset `tiny`, loaded."""

    def gate(text: str, *, preset: str = f"{PRESETS}/tiny/preset.yaml") -> GateFile:
        path = tmp_path / "bootgate.yaml"
        head = f'preset: {preset}\nreleases: {{candidate: {{image: "tiny:2"}}}}\n'
        path.write_text(head + text)
        return load(path, {}).gate

    return gate


def test_a_preset_alone(gate: Gate) -> None:
    loaded = gate("")
    assert list(loaded.targets) == ["isolated", "main"]
    assert (loaded.targets["isolated"].start, loaded.targets["main"].start) == ("cold", "warm")
    assert (loaded.targets["isolated"].timeout, loaded.targets["main"].listen) == (60, 20)
    assert list(loaded.targets["main"].phases) == ["accepted", "loaded", "started"]
    assert loaded.gate.fail_at == 0.9


def test_a_preset_finds_its_own_files(gate: Gate) -> None:
    loaded = gate("")
    assert loaded.sidecar.program == str(PRESETS / "tiny/sidecar.py")
    assert loaded.gateway.files["/etc/tiny.json"].path == str(PRESETS / "tiny/tiny.json")


def test_a_preset_by_name(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("pytest_bootgate.gatefile.load"), "PRESETS", PRESETS)
    loaded = gate("", preset="tiny")
    assert (loaded.preset, loaded.gateway.command) == ("tiny", ["tiny", "serve"])


def test_mappings_merge_and_all_else_replaces(gate: Gate) -> None:
    loaded = gate(
        "gateway: {command: [other], env: {LEVEL: debug, NEW: x}}\ngate: {warn_at: 70%}\n"
    )
    assert loaded.gateway.command == ["other"]
    assert loaded.gateway.env == {"MODE": "staging", "LEVEL": "debug", "NEW": "x"}
    assert (loaded.gate.fail_at, loaded.gate.warn_at) == (0.9, 0.7)


def test_null_removes(gate: Gate) -> None:
    loaded = gate(
        "gateway: {env: {MODE: null}, ready: ~}\n"
        "target: {signals: {cron: ~}, phases: {loaded: null, accepted: {limit: ~}}}\n"
    )
    assert loaded.gateway.env == {"LEVEL": "info"}
    assert loaded.gateway.ready is None
    assert loaded.targets["main"].signals == {}
    assert list(loaded.targets["main"].phases) == ["accepted", "started"]
    assert loaded.targets["main"].phases["accepted"].limit is None


def test_null_removes_a_target(gate: Gate) -> None:
    assert list(gate("targets: {isolated: null}\n").targets) == ["main"]
    assert list(gate("targets: {main: , isolated: ~, other: {}}\n").targets) == ["main", "other"]


def test_only_the_targets_of_the_gate_file_exist(gate: Gate) -> None:
    loaded = gate("targets:\n  other: {listen: 1s}\n  main:\n")
    assert list(loaded.targets) == ["other", "main"]
    assert (loaded.targets["main"].start, loaded.targets["main"].listen) == ("warm", 20)
    assert (loaded.targets["other"].start, loaded.targets["other"].listen) == ("cold", 1)


def test_target_is_under_every_target(gate: Gate) -> None:
    loaded = gate("target: {timeout: 30s, listen: 5s}\n")
    assert [target.timeout for target in loaded.targets.values()] == [30, 30]
    assert [target.listen for target in loaded.targets.values()] == [5, 20]


def test_known_phases_are_overridden_in_place(gate: Gate) -> None:
    loaded = gate("target: {phases: {started: {deadline: 50s}, accepted: {limit: 7s}}}\n")
    phases = loaded.targets["main"].phases
    assert list(phases) == ["accepted", "loaded", "started"]
    assert phases["accepted"].kind == Line("accepted", from_="trigger")
    assert (phases["accepted"].limit, phases["started"].deadline) == (7, 50)


def test_new_phases_replace_all(gate: Gate) -> None:
    text = "target: {phases: {accepted: {line: ok}, done: {line: 'done ${token}'}}}\n"
    phases = gate(text).targets["main"]
    assert list(phases.phases) == ["accepted", "done"]
    assert phases.phases["accepted"].limit is None


def test_no_phases_and_a_proof(gate: Gate) -> None:
    target = gate("targets: {main: {phases: {}, trigger: null, start: cold, proof: {line: up}}}\n")
    assert list(target.targets["main"].phases) == ["proof"]
    assert target.targets["main"].trigger is None
    assert target.targets["main"].proof is None


def test_a_proof_comes_after_the_phases(gate: Gate) -> None:
    target = gate('target: {proof: {http: ":8080/${token}"}}\n').targets["isolated"]
    assert list(target.phases) == ["accepted", "loaded", "started", "proof"]


def test_a_probe_in_another_place_replaces(gate: Gate) -> None:
    loaded = gate(
        'gateway: {ready: {http: ":8080/ready"}}\n'
        'target: {phases: {accepted: {tcp: ":1"}, loaded: {line: x}},\n'
        "  signals: {cron: {file: /x}}}\n"
    )
    ready, phases = loaded.gateway.ready, loaded.targets["main"].phases
    assert ready is not None
    assert ready.kind == Http(":8080/ready")
    assert (phases["accepted"].kind, phases["accepted"].limit) == (Tcp(":1"), None)
    assert phases["loaded"].kind == Line("x")
    assert loaded.targets["main"].signals["cron"].kind == File("/x")


def test_a_trigger_of_another_kind_replaces(gate: Gate) -> None:
    loaded = gate(
        'targets:\n  isolated: {trigger: {http: ":8080/run"}}\n  main: {trigger: {in: sidecar}}\n'
    )
    isolated, main = loaded.targets["isolated"].trigger, loaded.targets["main"].trigger
    assert isolated is not None
    assert main is not None
    assert (isolated.exec, isolated.http) == (None, ":8080/run")
    assert (main.exec, main.in_) == (["tiny", "run", "${target}", "${token}"], "sidecar")


def test_as_takes_over_another_target(gate: Gate) -> None:
    loaded = gate(
        "targets:\n"
        "  cold-main: {extends: main, start: cold}\n"
        "  colder-main: {extends: cold-main, listen: 1s, phases: {loaded: ~}}\n"
    )
    cold, colder = loaded.targets["cold-main"], loaded.targets["colder-main"]
    assert list(loaded.targets) == ["cold-main", "colder-main"]
    assert (cold.extends, cold.start, cold.listen) == ("main", "cold", 20)
    assert (colder.extends, colder.start, colder.listen) == ("main", "cold", 1)
    assert list(colder.phases) == ["accepted", "started"]


def test_a_target_may_remove_what_is_common(gate: Gate) -> None:
    loaded = gate("targets: {isolated: {signals: ~, phases: {accepted: ~}}, main: {}}\n")
    assert loaded.targets["isolated"].signals == {}
    assert list(loaded.targets["isolated"].phases) == ["loaded", "started"]
    assert list(loaded.targets["main"].signals) == ["cron"]


def test_a_preset_may_rest_on_another(tmp_path: Path, gate: Gate) -> None:
    (tmp_path / "team.yaml").write_text(
        f"preset: {PRESETS}/tiny/preset.yaml\ntarget: {{timeout: 45s}}\ntargets: {{main: {{}}}}\n"
    )
    loaded = gate("gate: {fail_at: 85%}\n", preset="./team.yaml")
    assert list(loaded.targets) == ["main"]
    assert (loaded.targets["main"].timeout, loaded.gate.fail_at) == (45, 0.85)
    assert loaded.preset == "./team.yaml"


def test_variables_that_are_overridden_need_no_value(tmp_path: Path, gate: Gate) -> None:
    (tmp_path / "team.yaml").write_text("gateway: {env: {KEY: '${TEAM_KEY}', MODE: x}}\n")
    loaded = gate(
        "gateway: {env: {KEY: mine}}\ntargets: {boot: {timeout: 60s, proof: {line: up}}}\n",
        preset="./team.yaml",
    )
    assert loaded.gateway.env == {"KEY": "mine", "MODE": "x"}


def test_null_stays_null_in_free_data(gate: Gate) -> None:
    loaded = gate('targets: {main: {start: cold, trigger: {http: ":1/", json: {a: null}}}}\n')
    trigger = loaded.targets["main"].trigger
    assert trigger is not None
    assert trigger.json == {"a": None}


def test_extends_takes_an_environment_variable(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"
    path.write_text(
        'releases: {candidate: {image: "tiny:2"}}\n'
        "targets: {main: {timeout: 7s, proof: {line: up}}, other: {extends: '${WHICH}'}}\n"
    )
    other = load(path, {"WHICH": "main"}).gate.targets["other"]
    assert (other.extends, other.timeout) == ("main", 7)


def test_null_without_a_preset_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"
    path.write_text(
        'preset: null\nreleases: {candidate: {image: "tiny:2"}, baseline: ~}\n'
        "target: null\n"
        "targets: {main: {timeout: 7s, trigger: null, phases: ~, proof: {line: up}}}\n"
    )
    gate = load(path, {}).gate
    assert gate.releases.baseline is None
    assert list(gate.targets["main"].phases) == ["proof"]


def test_null_keeps_a_target_where_there_is_no_preset(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"  # what wrote YAML anew made `main: null` of `main:`
    path.write_text(
        'releases: {candidate: {image: "tiny:2"}}\n'
        "target: {timeout: 7s, proof: {line: up}}\n"
        "targets: {main: null, other: {}}\n"
    )
    assert list(load(path, {}).gate.targets) == ["main", "other"]


def test_as_does_not_take_a_propagation_test_over(gate: Gate) -> None:
    targets = gate(
        "targets:\n"
        "  main: {timeout: 5s, start: cold, proof: {line: up}, propagation: {hold: pause}}\n"
        "  again: {extends: main}\n"
        "  own: {extends: main, propagation: {hold: starve}}\n"
    ).targets
    assert targets["main"].propagation.hold == "pause"
    assert targets["again"].propagation is None
    assert targets["own"].propagation.hold == "starve"


def test_what_a_preset_excludes_stays_excluded(gate: Gate) -> None:
    """Whoever leaves out one more directory does not copy the preset's credentials."""
    names = gate("state: {from: ., exclude: [cache]}", preset="openclaw").state.exclude
    assert {".env", "credentials", "cache"} < {*names}
