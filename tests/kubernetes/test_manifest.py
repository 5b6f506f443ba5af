"""A Deployment under the gate as it is applied: its startupProbe is the timeout."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.kubernetes

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")
#: A second, and nine periods of one, to answer.
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}}}
    spec:
      containers:
        - name: api
          image: "{image}"
          command: [python3, -uc, "{program}"]
          ports: [{{name: web, containerPort: 8080}}]
          resources: {{limits: {{cpu: "1", memory: 256Mi}}}}
          startupProbe:
            httpGet: {{path: /, port: web}}
            initialDelaySeconds: 1
            periodSeconds: 1
            failureThreshold: 9
          readinessProbe: {{httpGet: {{path: /, port: web}}}}
"""
SERVES = (
    "import http.server as h, time; time.sleep({seconds});"
    " h.test(h.SimpleHTTPRequestHandler, port=8080)"
)
GATE = """\
system: {{manifest: deployment.yaml, container: api}}
releases: {{candidate: {{image: "{image}"}}, baseline: null}}
gate: {{boots: {boots}, retries: 0}}
"""


@pytest.mark.parametrize(
    ("share", "boots", "verdict", "words"),
    [
        (1.3, 1, "fail", "no proof within 10 s"),
        (0.85, 1, "fail", "kubelet kills it at 10 s (startupProbe)"),
        (0.5, 5, "pass", ""),
    ],
)
def test_a_new_image_and_the_allowance_of_its_probe(tmp_path, share, boots, verdict, words):
    program = SERVES.format(seconds=10 * share - 0.3)  # Python itself takes some time
    (tmp_path / "deployment.yaml").write_text(DEPLOYMENT.format(image=IMAGE, program=program))
    (tmp_path / "bootgate.yaml").write_text(GATE.format(image=IMAGE, boots=boots))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."]
    command += ["--bootgate-engine", "kubernetes", "--bootgate-json", "out.json", "bootgate.yaml"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180)
    print(ran.stdout)
    (target,) = json.loads((tmp_path / "out.json").read_text())["targets"]
    assert target["verdict"] == verdict, target
    assert words in " ".join(ran.stdout.split())
