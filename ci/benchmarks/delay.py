"""Boots beside busy neighbours: what a verdict by wall time is worth there, and by net time."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import permutations
from pathlib import Path

from pytest_bootgate.boot.pair import Pair
from pytest_bootgate.boot.recipe import Recipe
from pytest_bootgate.boot.values import Boot
from pytest_bootgate.engines.base import Engine
from pytest_bootgate.engines.docker import DockerEngine
from pytest_bootgate.engines.process import ProcessEngine
from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.model import Host

#: A gateway that starts a runner for each job; the runner computes for about 0.3 s.
_GATEWAY = """\
import http.server, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        self.do_GET()
        subprocess.Popen([sys.executable, "-ISc", sys.argv[2]])
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
"""
_RUNNER = """\
import os
for _ in range(round(80 * float(os.environ["WORK"]))):
    sum(number * number for number in range(100_000))
print("done", flush=True)
"""
_GATE_FILE = """\
releases:
  baseline: {BY, env: {WORK: "1"}}
  candidate: {BY, env: {WORK: "SLOWER"}}
gateway:
  command: COMMAND
  ready: {http: ":${port.gateway}/"}
companion: {image: release}
ports: {gateway: 8080}
targets:
  boot:
    timeout: 60s
    start: warm
    trigger: {http: ":${port.gateway}/"}
    proof: {line: "^done$"}
"""
#: The releases of a round: two are the same code, one does so much more of the same work.
VARIANTS = {"baseline": 1.0, "same": 1.0, "slower": 1.2}


def record(engine: str, image: str, loops: int, rounds: int) -> Iterator[dict[str, Boot]]:
    """Boots of all variants, one after another in an order that changes, beside busy loops."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as up:
        here = Path(directory)
        running: Engine
        running = (DockerEngine if engine == "docker" else ProcessEngine)(
            f"bench{secrets.token_hex(4)}"
        )
        up.callback(running.close)
        pairs = {}
        for name, work in VARIANTS.items():
            pair = Pair(running, _recipe(here, running, image, work), lambda _: None)
            up.callback(pair.close)
            pair.open()
            pairs[name] = pair
        up.enter_context(_busy(loops))
        orders = list(permutations(pairs))
        for number in range(rounds + 2):
            boots = {name: pairs[name].boot(number) for name in orders[number % len(orders)]}
            if not all(boot.started for boot in boots.values()):
                raise RuntimeError(f"a boot did not start: {boots}")
            if number >= 2:
                yield boots


def _recipe(here: Path, engine: Engine, image: str, work: float) -> Recipe:
    docker = engine.name == "docker"
    python = "python3" if docker else sys.executable
    by = f'image: "{image}"' if docker else "env: {}"
    command = json.dumps([python, "-c", _GATEWAY, "${port.gateway}", _RUNNER])
    text = _GATE_FILE.replace("COMMAND", command).replace("SLOWER", str(work))
    path = here / "bootgate.yaml"
    path.write_text(text.replace("BY, ", f"{by}, " if docker else ""))
    gate = load(path).gate
    release = gate.releases.candidate
    digest = engine.resolve(image) if docker else None
    return Recipe(
        gate, "boot", gate.targets["boot"], "candidate", release, "default", Host(), here, digest
    )


@contextmanager
def _busy(loops: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", "while 1: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()
