"""Gate files from what a system is run with already: they are valid, and boot unchanged."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import load
from pytest_bootgate.probes.healthcheck import Healthcheck
from tests.engines.conftest import IMAGE

ORIGINS = sorted(
    path for path in (Path(__file__).parent / "origins").iterdir() if path.suffix != ".txt"
)


@pytest.fixture
def init(tmp_path, capsys):
    """``bootgate init`` from something; the gate file, and what was said."""

    def call(*args: str):
        assert main(["init", str(tmp_path), *args]) == 0
        return tmp_path / "bootgate.yaml", capsys.readouterr().out

    return call


def filled_in(path, environ):
    """The gate file, once the user has said what nobody else can know."""
    path.write_text(path.read_text().replace("'FILL IN: what it prints when ready'", "ready"))
    return load(path, environ)


def gate(init, name: str, *args: str):
    path, _ = init("--from", str(Path(__file__).parent / "origins" / name), *args)
    return filled_in(path, {}).gate, path.read_text()


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda path: path.name)
def test_a_gate_file_without_mistakes(init, origin):
    path, said = init("--from", str(origin))
    assert filled_in(path, {}).gate.releases.baseline is None
    assert "FILL IN" in said
    assert re.search(r"A gate for \S+, made by .* --service NAME gates another", said)
    assert "bootgate doctor" in said


def test_what_is_left_to_fill_in_is_a_mistake(init):
    path, _ = init(
        "--from", str(Path(__file__).parent / "origins" / "web.compose.yml"), "--service", "cache"
    )
    with pytest.raises(GateFileError, match="is to be filled in: write what it prints when ready"):
        load(path, {})


@pytest.mark.docker
@pytest.mark.systems
@pytest.mark.parametrize("origin", ORIGINS, ids=lambda path: path.name)
def test_it_boots_unchanged(init, origin, pytester):
    path, _ = init("--from", str(origin))
    shutil.copy(path, pytester.path / "bootgate.yaml")
    text = path.read_text().replace("./../", f"{path.parent}/../")
    (pytester.path / "bootgate.yaml").write_text(text)
    args = ("-p", "no:cacheprovider", "--bootgate-boots", "1", "--bootgate-json", "out.json")
    done = pytester.runpytest_subprocess("bootgate.yaml", *args)
    (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
    assert [boot["outcome"] for boot in target["boots"]] == ["started"], done.stdout.str()


def test_a_service_with_what_it_needs(init, tmp_path):
    found, text = gate(init, "web.compose.yml")
    assert list(found.services) == ["db", "cache"]
    assert found.gateway.env == {"DB_PASSWORD": "staging", "PYTHONUNBUFFERED": "1"}
    assert found.targets["api"].timeout == 30
    assert found.targets["api"].phases["proof"].kind.exec[:2] == ["python3", "-c"]
    assert found.services["db"].ready.kind.exec[2].startswith("PGPASSWORD=$$DB_PASSWORD psql")
    assert found.services["db"].container.shm_size == 64 << 20
    assert "/var/lib/postgresql/data begins empty" in text
    (live,) = re.findall(r"#   (system: .*)", text)
    path = tmp_path / "live.bootgate.yaml"
    path.write_text(f"{live}\nreleases: {{candidate: {{image: 'web-api:2'}}}}\n")
    again = filled_in(path, {}).gate
    assert (again.gateway.env, again.gateway.command) == (found.gateway.env, found.gateway.command)
    assert again.services == found.services
    assert again.targets == found.targets


def test_one_of_several(init, tmp_path):
    found, _ = gate(init, "web.compose.yml", "--service", "cache")
    assert (list(found.targets), found.services) == (["cache"], {})


def test_limits_and_options(init):
    found, _ = gate(init, "redis.compose.yml")
    (profile,) = found.profiles.values()
    assert (profile.cpus, profile.memory) == (0.5, 256 << 20)
    container = found.gateway.container
    assert (container.ulimits, container.pids) == ({"nofile": "1024:4096", "nproc": 512}, 200)
    assert found.targets["redis"].timeout == 20
    assert found.targets["redis"].phases["proof"].kind.exec == [
        *("sh", "-c"),
        "redis-cli ping | grep -q PONG",
    ]


def test_texts_and_the_environment(init):
    found, _ = gate(init, "python.compose.yml")
    assert found.releases.candidate.image == "bootgate-python:local"
    assert found.gateway.env == {
        "LEVEL": "info",
        "DEBUG": "false",
        "FROM_SHELL": "",
        "PRICE": "5$$",
        "MODE": "blue",
    }
    assert found.gateway.container.entrypoint == ["python3", "-m", "http.server"]
    assert (found.gateway.container.user, found.gateway.container.init) == ("65534:65534", True)


@pytest.fixture
def compose(tmp_path, capsys):
    """``bootgate init`` in a directory beside a Compose project's, from a service of it."""

    def call(service: str, **files: str) -> str:
        project, beside = tmp_path / "project", tmp_path / "gate"
        project.mkdir()
        beside.mkdir()
        for name, text in files.items():
            (project / name).write_text(text)
        (project / "compose.yml").write_text(f"services: {{app: {{image: a, {service}}}}}")
        assert main(["init", str(beside), "--from", str(project / "compose.yml")]) == 0
        return (beside / "bootgate.yaml").read_text()

    return call


