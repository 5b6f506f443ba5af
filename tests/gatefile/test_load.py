import subprocess
import sys
from pathlib import Path

import pytest

from pytest_bootgate.gatefile import GateFile, load
from pytest_bootgate.probes.http import Http
from pytest_bootgate.probes.line import Line
from pytest_bootgate.probes.stub import Stub
from pytest_bootgate.quantities import Boots, Memory, Seconds, Share

HERE = Path(__file__).parent

#: The examples of the design, the second one with releases.
SMALLEST = (HERE / "good/smallest.yaml").read_text()
GATEWAY = (HERE / "good/gateway.yaml").read_text()


def gate(tmp_path: Path, text: str) -> GateFile:
    path = tmp_path / "bootgate.yaml"
    path.write_text(text)
    return load(path, {}).gate


def test_the_smallest_file(tmp_path: Path) -> None:
    loaded = gate(tmp_path, SMALLEST)
    target = loaded.targets["boot"]
    assert loaded.releases.candidate.image == "my-api:1.9"
    assert (target.timeout, target.start, target.trigger, target.proof) == (60, "cold", None, None)
    assert list(target.phases) == ["proof"]
    assert target.phases["proof"].kind == Http(":8080/health", json={"status": "ok"})
    assert loaded.gate.boots == Boots(5, 30)


def test_a_gateway(tmp_path: Path) -> None:
    loaded = gate(tmp_path, GATEWAY)
    target = loaded.targets["isolated"]
    assert loaded.gateway.command == ["my-gateway", "serve"]
    assert loaded.sidecar.stub is not None
    assert loaded.sidecar.stub.reply.json == {"ok": True}
    assert target.trigger is not None
    assert (target.trigger.exec, target.trigger.in_) == (
        ["my-gateway", "run", "daily-content-task"],
        "sidecar",
    )
    assert list(target.phases) == [
        "accepted", "context_engine", "tools_config", "agent_persona", "task_started",
    ]  # fmt: skip
    assert target.phases["accepted"].kind == Line('"accepted":true', from_="trigger")
    assert (target.phases["tools_config"].limit, target.phases["agent_persona"].deadline) == (5, 30)
    assert target.phases["task_started"].kind == Stub(True)
    assert target.signals["failed"].means == "failed"


def test_quantities_are_typed(tmp_path: Path) -> None:
    loaded = gate(
        tmp_path,
        SMALLEST + "profiles: {low: {cpus: 1, memory: 2g}}\ngate: {fail_at: 90%, boots: 3..4}\n",
    )
    assert type(loaded.targets["boot"].timeout) is Seconds
    assert type(loaded.profiles["low"].memory) is Memory
    assert type(loaded.gate.fail_at) is Share
    assert type(loaded.gate.boots) is Boots
    assert loaded.profiles["low"].memory == 2 << 30
    assert loaded.gate.boots == (3, 4)


def test_keys_and_dates_are_texts(tmp_path: Path) -> None:
    loaded = gate(
        tmp_path,
        r"""
releases: {candidate: {image: "api:1.9", version: 2026-05-07}}
gateway: {version: {line: 'api (?P<version>\S+)'}}
targets:
  1: {timeout: 60s, proof: {http: ":8080/", json: {on: true, 2: 1:30, 3: 2026-05-07, none: ~}}}
""",
    )
    assert loaded.releases.candidate.version == "2026-05-07"
    data = {"on": True, "2": "1:30", "3": "2026-05-07", "none": None}
    assert loaded.targets["1"].phases["proof"].kind == Http(":8080/", json=data)


def test_aliases_are_read(tmp_path: Path) -> None:
    loaded = gate(
        tmp_path,
        """
releases: {candidate: &api {image: "api:1.9"}, baseline: *api}
targets: {a: &a {timeout: 60s, proof: {line: done}}, b: *a}
""",
    )
    assert loaded.releases.baseline == loaded.releases.candidate
    assert loaded.targets["a"] == loaded.targets["b"]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert gate(tmp_path, "\ufeff" + SMALLEST).targets.keys() == {"boot"}


def test_paths_are_absolute(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("sidecar.py", "config.json", "below/extra $.json"):
        (tmp_path / name).touch()
    loaded = gate(
        tmp_path,
        """
releases:
  candidate: {image: "api:1.9", files: {/etc/extra: {path: "below/extra $$.json"}}}
gateway:
  files: {"${dir}/config": {path: "${here}/config.json"}, /etc/token: {text: "${token}"}}
sidecar: {program: ./sidecar.py}
targets: {boot: {timeout: 60s, proof: {line: done}}}
""",
    )
    here = tmp_path.resolve()
    assert loaded.sidecar.program == str(here / "sidecar.py")
    assert loaded.gateway.files["${dir}/config"].path == str(here / "config.json")
    assert loaded.gateway.files["/etc/token"].text == "${token}"
    assert loaded.releases.candidate.files["/etc/extra"].path == str(here / "below/extra $.json")


def test_where_things_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bootgate.yaml"
    path.write_text(GATEWAY)
    loaded = load(path, {})
    assert loaded.path == path
    assert loaded.line() == 1
    assert loaded.line("targets", "isolated") == 8
    assert loaded.line("targets", "isolated", "phases", "tools_config") == 14
    assert loaded.line("targets", "isolated", "phases", "unheard_of") == 11
    assert loaded.line("targets", "elsewhere", "phases") == 7
    assert loaded.where("targets", "isolated", "phases", "accepted") == f"{path}:12:7"
    monkeypatch.chdir(tmp_path)
    assert loaded.where("targets", "isolated", "timeout") == "bootgate.yaml:9:5"


def test_what_a_preset_says_stands_where_the_gate_file_comes_nearest(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"
    path.write_text(
        f"preset: {HERE}/presets/tiny/preset.yaml\n"
        'releases: {candidate: {image: "tiny:2"}}\n'
        "targets:\n"
        "  isolated:\n"
        "    phases: {loaded: {deadline: 9s}}\n"
    )
    loaded = load(path, {})
    assert loaded.line("targets", "isolated", "phases", "loaded") == 5
    assert loaded.line("targets", "isolated", "phases", "started") == 5
    assert loaded.line("targets", "isolated", "timeout") == 4
    assert loaded.line("gateway", "ready") == 1


def test_the_model_needs_no_yaml() -> None:
    script = "import sys, pytest_bootgate; assert not {'yaml', 'msgspec'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", script], check=True)
