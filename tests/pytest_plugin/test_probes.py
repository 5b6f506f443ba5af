"""Probes that only a real system can satisfy: commands, health checks, TLS, slow answers."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.engines.conftest import IMAGE

HEALTHY = f"""\
FROM {IMAGE}
HEALTHCHECK --interval=30s CMD test -e /tmp/up
CMD ["sh", "-c", "sleep 1; touch /tmp/up; exec sleep 60"]
"""


@pytest.fixture
def boot(pytester):
    """One boot of a candidate that is its own trigger; its target as the result has it."""

    def run(gate: str, engine: str):
        path = pytester.path / "bootgate.yaml"
        path.write_text(gate)
        args = ("--bootgate-engine", engine, "--bootgate-boots", "1", "--bootgate-json", "out.json")
        pytester.runpytest_subprocess(path, "-p", "no:cacheprovider", *args)
        (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
        (booted,) = target["boots"]
        return booted

    return run


@pytest.fixture
def image():
    """An image that is healthy one second after its start."""
    made = subprocess.run(
        ["docker", "build", "-q", "-"], input=HEALTHY, capture_output=True, text=True, check=True
    )
    yield made.stdout.strip()
    subprocess.run(["docker", "rmi", "-f", made.stdout.strip()], capture_output=True, check=False)


@pytest.mark.docker
@pytest.mark.parametrize("probe", ["healthcheck: true", "exec: [test, -e, /tmp/up]"])
def test_in_a_container(boot, image, probe):
    found = boot(
        f'releases: {{candidate: {{image: "{image}"}}}}\n'
        f"targets: {{app: {{timeout: 20s, proof: {{{probe}}}}}}}\n",
        "docker",
    )
    assert found["outcome"] == "started"
    assert 1.0 <= found["seconds"] < 3


def test_a_command_on_this_machine(boot):
    found = boot(
        "releases: {candidate: {command: [sh, -c, 'sleep 1; touch ${dir}/up; exec sleep 60']}}\n"
        "targets: {app: {timeout: 20s, proof: {exec: [test, -e, '${dir}/up']}}}\n",
        "process",
    )
    assert found["outcome"] == "started"
    assert 1.0 <= found["seconds"] < 3


def test_a_command_beside_the_gateway_that_succeeds_before_it_starts(boot):
    """Nothing of the gateway is in it."""
    found = boot(
        "releases: {candidate: {command: [sh, -c, 'exec sleep 60']}}\n"
        "targets: {app: {timeout: 5s, proof: {exec: [test, -e, /], in: sidecar}}}\n",
        "process",
    )
    assert found["outcome"] == "lost"
    assert found["detail"].startswith("the mark of proof was there before the trigger")


def test_a_service_cannot_speak_for_the_gate(boot):
    event = '{\\"event\\":\\"seen\\",\\"id\\":\\"phase:proof\\"}'
    for name in ("gate", "probe-1"):
        found = boot(
            "releases: {candidate: {command: [sleep, '60']}}\n"
            f"services: {{{name}: {{command: [sh, -c, \"sleep 1; echo '{event}'; sleep 60\"]}}}}\n"
            'targets: {app: {timeout: 3s, listen: 0s, proof: {tcp: ":1"}}}\n'
            "gate: {retries: 0}\n",
            "process",
        )
        assert found["outcome"] == "timed_out"


def test_a_service_that_is_ready_by_a_file(boot):
    found = boot(
        "releases: {candidate: {command: [sh, -c, 'echo up; exec sleep 60']}}\n"
        "services:\n"
        "  db:\n"
        "    command: [sh, -c, 'sleep 0.5; echo db is up > ${dir}/log; sleep 60']\n"
        "    ready: {line: is up, file: '${dir}/log'}\n"
        "targets: {app: {timeout: 5s, proof: {line: up}}}\n",
        "process",
    )
    assert found["outcome"] == "started"


LATE = (
    "import os, socket, time\n"
    "while not os.path.exists('${dir}/started'): time.sleep(0.05)\n"
    "s = socket.create_server(('', ${port.app})); time.sleep(60)"
)


@pytest.mark.parametrize("engine", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_service_at_the_port_of_the_gateway(boot, engine):
    image = f'image: "{IMAGE}", ' if engine == "docker" else ""
    late = json.dumps(["python3", "-c", LATE])
    found = boot(
        f"releases: {{candidate: {{{image}command: [sh, -c, 'touch ${{dir}}/started; sleep 60']}}}}"
        "\nports: {app: 8080}\n"
        f"services: {{db: {{{image}command: {late}}}}}\n"
        'targets: {app: {timeout: 9s, listen: 0s, proof: {tcp: ":${port.app}"}}}\n',
        engine,
    )
    assert found["outcome"] == "lost"
    assert "answered by the service db" in found["detail"]


LISTENS = "import socket, time; s = socket.create_server(('', ${port.db})); time.sleep(60)"
WORKER = "sleep 0.5; touch ${dir}/up; exec sleep 60"
PING = (
    "import os, socket; socket.create_connection(('localhost', ${port.db})).close(); "
    "raise SystemExit(not os.path.exists('${dir}/up'))"
)


@pytest.mark.parametrize("engine", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_worker_that_answers_through_a_service(boot, engine):
    """The command fails without it, although the service is there."""
    image = f'image: "{IMAGE}", ' if engine == "docker" else ""
    ping = json.dumps(["python3", "-c", PING, "localhost:${port.db}"])
    found = boot(
        f"releases: {{candidate: {{{image}command: [sh, -c, '{WORKER}']}}}}\n"
        "ports: {db: 8080}\n"
        f"services: {{db: {{{image}command: {json.dumps(['python3', '-c', LISTENS])},"
        ' ready: {tcp: ":${port.db}"}}}\n'
        f"targets: {{app: {{timeout: 9s, listen: 0s, proof: {{exec: {ping}}}}}}}\n",
        engine,
    )
    assert (found["outcome"], found["detail"]) == ("started", "")
    assert found["seconds"] >= 0.5


STORE = (
    "import http.server as h\n"
    "class S(h.BaseHTTPRequestHandler):\n"
    "  def do_POST(s):\n"
    "    row = s.rfile.read(int(s.headers['Content-Length'])).decode()\n"
    "    open('/tmp/bootgate-row-{engine}', 'w').write(row); s.send_response(200)\n"
    "    s.end_headers()\n"
    "print('up', flush=True); h.HTTPServer(('', ${{port.db}}), S).serve_forever()"
)
ASK = (
    "import time, urllib.request as u; time.sleep(1); "
    "u.urlopen('http://{db}:${{port.db}}/', b'${{token}}'); print('asked', flush=True)"
)


@pytest.mark.parametrize("engine", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_proof_in_a_service_after_one_that_runs_once(boot, engine):
    """The runner leaves a row in the database, and ends; a seeder was there before it."""
    image = f"image: '{IMAGE}', " if engine == "docker" else ""
    own = "image: release, " if engine == "docker" else ""
    row = f"/tmp/bootgate-row-{engine}"
    store = json.dumps(["python3", "-c", STORE.format(engine=engine)])
    ask = json.dumps(["python3", "-c", ASK.format(db="db" if engine == "docker" else "127.0.0.1")])
    seed = json.dumps(["sh", "-c", f"rm -f {row}; sleep 0.3; echo seeded"])
    found = boot(
        f"releases: {{candidate: {{{image}command: {ask}}}}}\n"
        "ports: {db: 8080}\n"
        "services:\n"
        f"  db: {{{image}command: {store}, ready: {{line: up}}}}\n"
        f"  seed: {{{own}command: {seed}, once: true}}\n"
        "targets:\n"
        "  app:\n"
        "    timeout: 20s\n"
        "    phases:\n"
        "      asked: {line: asked}\n"
        f"      stored: {{exec: [grep, -q, '${{token}}', {row}], in: db, every: 3s}}\n",
        engine,
    )
    assert (found["outcome"], found["detail"]) == ("started", "")
    assert found["seconds"] >= 1.0
    assert found["tails"]["seed.out"] == ["seeded"]


COMPOSE = f"""\
services:
  api:
    image: {IMAGE}
    command: [sleep, "60"]
    depends_on: {{migrate: {{condition: service_completed_successfully}}}}
    healthcheck: {{test: [CMD, test, -e, /], interval: 1s}}
  order_db:
    image: {IMAGE}
    command: [sh, -c, "cat /run/secrets/word; sleep 60"]
    secrets: [word]
    healthcheck: {{test: [CMD, test, -e, /run/secrets/word]}}
    cpus: 0.5
  migrate:
    image: {IMAGE}
    command: [sh, -c, "getent hosts order_db; exit 4"]
    depends_on: {{order_db: {{condition: service_healthy}}}}
secrets: {{word: {{file: ./word.txt}}}}
"""


@pytest.mark.docker
def test_a_compose_file_whose_migration_fails(boot, pytester):
    (pytester.path / "docker-compose.yml").write_text(COMPOSE)
    (pytester.path / "word.txt").write_text("a-secret-word\n")
    found = boot(
        "system: {compose: docker-compose.yml, service: api}\n"
        "releases: {baseline: null, candidate: {env: {A: b}}}\n"
        "gate: {retries: 0}\n",
        "docker",
    )
    assert found["outcome"] == "crashed"
    assert (
        "the service migrate runs once and must exit with 0, but exited with 4" in found["detail"]
    )
    assert found["tails"]["migrate.out"] == ["127.0.0.1       order_db"]
    assert found["tails"]["order-db.out"] == ["***"]
