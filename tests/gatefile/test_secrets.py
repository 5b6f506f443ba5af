"""What of a gate file is secret, by where it stands and what it is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.load import load

GATE = """\
releases: {{candidate: {{command: [run]}}}}
gateway:
  env: {{{env}}}
  files: {{"${{dir}}/x": {{path: ./content, secret: {secret}}}}}
targets: {{boot: {{timeout: 5s, proof: {{line: started}}}}}}
"""


def write(path: Path, *, env: str = "", secret: str = "true") -> Path:
    gate = path / "bootgate.yaml"
    gate.write_text(GATE.format(env=env, secret=secret))
    return gate


@pytest.mark.parametrize("secret", ["true", '"${HIDE:-true}"'])
def test_a_file_is_secret_however_that_is_written(tmp_path, secret):
    (tmp_path / "content").write_text("db_line=supersecretvalue99\n")
    mask = load(write(tmp_path, secret=secret)).mask
    assert "supersecretvalue99" not in mask.text("read db_line=supersecretvalue99")


@pytest.mark.parametrize("name", ["DB_PASS", "PASS", "DB_PASSWORD", "PGPASSWORD", "API_KEY"])
def test_a_name_that_says_so(tmp_path, name):
    (tmp_path / "content").write_text("")
    mask = load(write(tmp_path, env=f'{name}: "Zx9-literal-value"')).mask
    assert mask.text("Zx9-literal-value") == "***"


def test_a_name_that_only_looks_like_it(tmp_path):
    (tmp_path / "content").write_text("")
    mask = load(write(tmp_path, env='BYPASS: "Zx9-literal-value"')).mask
    assert mask.text("Zx9-literal-value") == "Zx9-literal-value"


def test_a_fifo_is_a_mistake_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "content")
    with pytest.raises(BootgateError, match=r"content' is not a file"):
        load(write(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        'preset: "${MY_TOKEN}"',
        'preset: "./${MY_TOKEN}.yaml"',
        'preset: "./${MY_TOKEN}/preset.yaml"',
        "preset: ./there.yaml",
    ],
)
def test_a_secret_that_names_a_preset(tmp_path, text):
    (tmp_path / "there.yaml").write_text('preset: "${MY_TOKEN}"\n')
    gate = tmp_path / "bootgate.yaml"
    gate.write_text(f"{text}\n")
    with pytest.raises(BootgateError, match="preset") as caught:
        load(gate, {"MY_TOKEN": "Zx9-secret-value"})
    assert "Zx9-secret-value" not in str(caught.value)


def test_a_preset_that_a_secret_names_is_not_named_in_its_mistakes(tmp_path):
    (tmp_path / "Zx9-secret-value.yaml").write_text("targets: {a: [}\n")
    gate = tmp_path / "bootgate.yaml"
    gate.write_text('preset: "./${MY_TOKEN}.yaml"\n')
    with pytest.raises(BootgateError, match="not YAML") as caught:
        load(gate, {"MY_TOKEN": "Zx9-secret-value"})
    assert "Zx9-secret-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("env", "hidden"),
    [
        ("ADMIN_PASSWORD: ab12c", "ab12c"),
        ("INLINE_PASSWORD: hunter", "hunter"),
        ('SESSION_KEY: "0123456"', "0123456"),
        ("accessToken: blue", "blue"),
        ("A: '${SALT_VALUE}'", "salt-pepper"),
        ("A: '${PGPASSWORD}'", "x1y2"),
    ],
)
def test_what_its_name_calls_a_secret_is_one_whatever_it_looks_like(tmp_path, env, hidden):
    (tmp_path / "content").write_text("")
    environ = {"SALT_VALUE": "salt-pepper", "PGPASSWORD": "x1y2"}
    mask = load(write(tmp_path, env=env), environ).mask
    for text in (
        hidden,
        f"is {hidden}, really",
        f'"a\\n{hidden}"',
        f"q=%20{hidden}",
        f"\x1b[1;31m{hidden}\x1b[0m",
    ):
        assert mask.text(text) == text.replace(hidden, "***")


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ("AUTH_MODE: basic", "basic"),
        ("AUTH: disabled", "disabled"),
        ('TOKEN: "true"', "true"),
        ("API_KEY: abc", "abc"),
        ('PROXY_PASS: "8080"', "8080"),
        ("POSTGRES_PASSWORD: postgres", "postgres"),
        ("A: '${AUTH_TYPE}'", "oidc"),
        ("DB_PASSWORD: test", "pytest in latest"),  # only where it stands alone
        ('PIN_TOKEN: "123456"', "took 0.123456 s, 1234561"),
    ],
)
def test_reports_can_still_be_read(tmp_path, env, shown):
    (tmp_path / "content").write_text("")
    mask = load(write(tmp_path, env=env), {"AUTH_TYPE": "oidc"}).mask
    assert mask.text(shown) == shown


def test_what_a_preset_writes_in_the_place_of_a_key_is_none(tmp_path):
    """Hidden, it took the product's own name out of every report of an OpenClaw gate."""
    gate = tmp_path / "bootgate.yaml"
    gate.write_text("preset: openclaw\nreleases: {candidate: {image: 'openclaw:1'}}\n")
    assert load(gate, {}).mask.text("bootgate isolated") == "bootgate isolated"
