"""What of a gate file is secret, by where it stands and what it is called."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.load import load
from pytest_bootgate.gatefile.secrets import of_variable
from pytest_bootgate.masking import Mask

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


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASS",
        "PASS",
        "DBPASS",
        "DB_PASSWORD",
        "PGPASSWORD",
        "API_KEY",
        "PASSCODE",
        "ADMIN_PIN",
        "SMTPPASS",
        "ENCRYPTION_KEY_B64",
    ],
)
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
        ("AUTH_VERSION: '2.10.0-rc1'", "2.10.0-rc1"),
        ("TOKEN_FILE: /run/secrets/token", "/run/secrets/token"),
        ("COMPASS: north-by-west", "north-by-west"),
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


def of_env(tmp_path: Path, value: str, name: str = "A"):
    """The mask of a gate file with a value in `env`."""
    (tmp_path / "content").write_text("")
    return load(write(tmp_path, env=f"{name}: {json.dumps(value)}")).mask


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("jdbc:postgresql://db/x?user=u&password=JdbcPass77", "jdbc:postgresql://db/x?user=u&password=***"),
        ("jdbc:sqlserver://db;password=S%21q77xyz;encrypt=true", "jdbc:sqlserver://db;password=***;encrypt=true"),
        ("https://ghp_abcdefghij0123456789@github.com/x/y", "https://***@github.com/x/y"),
        ("amqp://app:p@ssWord/99x@mq:5672/", "amqp://app:***@mq:5672/"),
        ("amqp://a:p4ssWord1@h1,amqp://a:p4ssWord2@h2", "amqp://a:***@h1,amqp://a:***@h2"),
        ("host=db user=app password=LibpqPass88", "host=db user=app password=***"),
        ("host=db password='Libpq Pass88' port=1", "host=db password=*** port=1"),
        ("Scheme=https;Name=a;AccountKey=QUJDREVGRw==", "Scheme=https;Name=a;AccountKey=***"),
    ],
)  # fmt: skip
def test_a_secret_inside_of_a_value(tmp_path, value, shown):
    assert of_env(tmp_path, value).text(value) == shown
    mask = load(write(tmp_path, env="X: '${ANY}'"), {"ANY": value}).mask
    assert mask.text(f"got {value}") == "got ***"
    hidden = set(of_variable("ANY", value, placed=False))
    assert Mask(hidden).text(value) == shown


def test_a_name_that_ends_in_pw(tmp_path):
    assert of_env(tmp_path, "ldapbindpw99", "LDAP_BIND_PW").text("is ldapbindpw99") == "is ***"


@pytest.mark.parametrize(
    "text",
    [
        "http://host:8080/path?mail=someone@example.org",
        "https://user@github.com/x/y",
        "grant_type=password token=enabled password=true key=ordinary passfile=/etc/pgpass",
        "max_token=4096 pool.secret=loaded --token-file /run/token",
        "use --token ordinary",
    ],
)
def test_ordinary_words_inside_of_a_value(tmp_path, text):
    assert of_env(tmp_path, text).text(text) == text


COMMAND = """\
releases: {{candidate: {{command: {command}}}}}
targets: {{boot: {{timeout: 5s, proof: {{line: "password=accepted and token=a1b2c3d4"}}}}}}
"""


@pytest.mark.parametrize(
    ("command", "printed", "shown"),
    [
        ("[run, --password, cmdsecret99]", "no cmdsecret99", "no ***"),
        ("[run, --password=cmdsecret99]", "no cmdsecret99", "no ***"),
        ("[run, --db-pw, '${FILLED}']", "no filled-in-88", "no ***"),
        ('[sh, -c, "run --api-key k3y-99x | cat"]', "no k3y-99x, cat", "no ***, cat"),
        ('[sh, -c, "run --password $$PW --token auto"]', "auto PW", "auto PW"),
        ("[run, --encryption-key=k3y-99xyz]", "no k3y-99xyz", "no ***"),
        ("[run, --secret-id, k3y-99xyz]", "no k3y-99xyz", "no ***"),
        ("[run, --credential, k3y-99xyz]", "no k3y-99xyz", "no ***"),
        ("[run, 'https://h/x?se=1&sig=k3y-99xyz']", "no k3y-99xyz", "no ***"),
        ("[run, 'jdbc:oracle:thin:u/k3y-99xyz@h:1521/x']", "no k3y-99xyz", "no ***"),
        ("[run, hvs.abcdefghij0123456789]", "no hvs.abcdefghij0123456789", "no ***"),
        ("[run, eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0]", "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0", "***"),
        ("[redis-server, --requirepass, cmdsecret99]", "no cmdsecret99", "no ***"),
        ("[curl, -H, 'Authorization: Bearer cmdsecret99', x]", "no cmdsecret99", "no ***"),
        ("[sh, -c, 'curl -H \"X-Api-Key: cmdsecret99\" x']", "no cmdsecret99", "no ***"),
        ("[sh, -c, 'curl -H \"Authorization: Bearer $$TOKEN1\" x']", "no TOKEN1", "no TOKEN1"),
        ("[run, --password, --verbose]", "--verbose", "--verbose"),
        ("[run, --password-file, /run/password]", "/run/password", "/run/password"),
        ("[python3, -c, 'x = login(password=os.environ[1])']", "os.environ", "os.environ"),
        # What a probe looks for is no secret.
        ("[run]", "password=accepted and token=a1b2c3d4", "password=accepted and token=a1b2c3d4"),
    ],
)
def test_a_secret_in_a_command(tmp_path, command, printed, shown):
    gate = tmp_path / "bootgate.yaml"
    gate.write_text(COMMAND.format(command=command))
    assert load(gate, {"FILLED": "filled-in-88"}).mask.text(printed) == shown


@pytest.mark.parametrize(
    "value",
    [
        "timeout=5,password=Zq8rXw3L,ssl=on",
        "host=db; password = Zq8rXw3L",
        '{"db": {"password": "Zq8rXw3L", "port": 5}}',
        '{"access_key":"Zq8rXw3L"}',
        '{"secret_key":"Zq8rXw3L"}',
        "-----BEGIN PRIVATE KEY-----\\nZq8rXw3L\\n-----END PRIVATE KEY-----",
    ],
)
def test_a_setting_inside_a_value(tmp_path, value):
    (tmp_path / "content").write_text("")
    mask = load(write(tmp_path, env=f"CONN: '{value}'")).mask
    assert mask.text("connected with Zq8rXw3L") == "connected with ***"
    assert mask.text("db timeout port 5 ssl on") == "db timeout port 5 ssl on"
