"""A service of a Compose file underneath a gate file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.origin import compose
from pytest_bootgate.probes.exec import Exec
from pytest_bootgate.probes.healthcheck import Healthcheck
from pytest_bootgate.quantities import Seconds

COMPOSE = """\
name: shop
x-common: &common
  restart: always
  environment: {DB_PASSWORD: "${DB_PASSWORD:-staging}", PRICE: 5$$, FLAG: yes, AT: 22:22}
services:
  api:
    <<: *common
    image: shop/api:${TAG:-1.0}
    command: serve --port 8000 --level $LEVEL
    env_file: [api.env, {path: none.env, required: false}]
    ports: ["${PORT}:8000"]
    volumes: [".:/conf:ro"]
    depends_on:
      orders_db: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
    healthcheck:
      {test: curl -f http://localhost:8000/health, interval: 2s, retries: 5, start_period: 10s}
    deploy: {resources: {limits: {cpus: "${CPUS:-1}", memory: 512M}}}
  orders_db:
    image: postgres:17
    secrets: [db_password, {source: token, target: /run/token}]
    configs: [{source: settings, target: /etc/settings}]
    networks: {default: {aliases: [database]}}
    volumes: [data:/var/lib/postgresql/data]
    healthcheck: {test: [CMD, pg_isready]}
    cpus: 0.5
  migrate:
    image: shop/api:${TAG:-1.0}
    command: [migrate]
    depends_on: [orders_db]
  other: {image: $NOWHERE, privileged: true}
volumes: {data: {}}
secrets: {db_password: {file: ./api.env}, token: {environment: MEM}}
configs: {settings: {content: "work_mem=$MEM"}}
"""
GATE = """\
system: {compose: docker-compose.yml, service: api}
releases: {candidate: {image: "shop/api:1.1"}}
"""
ENVIRON = {"LEVEL": "info", "MEM": "4MB"}


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """Load a gate file beside a Compose file."""
    monkeypatch.chdir(tmp_path)

    def call(text: str = GATE, compose: str = COMPOSE, environ: dict[str, str] = ENVIRON):
        Path("docker-compose.yml").write_text(compose)
        Path("api.env").write_text("LOG='a$b' # a comment\nexport MODE=fast\nPRICE=4\n")
        Path("bootgate.yaml").write_text(text)
        return load(Path("bootgate.yaml"), environ).gate

    return call


def mistakes(gate, *args, **parts) -> list[str]:
    with pytest.raises(GateFileError) as caught:
        gate(*args, **parts)
    return caught.value.mistakes


def test_all_of_it(gate, tmp_path):
    found = gate()
    assert (found.releases.baseline.image, found.releases.candidate.image) == (
        "shop/api:1.0",
        "shop/api:1.1",
    )
    assert found.gateway.command == ["serve", "--port", "8000", "--level", "info"]
    assert found.gateway.env == {
        "LOG": "a$$b",
        "MODE": "fast",
        "PRICE": "5$$",
        "FLAG": "yes",
        "AT": "22:22",
        "DB_PASSWORD": "staging",
    }
    container = found.gateway.container
    assert container.volumes == [f"{tmp_path}:/conf"]
    assert container.extra_hosts == dict.fromkeys(["api", "orders_db", "database"], "127.0.0.1")
    assert list(found.services) == ["orders-db", "migrate"]
    database, migrate = found.services.values()
    assert database.cpus == 0.5
    assert (database.ready.kind.exec, database.ready_timeout) == (["pg_isready"], 90)
    assert database.container.volumes == ["/var/lib/postgresql/data"]
    assert {at: (one.path, one.text, one.secret) for at, one in database.files.items()} == {
        "/run/secrets/db_password": (f"{tmp_path}/api.env", None, True),
        "/run/token": (None, "4MB", True),
        "/etc/settings": (None, "work_mem=4MB", False),
    }
    assert (migrate.image, migrate.once, migrate.ready) == ("release", True, None)
    (target,) = found.targets.values()
    assert (target.timeout, target.phases["proof"].kind) == (
        20,
        Exec(["sh", "-c", "curl -f http://localhost:8000/health"], patience=Seconds(30)),
    )
    assert (found.gateway.ready.kind, found.gateway.ready_timeout) == (
        Exec(["sh", "-c", "curl -f http://localhost:8000/health"], patience=Seconds(30)),
        20,
    )
    (profile,) = found.profiles.values()
    assert (profile.cpus, profile.memory) == (1, 512 << 20)


@pytest.mark.parametrize(
    ("ports", "published"),
    [
        ('["${PORT}:8000"]', [8000]),
        ('["127.0.0.1:80:8000/tcp", "53:53/udp", 9, "70-72:80-82"]', [8000, 9, 80, 81, 82]),
        ("[{target: 8000, published: 80}, {target: 53, protocol: udp}]", [8000]),
        ("[]\n    expose: ['8001', 7000-7001]", [8001, 7000, 7001]),
        ('["8080:$PORT", {target: "${OTHER:-90}"}, {target: 9, protocol: UDP}]', [80, 90]),
        ('["8080:80/TCP", 70000, x, "[::1]:1:2"]', [80, 2]),
        ('["1-65535:1-65535"]', [*range(1, 101)]),
    ],
)
def test_what_compose_publishes(gate, ports, published):
    compose, environ = COMPOSE.replace('["${PORT}:8000"]', ports), {**ENVIRON, "PORT": "80"}
    assert gate(compose=compose, environ=environ).gateway.published == published
    own = gate(GATE + "gateway: {published: []}\n", compose=compose, environ=environ)
    assert own.gateway.published == []


def test_the_gate_file_wins(gate):
    found = gate(
        "system: {compose: docker-compose.yml, service: api}\n"
        "releases:\n"
        "  baseline: {env: {FLAG: on_}}\n"
        '  candidate: {image: "shop/api:2"}\n'
        "gateway: {env: {MODE: slow}}\n"
        "services: {migrate: null, cache: {image: 'redis:8.0'}}\n"
        "targets: {api: {timeout: 5s, phases: {listening: {line: listening}}}}\n"
        "profiles: {staging: {}}\n"
    )
    assert found.releases.baseline.image == "shop/api:1.0"
    assert found.gateway.env["MODE"] == "slow"
    assert list(found.services) == ["orders-db", "cache"]
    assert found.targets["api"].timeout == 5
    assert list(found.targets["api"].phases) == ["listening", "proof"]
    assert list(found.profiles) == ["staging"]


def test_without_a_baseline(gate):
    text = GATE.replace("{candidate", "{baseline: null, candidate")
    assert gate(text).releases.baseline is None


def test_a_recorded_baseline(gate):
    Path("last.json").write_text("{}")
    text = GATE.replace("{candidate", "{baseline: {recorded: last.json}, candidate")
    assert gate(text).releases.baseline.image is None


def test_a_trigger_needs_a_proof_of_its_own(gate):
    """The health check shows that it may be triggered, not that the task started."""
    found = gate(
        f"{GATE}targets:\n"
        "  report:\n"
        "    timeout: 30s\n"
        '    trigger: {http: ":8000/report", body: "${token}"}\n'
        '    proof: {exec: [has, "${token}"], in: orders-db}\n'
    )
    assert list(found.targets) == ["report"]
    assert list(found.targets["report"].phases) == ["proof"]
    text = f'{GATE}targets: {{api: {{timeout: 9s, trigger: {{http: ":8000/report"}}}}}}\n'
    (told,) = mistakes(gate, text)
    assert told.startswith("bootgate.yaml:3:11: nothing proves that this target started: ")


def test_variables_of_a_file_beside_it(gate, tmp_path):
    (tmp_path / ".env").write_text("TAG=1.7\nLEVEL=debug\nCPUS=0.5\nHERE=5\n")
    compose = COMPOSE.replace("FLAG: yes", "SHELL:, HERE:, MEM:")
    found = gate(compose=compose, environ={"CPUS": "2", "MEM": "4MB"})
    assert (found.gateway.env["HERE"], found.gateway.env["MEM"]) == ("5", "4MB")
    assert "SHELL" not in found.gateway.env
    assert found.releases.baseline.image == "shop/api:1.7"
    assert found.gateway.command[-1] == "debug"
    assert found.profiles["production"].cpus == 2


def test_a_default_with_spaces():
    """Nothing is filled in for `bootgate init`."""
    service = {"image": "x", "command": "serve ${OPTS:-a b} $LEVEL"}
    found = compose.read([{"services": {"api": service}}], Path("compose.yml"), None)
    assert found.gated.command == ["serve", "${OPTS:-a b}", "${LEVEL}"]


@pytest.mark.slow
def test_env_files(gate, tmp_path):
    """As Compose reads them: quotes over lines, escapes, variables, and their precedence."""
    (tmp_path / ".env").write_text("DIR=/srv\nMEM=1MB\nWHO=file\n")
    (tmp_path / "more.env").write_text(
        '# \'no entry\n\nCERT=\'first $X\nsecond\' # third\nTABS="a\\nb\\t\\"c\\" \\$X \\w"\n'
        "PATHS=${DIR}/lib:$DIR # both\nAGAIN=${PATHS}\nNOTHING=$UNSET\nWHO\nHASH=a#b #\nMONEY=5$$\n"
    )
    with (tmp_path / "more.env").open("a") as more:
        more.write(f"WIDE=a{' ' * 20_000}b\n")  # which took very long
    compose = COMPOSE.replace("none.env", "more.env")
    found = gate(compose=compose, environ={"LEVEL": "info", "WHO": "shell"})
    of_compose = ("LOG", "MODE", "PRICE", "DB_PASSWORD", "FLAG", "AT")
    own = {key: each for key, each in found.gateway.env.items() if key not in of_compose}
    assert own.pop("WIDE").split() == ["a", "b"]
    assert own == {
        "CERT": "first $$X\nsecond",
        "TABS": 'a\nb\t"c" $$X \\w',
        "PATHS": "/srv/lib:/srv",
        "AGAIN": "/srv/lib:/srv",
        "NOTHING": "",
        "WHO": "shell",
        "HASH": "a#b",
        "MONEY": "5$$",
    }
    files = found.services["orders-db"].files
    assert (files["/run/token"].text, files["/etc/settings"].text) == ("1MB", "work_mem=1MB")
    (tmp_path / ".env").write_text("A=1\nB='no end\n")
    (told,) = mistakes(gate, compose=compose)
    assert told.startswith(".env:2:1: the quote of B has no end")
    (tmp_path / ".env").write_text("A=${B:?}\n")
    (told,) = mistakes(gate, compose=compose)
    assert told.startswith(".env:1:1: environment variable B is not set")


def test_what_varies_counts_as_environment(gate, tmp_path):
    (tmp_path / ".env").write_text("N=7\nDOUBLE=${N}\n")
    text = GATE + "vary: {N: [1, 30]}\n"
    compose = COMPOSE.replace("$LEVEL", "${N:-2}").replace("FLAG: yes", "N:, DOUBLE: $DOUBLE")
    gate(text, compose)
    varied = load(Path("bootgate.yaml"), {**ENVIRON, "N": "5"}).varied
    assert {
        label: (one.gateway.command[-1], one.gateway.env["N"], one.gateway.env["DOUBLE"])
        for label, one in varied.items()
    } == {"N=1": ("1", "1", "1"), "N=30": ("30", "30", "30")}
    (told,) = mistakes(gate, text, compose.replace("512M", '"${N}G"'))
    assert told.startswith("docker-compose.yml:18:5: N varies, and this cannot change with it")


def test_a_secret_of_it_is_masked(gate):
    gate()
    loaded = load(Path("bootgate.yaml"), {**ENVIRON, "DB_PASSWORD": "hunter2-hunter2"})
    assert "hunter2" not in loaded.mask.text("password hunter2-hunter2")


SECRETS = """\
services:
  api:
    image: shop/api:1.0
    command: serve --password=${DB_PASSWORD}
    environment: {DBURI: "user:${db_password}", API_KEY: literal-key-1}
    env_file: [api.env]
    secrets: [seal]
    healthcheck: {test: up}
secrets: {seal: {file: ./seal.txt}}
"""


@pytest.fixture
def hidden(gate, tmp_path):
    """Secrets that a Compose file gets from elsewhere, by where they are from."""
    (tmp_path / ".env").write_text(
        "DB_PASSWORD=hunter2-hunter2\ndb_password=hunter3-hunter3\nLEVEL=hunter4-hunter4\n"
    )
    (tmp_path / "seal.txt").write_text("seal-5-seal-5\n")
    (tmp_path / "api.env").write_text("LICENCE_KEY=lic-abcdef-123456\n")
    (tmp_path / "bootgate.yaml").write_text(GATE)
    return [
        *("hunter2-hunter2", "hunter3-hunter3", "literal-key-1", "seal-5-seal-5"),
        "lic-abcdef-123456",
    ]


def test_secrets_of_files_beside_it_are_masked(hidden):
    Path("docker-compose.yml").write_text(SECRETS)
    loaded = load(Path("bootgate.yaml"), {})
    assert loaded.gate.gateway.env["DBURI"] == "user:hunter3-hunter3"
    assert {loaded.mask.text(one) for one in hidden} == {"***"}
    assert loaded.mask.text("hunter4-hunter4") == "hunter4-hunter4"  # which nothing uses


def test_what_no_name_calls_a_secret_is_shown(tmp_path, monkeypatch):
    """Of `.env` and `env_file` as of `environment`: else a product's own name would be hidden."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("PRODUCT=mattermost\n")
    (tmp_path / "api.env").write_text("MYSQL_DATABASE=nextcloud\nURL=db://me:hunter5-hunter5@db/\n")
    compose = SECRETS.replace("API_KEY:", "PRODUCT: '${PRODUCT}', SHELL: '${OUTER}', API_KEY:")
    text = compose.replace("--password=${DB_PASSWORD}", "").replace("${db_password}", "")
    Path("docker-compose.yml").write_text(text.replace("    secrets: [seal]\n", ""))
    Path("bootgate.yaml").write_text(GATE)
    mask = load(Path("bootgate.yaml"), {"OUTER": "of-the-environment"}).mask
    assert mask.text("nextcloud with mattermost") == "nextcloud with mattermost"
    assert mask.text("hunter5-hunter5") == mask.text("of-the-environment") == "***"


@pytest.mark.parametrize("number", range(5))
def test_secrets_of_files_beside_it_are_masked_in_mistakes(hidden, number):
    wrong = f"    mem_limit: {hidden[number]}\nsecrets: {{"
    Path("docker-compose.yml").write_text(SECRETS.replace("secrets: {", wrong))
    with pytest.raises(GateFileError) as caught:
        load(Path("bootgate.yaml"), {})
    told = "docker-compose.yml:9:5: '***' is no amount of memory: correct the Compose file"
    assert caught.value.mistakes == [told]


def test_the_pace_of_a_health_check_has_variables(gate, tmp_path):
    """They are filled in before they are read, and one without a value is a mistake."""
    (tmp_path / ".env").write_text("IV=20s\n")
    how = 'interval: "${IV:-1s}", retries: "${RT:-3}"'
    compose = COMPOSE.replace("interval: 2s, retries: 5", how)
    assert gate(compose=compose).gateway.ready_timeout == 70
    assert gate(compose=compose, environ={**ENVIRON, "IV": "1m5s"}).gateway.ready_timeout == 205
    (told,) = mistakes(gate, compose=compose.replace("IV:-1s", "NONE"))
    assert told.startswith("docker-compose.yml:16:5: environment variable NONE is not set")
    (told,) = mistakes(gate, compose=compose, environ={**ENVIRON, "IV": "soon"})
    assert told.startswith("docker-compose.yml:17:52: 'soon' is no duration such as 30s")
    (told,) = mistakes(gate, compose=compose, environ={**ENVIRON, "RT": "few"})
    assert told.startswith("docker-compose.yml:17:75: 'few' is no number")


def test_a_dependency_with_the_health_check_of_its_image(gate):
    """So it is where another one waits for it as well."""
    compose = without("healthcheck: {test: [CMD, pg")
    database = gate(compose=compose).services["orders-db"]
    assert (database.ready.kind, database.ready_timeout) == (Healthcheck(True), 90)
    started = compose.replace("condition: service_healthy", "condition: service_started")
    assert gate(compose=started).services["orders-db"].ready is None


def test_names_of_dependencies_that_are_alike(gate):
    more = "      orders-db: {condition: service_started}\n      orders_db: {"
    compose = COMPOSE.replace("      orders_db: {", more, 1)
    found = gate(compose=compose.replace("  other:", "  orders-db: {image: x}\n  other:"))
    images = {name: each.image for name, each in found.services.items()}
    assert images == {"orders-db": "x", "orders-db-1": "postgres:17", "migrate": "release"}
    assert "orders_db" in found.gateway.container.extra_hosts


def test_commands(gate, tmp_path):
    """Variables are filled in before a text is split; an empty entry point clears the image's."""
    (tmp_path / ".env").write_text('FROM_FILE="--c 3"\n')
    command = "serve $OPTS ${MORE:---a ${ONE:-$TWO}} $FROM_FILE $$HOME"
    compose = COMPOSE.replace("serve --port 8000 --level $LEVEL", command)
    found = gate(
        compose=compose.replace("ports:", 'entrypoint: ""\n    ports:'),
        environ={**ENVIRON, "OPTS": "--x 1 --y 2$", "TWO": "'b c'"},
    )
    words = ["serve", "--x", "1", "--y", "2$$", "--a", "b c", "--c", "3", "$$HOME"]
    assert found.gateway.command == words
    assert found.gateway.container.entrypoint == []


LOST = COMPOSE.replace(
    "  migrate:\n", "    sysctls: {a: 1}\n  migrate:\n    volumes: [data:/seed]\n"
)


def test_what_cannot_be_taken_over(gate):
    """Each is a mistake at its place, until the gate file goes without it."""
    compose = f"include: [more.yml]\n{LOST}"
    told = {
        "1:1": ("include", "`include` is not followed"),
        "28:5": ("sysctls", "`sysctls` cannot be taken over"),
        "30:5": (
            "volumes",
            "the volume data is also that of orders_db, and here each has its own",
        ),
    }
    assert mistakes(gate, compose=compose) == [
        f"docker-compose.yml:{place}: {what}: to go without, write `ignore: [{key}]` under `system`"
        " in the gate file"
        for place, (key, what) in told.items()
    ]
    text = GATE.replace("service: api", "service: api, ignore: [include, sysctls, volumes]")
    assert list(gate(text, compose).services) == ["orders-db", "migrate"]


def without(*lines: str) -> str:
    kept = [line for line in COMPOSE.split("\n") if not line.strip().startswith(lines)]
    return "\n".join(kept)


@pytest.mark.parametrize(
    ("text", "compose", "told"),
    [
        (
            GATE.replace("service: api", "service: apu"),
            COMPOSE,
            "has no service 'apu': did you mean",
        ),
        (GATE.replace("service: api", "servise: api"), COMPOSE, "unknown key 'servise'"),
        (GATE.replace("docker-", "dokcer-"), COMPOSE, "there is no file 'dokcer-compose.yml'"),
        (GATE.replace("docker-compose.yml", "api.env"), COMPOSE, "api.env:2:1: this is not YAML"),
        (GATE, "services: {a: [", "docker-compose.yml:1:16: this is not YAML"),
        (GATE, "services: {api: {image: !x y}}", "docker-compose.yml:1:25: this is not YAML"),
        (GATE, COMPOSE.replace("$LEVEL", "$NONE"), "variable NONE is not set"),
        (
            GATE,
            COMPOSE.replace("[api.env,", "[none.env,"),
            ":10:5: the file none.env of `env_file` is not there",
        ),
        (GATE, COMPOSE.replace('".:/conf', '"./no:/conf'), ":12:5: the volume ./no is left out"),
        (GATE, COMPOSE.replace("{TAG:-1.0}", "{TAG:-${V}"), ":8:5: '${' has no end"),
        (
            GATE.replace('image: "shop/api:1.1"', "env: {A: b}"),
            COMPOSE.replace("image: shop/api:${TAG:-1.0}", "build: .", 1),
            "bootgate.yaml:2:12: the service api is built by Compose, so its file names no image",
        ),
        (GATE, COMPOSE.replace("512M", "much"), ".yml:18:55: 'much' is no amount of memory"),
        (
            GATE,
            COMPOSE.replace("orders_db: {", "order_db: {", 1),
            ".yml:13:5: api depends on order_db, which is no service: correct the Compose file",
        ),
        (
            GATE,
            COMPOSE.replace("[CMD, pg_isready]", "5"),
            ".yml:25:19: `test` is 5, and in Compose it is a text or a list: correct the Compose",
        ),
        (
            GATE,
            COMPOSE.replace("    cpus: 0.5\n", "    cpus: 0.5\n    cpus: 1\n"),
            ".yml:27:5: the key 'cpus' is there twice: leave one out",
        ),
        (
            GATE,
            COMPOSE.replace("serve --port", "serve 'port"),
            '.yml:9:5: A quote in "serve \'port 8000 --level info" has no end',
        ),
        (GATE, "x: &a [*a]\nservices: {api: {image: x}}", "more than 20000 values"),
        (
            GATE,
            without("{test: curl", "healthcheck:\n"),
            (
                ".yml:6:3: the service api has no health check, so nothing proves its start: write"
                " a proof into the gate file, such as targets: {api: {timeout: 60s, proof: {http:"
            ),
        ),
    ],
)
def test_mistakes(gate, text, compose, told):
    first = mistakes(gate, text, compose)[0]
    assert told in first


@pytest.mark.parametrize(
    "test", ['[CMD, "true"]', "curl -f http://localhost/ || exit 0", "curl -s http://localhost/"]
)
def test_a_health_check_that_proves_nothing(tmp_path, test):
    """Its place is told, and that a proof of one's own does instead."""
    (tmp_path / "docker-compose.yml").write_text(
        f"services:\n  api:\n    image: api:1\n    healthcheck: {{test: {test}}}\n"
    )
    path = tmp_path / "bootgate.yaml"
    system = "system: {compose: docker-compose.yml, service: api}\nreleases: {candidate: {}}\n"
    path.write_text(system)
    with pytest.raises(GateFileError) as caught:
        load(path, {})
    (told,) = caught.value.mistakes
    assert "docker-compose.yml:4:5: this command" in told
    assert told.endswith("proves nothing: give the target a proof of its own in the gate file")
    path.write_text(f'{system}targets: {{api: {{proof: {{http: ":8080/"}}}}}}\n')
    assert load(path, {}).gate.targets["api"].phases["proof"].kind.endpoint == ":8080/"


def test_a_release_that_is_missing_is_missing_in_the_gate_file(tmp_path):
    (tmp_path / "docker-compose.yml").write_text(
        'services: {api: {image: "api:1", healthcheck: {test: [CMD, up]}}}'
    )
    (tmp_path / "bootgate.yaml").write_text(
        "# ours\nsystem: {compose: docker-compose.yml, service: api}\n"
    )
    with pytest.raises(GateFileError) as caught:
        load(tmp_path / "bootgate.yaml", {})
    (told,) = caught.value.mistakes
    assert told.endswith("bootgate.yaml:2:1: missing key 'candidate' in the releases")


SMALL = """\
services:
  api:
    image: x
    healthcheck: {test: [CMD, up]}
"""
_KEYS = [
    *("image", "build", "command", "entrypoint", "environment", "env_file", "healthcheck"),
    *("depends_on", "links", "volumes", "secrets", "configs", "tmpfs", "ulimits", "devices"),
    *("extra_hosts", "ports", "expose", "networks", "deploy", "cap_add", "security_opt", "user"),
    *("shm_size", "pids_limit", "mem_limit", "cpus", "gpus", "init", "tty", "stop_signal"),
    *("container_name", "scale", "platform", "hostname", "read_only"),
]
_ODD = [
    *("5", "[5]", "{a: 5}", "{a: {b: c}}", "{a: [b]}", "[{a: b}]", "[[a]]", "[null]", "[a]", "a"),
    *("'a \"b'", "true", "''", "~user/x", "{a: null}", "$X", "9" * 400),
]


@pytest.mark.parametrize(
    "key", [*_KEYS, "top secrets", "top configs", "top volumes", "top services"]
)
@pytest.mark.slow
def test_nothing_that_is_written_gives_words_of_python(gate, key):
    """It is taken over, or a mistake at its place."""
    for odd in _ODD:
        kept = [line for line in SMALL.splitlines() if not line.strip().startswith(key)]
        text = "\n".join([*kept, f"    {key}: {odd}", ""])
        if key.startswith("top"):
            text = f"{SMALL}    secrets: [a]\n{key.split()[1]}: {odd}\n"
        if key == "top services":
            text = f"services: {odd}\n"
        try:
            gate(compose=text)
        except GateFileError as caught:
            told = "\n".join(caught.mistakes)
            assert not re.search(r"object|Error|NoneType|subscript|unhash|<class|Errno", told), odd


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("    environment: 5", "4:5: `environment` is 5, and in Compose it is a list or a mapping"),
        ("    ulimits: {nofile: {soft: 5}}", "4:15: `nofile` has no `hard`"),
        ("    depends_on: 5", "4:5: `depends_on` is 5, and in Compose it is a list or a mapping"),
        (
            "    environment: [A=1, {a: b}]",
            "4:24: entry 2 of `environment` is a mapping, and in Compose it is a text",
        ),
        ("secrets: 5", "4:1: `secrets` is 5, and in Compose it is a mapping"),
        ("configs: [a]", "4:1: `configs` is a list, and in Compose it is a mapping"),
        ("    volumes: [./loop:/f]", "4:5: the volume ./loop is left out: it cannot be read"),
        ("    tty: true", "4:5: `tty` cannot be taken over: it has no terminal here"),
        ("  db: 5", "4:3: `db` is 5, and in Compose it is a mapping"),
        (
            "  db:\n    image: x\n    healthcheck:\n      test: [curl, -f, 'http://x']",
            "7:7: the list `test` of db begins with `curl`, and in Compose with CMD (a program and",
        ),
    ],
)
def test_the_place_of_what_is_not_as_compose_has_it(gate, more, told):
    Path("loop").symlink_to("loop")
    base = "{image: x, healthcheck: {test: [CMD, up]}}"
    compose = f"services:\n  api:\n    <<: {base}\n{more}\n"
    first = mistakes(gate, compose=compose)[0]
    assert first.startswith(f"docker-compose.yml:{told}"), first