def test_a_health_check_that_proves_nothing(compose):
    """The next best is a port; without one, somebody must know better."""
    check = 'healthcheck: {test: "curl -s http://localhost:8080/ || true"}'
    text = compose(f'{check}, ports: ["80:8080"]')
    assert "app: its health check is no proof of a start: the command always succeeds" in text
    assert "tcp: :8080" in text
    assert "|| true" not in text


def test_secrets_of_an_env_file_are_not_copied(compose):
    text = compose("env_file: env", env="MODE=blue\nAPI_TOKEN=hunter2hunter2\n")
    assert "hunter2" not in text
    assert "API_TOKEN: ${API_TOKEN}" in text
    assert "API_TOKEN of `env_file` is not copied" in text
    assert "MODE: blue" in text


def test_an_env_file_that_is_not_there(compose):
    assert "the file env of `env_file` is not there" in compose("env_file: env")


def test_an_env_file_that_cannot_be_read(compose):
    text = " ".join(compose("env_file: env", env="A='b\n").replace("#", "").split())
    assert "the quote of A has no end" in text


def test_an_env_file_that_a_variable_names(compose):
    text = " ".join(compose('env_file: "$ENVS"').replace("#", "").split())
    assert "`env_file` cannot be read: a variable in its name (ENVS)" in text


def variables(compose, monkeypatch, dotenv: str, service: str, tmp_path):
    monkeypatch.setenv("OUTER", "outer-value")
    text = compose(service, **{".env": dotenv, "dags": ""})
    secret = {"KEY_TOKEN": "t", "DSN": "d", "OUTER": "o"}
    return text, load(tmp_path / "gate" / "bootgate.yaml", secret).gate


def test_variables_are_filled_in_as_compose_does(compose, monkeypatch, tmp_path):
    """Those of `.env`, too; secrets and what the environment has are left for the gate file."""
    dotenv = (
        "RETRIES=4\nPLAIN=mattermost\nKEY_TOKEN=hunter2hunter2\nDSN=db://u:hunter3hunter3@db/x\n"
        "CONFIG=./dags\n"
    )
    service = (
        "volumes: ['${DIR:-.}/dags:/opt/dags:ro', '${CONFIG}:/conf:ro'],"
        " read_only: '${LOCKED:-false}',"
        " healthcheck: {test: 'up $PLAIN', retries: $RETRIES, interval: 2s},"
        " command: 'run ${LEVEL:-info} --key=$KEY_TOKEN',"
        " environment: [PLAIN, NONE, KEY_TOKEN, 'URL=${DSN:-none}', 'A=$OUTER', 'B=${X:-${PLAIN}}']"
    )
    text, found = variables(compose, monkeypatch, dotenv, service, tmp_path)
    container = found.gateway.container
    assert [one.partition(":")[2] for one in container.volumes] == ["/opt/dags", "/conf"]
    assert container.read_only is False
    assert found.targets["app"].timeout == 8
    assert found.gateway.command == ["run", "info", "--key=t"]
    assert found.gateway.env == {
        "PLAIN": "mattermost",
        "NONE": "",
        "KEY_TOKEN": "t",
        "URL": "d",
        "A": "o",
        "B": "mattermost",
    }
    assert "hunter" not in text
    assert "outer-value" not in text
    assert "KEY_TOKEN of `.env` is not copied: set it where the gate runs" in text
    assert "run\n  - ${LEVEL:-info}" in text
    assert "OUTER of" not in text


