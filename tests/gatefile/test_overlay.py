"""An operator's own configuration under the gate, and what is said of it."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import overlay
from pytest_bootgate.gatefile.load import PRESETS, load
from pytest_bootgate.run import Plan

OWN = Path(__file__).parent / "own" / "openclaw.json5"
PORTS = {"port.gateway": "18789", "port.model": "8099"}
ENV = {"OPENCLAW_STATE_DIR": "/state", "OPENCLAW_GATEWAY_TOKEN": "bootgate-token", "LOG": "x"}
STUB = "http://127.0.0.1:8099/v1"
GATE = """\
preset: openclaw
config: {config}
releases: {{candidate: {{image: "openclaw:1"}}}}
targets: {{isolated: {{}}}}
"""


def adapted(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    found = overlay.adapted("openclaw", path, PORTS, ENV)
    return json.loads(found.text), found.changes


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_configuration_of_the_preset_needs_no_change():
    own = PRESETS / "openclaw" / "openclaw.json"
    assert adapted(own) == (json.loads(own.read_text()), ())


def test_no_provider_and_no_channel_is_reached():
    config, _ = adapted(OWN)
    providers = config["models"]["providers"]
    assert providers.keys() == {"local", "anthropic", "openrouter", "openai"}
    for provider in providers.values():
        assert provider["baseUrl"] == STUB
        assert provider["apiKey"] == "bootgate"
        assert provider["api"] == "openai-completions"
    assert [model["id"] for model in providers["openrouter"]["models"]] == ["qwen/qwen3-max"]
    assert config["channels"] == {
        "defaults": {"groupPolicy": "allowlist"},
        "telegram": {"enabled": False},
        "slack": {"enabled": False},
    }
    assert not config.keys() & {"auth", "secrets"}
    assert config["gateway"]["auth"] == {"mode": "token", "token": "bootgate-token"}


def test_what_the_operator_wants_to_see_booted_stays():
    config, _ = adapted(OWN)
    before = overlay.read(OWN)
    assert config["bindings"] == before["bindings"]
    assert config["plugins"]["entries"]["browser"] == {"enabled": True}
    assert config["plugins"]["entries"]["search"]["config"] == {
        "baseUrl": "https://search.example",
        "apiKey": "bootgate",  # a variable that the gateway does not have
    }
    (notes,) = config["mcp"]["servers"].values()
    assert notes["args"] == ["/state/workspace/mcp.mjs"]
    assert notes["env"] == {"NOTES_TOKEN": "notes-secret-987654", "LOG": "${LOG}"}
    main, ops, family = config["agents"]["list"]
    assert main == before["agents"]["list"][0]
    assert ops["heartbeat"] == {"every": "24h"}
    assert ops["sandbox"] == {"mode": "off"}
    assert family["tools"] == {"deny": ["exec"]}
    assert config["agents"]["defaults"]["model"] == before["agents"]["defaults"]["model"]


@pytest.mark.parametrize(
    ("own", "offered"),
    [
        ({"agents": {"defaults": {"model": "gpt-5.2"}}}, {"openai": ["gpt-5.2"]}),
        ({"agents": {"defaults": {"model": {"primary": " m "}}}}, {"openai": ["m"]}),
        (
            {"agents": {"list": [{"model": "m"}, {"model": {"primary": "n"}}]}},
            {"openai": ["m", "n"]},
        ),
        ({"agents": {"defaults": {"model": "m", "models": {"X/M": {}}}}}, {"x": ["M"]}),
        ({"agents": {"defaults": {"model": "A", "models": {"x/m": {"alias": "a"}}}}}, {"x": ["m"]}),
        (
            {"agents": {"defaults": {"model": "a", "models": {"m": {"alias": "a"}}}}},
            {"openai": ["m"]},
        ),
        (
            {"agents": {"defaults": {"model": "m", "models": {"x/m": {}, "y/m": {}}}}},
            {"x": ["m"], "y": ["m"], "openai": ["m"]},  # the gateway takes its default
        ),
        (
            {
                "agents": {"defaults": {"model": "m"}},
                "models": {"providers": {"x": {"models": [{"id": "m"}]}}},
            },
            {"x": ["m"]},
        ),
        ({"hooks": {"mappings": [{"model": "m"}]}}, {"openai": ["m"]}),
        ({"agents": {"defaults": {"model": "OpenAI/m"}}}, {"openai": ["m"]}),
        (
            {
                "agents": {"defaults": {"model": "openai/m"}},
                "models": {"providers": {"OpenAI": {}}},
            },
            {"OpenAI": ["m"]},
        ),
        (
            {
                "agents": {"defaults": {"model": "OpenAI/m"}},
                "plugins": {"entries": {"openai": {"enabled": False}}},
            },
            {},
        ),
        (
            {"agents": {"defaults": {"memorySearch": {"provider": "gemini", "model": "emb"}}}},
            {"stub": ["stub-1"]},
        ),
    ],
)
def test_a_model_is_redirected_however_it_is_named(tmp_path, own, offered):
    config, _ = adapted(write(tmp_path / "own.json", json.dumps(own)))
    providers = config["models"]["providers"]
    found = {name: [one["id"] for one in each["models"]] for name, each in providers.items()}
    assert offered == {name: found[name] for name in found if name != "stub" or "stub" in offered}
    assert all(each["baseUrl"] == STUB for each in providers.values())


def test_a_provider_that_is_switched_off_stays_off(tmp_path):
    plugins = {"entries": {"openai": {"enabled": False}}, "deny": ["xai"]}
    model = {"primary": "a/1", "fallbacks": ["openai/2", "xai/3"]}
    own = {"plugins": plugins, "agents": {"defaults": {"model": model}}}
    config, _ = adapted(write(tmp_path / "own.json", json.dumps(own)))
    assert config["models"]["providers"].keys() == {"a"}


def test_every_change_is_listed_and_no_old_value():
    _, changes = adapted(OWN)
    said = "\n".join(changes)
    for line in (
        'agents.list[ops].heartbeat.every: "24h"',
        f'models.providers.local.baseUrl: "{STUB}"',
        "channels.telegram.enabled: false",
        "channels.telegram.botToken,dmPolicy: removed",
        "gateway.auth.password: removed",
        "auth: removed",
        'plugins.entries.search.config.apiKey: "bootgate"',
    ):
        assert line in changes, said
    assert not re.search(r"telegram-secret|hunter2|brave|10\.0\.0\.9|notes-secret", said)


def test_of_a_text_that_was_changed_in_part_nothing_is_shown(tmp_path):
    listed = [{"id": "m", "note": "old", "headers": {}}, "old"]
    own = {
        "mcp": {"servers": {"x": {"args": ["--pw old --id ${ID}", "${ID}", "~/.openclaw/old"]}}},
        "logging": {"redactPatterns": ["pw=old ${ID}"]},
        "models": {"providers": {"a": {"models": listed}, "b": {"models": []}}},
        "agents": {"defaults": {"model": "b/named", "imageModel": "c/x", "sandbox": {"mode": "x"}}},
    }
    _, changes = adapted(write(tmp_path / "own.json", json.dumps(own)))
    for line in (
        "mcp.servers.x.args[0]: changed",
        'mcp.servers.x.args[1]: "bootgate"',
        "mcp.servers.x.args[2]: changed",
        "logging.redactPatterns[0]: changed",
        "models.providers.a.models[1]: removed",
        'models.providers.b.models[named]: {"id": "…", "name": "…"}',
        'agents.defaults.sandbox.mode: "off"',
    ):
        assert line in changes, "\n".join(changes)
    assert not [line for line in changes if "old" in line]


def test_the_same_change_in_many_entries_is_one_line(tmp_path):
    agents = [{"id": f"a{n}", "heartbeat": {"every": "1h"}} for n in range(100)]
    path = write(tmp_path / "a.json", json.dumps({"agents": {"list": agents}}))
    _, changes = adapted(path)
    assert 'agents.list[*].heartbeat.every: "24h" (100 times)' in changes
    assert len(changes) < 10


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"agents": [], "models": 1, "channels": [], "gateway": "x", "env": [], "cron": null}',
        '{"agents": {"defaults": null, "list": [1, null, {"heartbeat": 3, "model": 7}]}}',
        '{"models": {"providers": {"a": null, "b": {"models": {}}, "c": {"models": [1, {}]}}}}',
        '{"agents": {"defaults": {"models": {"x/*": {}, "alias": {}}, "model": "x/y"}}}',
        '{"env": {"vars": {"A_KEY": "s"}}, "hooks": {"gmail": {}}, "logging": {"level": "info"}}',
    ],
)
def test_whatever_it_holds_it_is_adapted(tmp_path, text):
    config, _ = adapted(write(tmp_path / "own.json", text))
    assert config["gateway"]["port"] == 18789
    assert config["agents"]["defaults"]["heartbeat"] == {"every": "24h"}
    assert all(one["baseUrl"] == STUB for one in config["models"]["providers"].values())


def test_a_file_may_include_others(tmp_path):
    write(tmp_path / "one.json", '{"a": {"x": 1, "y": [1]}, "b": 1}')
    write(tmp_path / "two.json", '{"a": {"y": [2]}}')
    own = write(tmp_path / "own.json", '{"$include": ["./one.json", "./two.json"], "b": 2}')
    assert overlay.read(own) == {"a": {"x": 1, "y": [1, 2]}, "b": 2}


def test_its_secrets_are_hidden_and_its_changes_are_known(tmp_path):
    gate = write(tmp_path / "bootgate.yaml", GATE.format(config=OWN))
    loaded = load(gate, {})
    assert loaded.mask.text("key notes-secret-987654, 123456:telegram-secret-token") == (
        "key ***, ***"
    )
    assert list(Plan(loaded).adapted) == [str(OWN)]


def test_one_for_each_value_of_what_varies(tmp_path):
    for agents in (1, 30):
        text = json.dumps({"agents": {"defaults": {"memory": {"apiKey": f"of-{agents}-agents"}}}})
        write(tmp_path / f"own-{agents}.json", text)
    text = GATE.format(config='"./own-${AGENTS}.json"') + "vary: {AGENTS: [1, 30]}\n"
    loaded = load(write(tmp_path / "bootgate.yaml", text), {})
    assert {Path(path).name for path in Plan(loaded).adapted} == {"own-1.json", "own-30.json"}
    assert loaded.mask.text("of-1-agents, of-30-agents") == "***, ***"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{a: ", "own.json is neither JSON nor JSON5: line 1 "),
        ("[1]", "own.json holds no object ({...})"),
        ("[" * 5000, "own.json is nested too deeply"),
        ('{"$include": "./own.json"}', "own.json includes ./own.json, which includes it"),
        ("{" + '"a": {' * 200 + "}" * 201, "own.json is nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "own.json: Exceeds the limit"),
        ("{a: " + "9" * 5000 + "}", "own.json is neither JSON nor JSON5: Exceeds the limit"),
        ('{"a": "\\ud800"}', r"own.json holds a text with \ud800, a lone surrogate"),
        ('{"\\udfff": 1}', r"own.json holds a text with \udfff, a lone surrogate"),
        (b'{"a":\n"\xff"}', "own.json is no UTF-8 in line 2"),
        ('{"a": "' + "x" * (4 << 20) + '"}', "own.json is larger than 4 MiB"),
        (
            '{"a": 1,\n b: "' + "x" * 100_000 + '"}',
            "), and with more than 100 kB too large for JSON5; make JSON of it",
        ),
        (
            '{"$include": "./gone.json"}',
            "own.json includes ./gone.json, which cannot be read: No such file or directory",
        ),
        ('{"$include": "./dir"}', "own.json includes ./dir: dir is no regular file"),
        ('{"$include": "./fifo"}', "own.json includes ./fifo: fifo is no regular file"),
        ('{"$include": "/dev/zero"}', "own.json includes /dev/zero: zero is no regular file"),
        ('{"$include": "./loop"}', "own.json includes ./loop, which cannot be read: Too many"),
        ('{"$include": 5}', "own.json: $include takes the name of a file"),
        ('{"$include": "\\u0000"}', "own.json: $include takes the name of a file"),
    ],
)
def test_what_is_no_configuration_is_a_mistake(tmp_path, text, said):
    (tmp_path / "own.json").write_bytes(text.encode() if isinstance(text, str) else text)
    (tmp_path / "dir").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    gate = write(tmp_path / "bootgate.yaml", GATE.format(config="./own.json"))
    with pytest.raises(GateFileError) as caught:
        load(gate, {})
    (mistake,) = caught.value.mistakes
    assert "bootgate.yaml:2:9: " in mistake
    assert said in mistake


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' /proc")
def test_no_more_is_read_than_the_limit_where_a_file_has_no_size(monkeypatch):
    monkeypatch.setattr(overlay, "_MOST", 10)
    with pytest.raises(ValueError, match="status is larger than"):
        overlay.read(Path("/proc/self/status"))


def test_json5_without_its_reader(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "json5", None)
    plain, commented = tmp_path / "plain.json", tmp_path / "commented.json"
    plain.write_text('{"a": 1}')
    commented.write_text("{a: 1}  // mine")
    assert overlay.read(plain) == {"a": 1}
    with pytest.raises(ValueError, match=r"commented.json is not JSON; .*bootgate\[json5\]"):
        overlay.read(commented)