def test_what_is_taken_over_with_its_options(gate, tmp_path):
    (tmp_path / "data").mkdir()
    compose = SMALL.replace("[CMD, up]", "[CMD, up], timeout: 3s") + (
        "    volumes:\n"
        "      - {type: bind, source: data, target: /data}\n"
        "      - {type: tmpfs, target: /t, tmpfs: {size: 8mb, mode: 448}}\n"
        "    devices: [{source: /dev/kvm, target: /dev/kvm, permissions: r}]\n"
        "    deploy: {resources: {limits: {pids: 50}, reservations: {devices:"
        " [{capabilities: [gpu], count: 2}]}}}\n"
    )
    text = f"{GATE}gateway: {{container: {{gpus: null}}}}\n"
    assert gate(text, compose).gateway.container.gpus is None
    found = gate(compose=compose).gateway
    assert found.container.volumes == [f"{tmp_path}/data:/data:rw"]
    assert found.container.tmpfs == ["/t:size=8m,mode=700"]
    assert (found.container.pids, found.container.gpus) == (50, 2)
    assert found.container.devices == ["/dev/kvm:/dev/kvm:r"]
    assert found.ready.kind.patience == 3


def test_what_is_different_is_said(gate):
    compose = (
        f"{SMALL}    platform: linux/arm64\n    stop_signal: SIGINT\n    deploy: {{replicas: 0}}\n"
    )
    gate(compose=compose)
    assert load(Path("bootgate.yaml"), {}).notes == (
        "api: `platform: linux/arm64` is not asked for: its image here is taken",
        "api: `stop_signal: SIGINT` is not sent: a boot is killed when it is over",
        "api: there is one of it, and 0 in production",
    )


@pytest.mark.parametrize(("mode", "shared"), [("", True), (":ro", False)])
def test_a_directory_that_two_services_write(gate, tmp_path, mode, shared):
    """Each would have a copy of its own."""
    (tmp_path / "shared").mkdir()
    compose = (
        f"{SMALL}    volumes: [./shared:/a{mode}]\n    depends_on: [b]\n"
        "  b: {image: y, volumes: [{type: bind, source: shared, target: /b, read_only: true}]}\n"
    )
    if not shared:
        assert gate(compose=compose)
        return
    (told,) = mistakes(gate, compose=compose)
    assert told.startswith("docker-compose.yml:7:17: the volume shared is also that of api")