def test_a_number_in_a_variable_without_a_value_is_a_mistake_at_its_place(tmp_path, capsys):
    path = tmp_path / "compose.yml"
    check = "healthcheck: {test: up, retries: $RETRIES}"
    path.write_text(f"services:\n  app:\n    image: a:$TAG\n    {check}\n")
    assert main(["init", str(tmp_path), "--from", str(path)]) != 0
    (told,) = capsys.readouterr().err.splitlines()
    assert told.endswith(
        "compose.yml:4:5: environment variable RETRIES is not set: set it, or write"
        " ${RETRIES:-default}"
    )


def test_paths_stay_relative(compose, tmp_path):
    text = compose('volumes: ["./data:/data"]', data="")
    assert "- ../project/data:/data" in text
    assert str(tmp_path) not in text.replace("--from", "").partition("gateway:")[2]


def test_a_socket_of_this_machine(compose, tmp_path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "engine.sock"))
    text = compose(f'volumes: ["{tmp_path}/engine.sock:/var/run/docker.sock"]')
    server.close()
    assert "engine.sock is left out" in " ".join(text.replace("\n#  ", "").split())
    assert "docker.sock" not in text


def test_no_limit_of_memory(compose):
    assert "profiles" not in compose('mem_limit: "0"')


def test_what_runs_once(init):
    """It is of the same image, so of that of each release."""
    found, _ = gate(init, "queue.compose.yml")
    assert list(found.services) == ["migrate", "broker"]
    assert (found.services["migrate"].once, found.services["migrate"].image) == (True, "release")
    assert found.gateway.container.tmpfs == ["/scratch"]


def test_a_deployment(init, tmp_path):
    found, text = gate(init, "deployment.yaml")
    target = found.targets["nginx"]
    proof = target.phases["proof"].kind
    assert (proof.http, proof.headers) == (":80/", {"Host": "web.example.com"})
    assert {200, 202, 302} < {*proof.status}  # what a kubelet takes for healthy
    assert (list(target.phases), target.phases["proof"].waits) == (["startupProbe", "proof"], True)
    assert (target.timeout, target.timeout_of) == (60, "startupProbe")
    assert found.gateway.env == {"LEVEL": "$$info", "TOKEN": ""}
    assert found.profiles["production"].cpus == 0.5
    assert found.gateway.container.tmpfs == ["/cache:exec"]
    said = " ".join(text.replace("\n#  ", "").split())
    assert "TOKEN comes from the Secret web, which is not in this file" in said
    assert "the ConfigMap web is not in this file" in said
    (live,) = re.findall(r"#   (system: .*)", text)
    path = tmp_path / "live.bootgate.yaml"
    known = live.replace("}", ", ignore: [secretKeyRef, configMapRef, configMap]}")
    path.write_text(f"{known}\nreleases: {{candidate: {{image: 'web:2'}}}}\n")
    again = filled_in(path, {}).gate
    assert again.profiles == found.profiles
    assert again.targets["nginx"].timeout == 60


def test_secrets_of_a_manifest_are_not_copied(init, tmp_path):
    origin = tmp_path / "origin.yaml"
    origin.write_text(
        "kind: Secret\nmetadata: {name: s}\nstringData: {api.key: hunter2-hunter2, pin: '123'}\n"
        "---\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: api\n    image: x\n"
        "    args: [--key=$(KEY)]\n    env:\n"
        "    - {name: KEY, valueFrom: {secretKeyRef: {name: s, key: api.key}}}\n"
        "    - {name: pin, valueFrom: {secretKeyRef: {name: s, key: pin}}}\n"
        "    - {name: URL, value: 'pg://$(KEY)@db'}\n"
        "    volumeMounts: [{name: v, mountPath: /run/s}]\n"
        "  volumes: [{name: v, secret: {secretName: s}}]\n"
    )
    path, _ = init("--from", str(origin))
    text = path.read_text()
    assert "hunter2" not in text
    assert "123" not in text
    environ = {"KEY": "k", "PIN": "p", "RUN_S_API_KEY": "f", "RUN_S_PIN": "g"}
    gateway = filled_in(path, environ).gate.gateway
    assert gateway.env == {"KEY": "k", "pin": "p", "URL": "pg://k@db"}
    assert gateway.command == ["--key=k"]
    assert {at: one.text for at, one in gateway.files.items()} == {
        "/run/s/api.key": "f",
        "/run/s/pin": "g",
    }


def test_a_secret_that_is_also_a_part_of_other_words(init, tmp_path):
    origin = tmp_path / "origin.yaml"
    origin.write_text(
        "kind: Secret\nmetadata: {name: s}\nstringData: {DB_PASS: superset, MORE: a-superset}\n"
        "---\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: api\n    image: x\n"
        "    envFrom: [{secretRef: {name: s}}]\n"
        "    command: [sh, -c, /app/superset_bootstrap.sh, superset, 'at:$(DB_PASS)']\n"
        "    env: [{name: NAME, value: superset}, {name: HOME, value: /superset}]\n"
        "  - {name: beside, image: y, args: [superset-helper]}\n"
    )
    path, _ = init("--from", str(origin))
    found = filled_in(path, {"DB_PASS": "set", "MORE": "more"}).gate
    assert found.gateway.container.entrypoint == [
        *("sh", "-c", "/app/superset_bootstrap.sh", "set", "at:set"),
    ]
    env = {"DB_PASS": "set", "MORE": "more", "NAME": "set", "HOME": "/superset"}
    assert found.gateway.env == env
    assert found.services["beside"].command == ["superset-helper"]


HELPER, REAL = "{name: helper, image: h}", "image: x, livenessProbe: {tcpSocket: {port: 1}}"


@pytest.mark.parametrize(
    ("containers", "chosen"),
    [
        (f"{HELPER}, {{name: app, {REAL}}}", "app"),
        (f"{{name: app, {REAL}}}, {{name: shop, {REAL}}}", "shop"),
        (f"{{name: app, {REAL}}}, {{name: my-shop, {REAL}}}, {{name: shop, {REAL}}}", "my-shop"),
        (f"{HELPER}, {{name: shop, image: x}}", "shop"),
        (f"{HELPER}, {{name: shop, image: x}}, {{name: app, {REAL}}}", "app"),
        (f"{HELPER}, {{name: other, image: x}}", "helper"),
    ],
)
def test_the_container_that_the_file_is_for(init, tmp_path, containers, chosen):
    """Helpers often come first; whoever has probes, or is named like the workload, is none."""
    origin = tmp_path / "origin.yaml"
    pod = "kind: Pod\nmetadata: {name: NAME}\nspec: {containers: [CONTAINERS]}\n"
    before = pod.replace("NAME", "first").replace("CONTAINERS", HELPER) + "---\n"
    gated = pod.replace("NAME", "my-shop").replace("CONTAINERS", containers)
    origin.write_text((before if REAL in containers else "") + gated)
    path, said = init("--from", str(origin))
    assert list(filled_in(path, {}).gate.targets) == [chosen]
    assert f"A gate for {chosen}, made by" in said
    assert "--service NAME gates another" in said


def test_a_pod_of_two(init):
    found, _ = gate(init, "pod.yaml")
    assert (list(found.targets), list(found.services)) == (["app"], ["cache"])
    found, _ = gate(init, "pod.yaml", "--service", "cache", "--force")
    assert list(found.targets) == ["cache"]
    assert found.releases.candidate.image == "bootgate-redis:8.0"


@pytest.mark.docker
def test_an_image(init, capsys):
    dockerfile = f"FROM {IMAGE}\nEXPOSE 9000\nHEALTHCHECK --interval=2s --retries=5 CMD test -e /\n"
    build = ["docker", "build", "-q", "-t", "bootgate-test-init:1", "-"]
    subprocess.run(build, input=dockerfile, text=True, check=True, capture_output=True)
    try:
        path, _ = init("--from", "bootgate-test-init:1")
        found = filled_in(path, {}).gate
        target = found.targets["bootgate-test-init"]
        assert (target.timeout, target.phases["proof"].kind) == (10, Healthcheck(True))
    finally:
        subprocess.run(["docker", "rmi", "bootgate-test-init:1"], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b", "is neither a Compose file (services: ...) nor a manifest"),
        ("{", "cannot be read"),
        ("services: {a: {image: x}}", "has no service 'other': there are a"),
    ],
)
def test_what_cannot_be_read(tmp_path, capsys, text, said):
    path = tmp_path / "compose.yml"
    path.write_text(text)
    assert main(["init", str(tmp_path), "--from", str(path), "--service", "other"]) != 0
    assert said in capsys.readouterr().err


def test_what_is_not_there(tmp_path, capsys):
    assert main(["init", str(tmp_path), "--from", "none.yml"]) != 0
    assert "There is no none.yml." in capsys.readouterr().err
    assert main(["init", str(tmp_path), "--service", "x"]) != 0
    assert "it goes with --from" in capsys.readouterr().err
