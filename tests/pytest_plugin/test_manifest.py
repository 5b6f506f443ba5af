"""A Deployment under gate as it is applied, on a real engine."""

from __future__ import annotations

import base64
import json
import subprocess

import pytest

from tests.engines.conftest import IMAGE

#: Seconds that the startupProbe allows.
ALLOWED = 6
SERVICE = """\
import http.server, os, time
ticks = open("/proc/1/stat").read().rpartition(")")[2].split()[19]
began = int(ticks) / os.sysconf("SC_CLK_TCK")  # of the container, however late Python is
open("/cache/file", "w").write("every user may write here")
assert open("/etc/shop/mode").read() == "$fast" and os.environ["PASSWORD"] == "hunter2-hunter2"
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        up = time.clock_gettime(time.CLOCK_BOOTTIME) - began > float(os.environ["DELAY"])
        self.send_response(204 if up or self.path == "/ready" else 503)
        self.end_headers()
    log_message = lambda *_: None
http.server.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
"""
MANIFEST = f"""\
kind: ConfigMap
metadata: {{name: shop}}
data: {{mode: $fast}}
---
kind: Secret
metadata: {{name: shop}}
data: {{password: {base64.b64encode(b"hunter2-hunter2").decode()}}}
---
kind: Deployment
metadata: {{name: shop}}
spec:
  template:
    spec:
      securityContext: {{runAsUser: 65534, runAsNonRoot: true}}
      initContainers: [{{name: migrate, image: "shop:1", command: ["true"]}}]
      containers:
        - name: api
          image: shop:1
          command: [python3, -c, {json.dumps(SERVICE)}]
          ports: [{{name: web, containerPort: 8000}}]
          env: [{{name: PASSWORD, valueFrom: {{secretKeyRef: {{name: shop, key: password}}}}}}]
          securityContext: {{readOnlyRootFilesystem: true, capabilities: {{drop: [ALL]}}}}
          volumeMounts: [{{name: conf, mountPath: /etc/shop}}, {{name: cache, mountPath: /cache}}]
          startupProbe: {{httpGet: {{path: /, port: web}}, periodSeconds: 1, failureThreshold: 6}}
          readinessProbe: {{httpGet: {{path: /ready, port: web}}}}
          resources: {{limits: {{memory: 256Mi}}}}
      volumes: [{{name: conf, configMap: {{name: shop}}}}, {{name: cache, emptyDir: {{}}}}]
"""


@pytest.fixture
def image():
    """Make an image that takes so many seconds to start."""
    made = []

    def build(seconds: float) -> str:
        text = f"FROM {IMAGE}\nENV DELAY={seconds}\n"
        build = ["docker", "build", "-q", "-"]
        done = subprocess.run(build, input=text, capture_output=True, text=True, check=True)
        made.append(done.stdout.strip())
        return made[-1]

    yield build
    subprocess.run(["docker", "rmi", "-f", *made], capture_output=True, check=False)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("share", "verdict", "said"),
    [
        (0.5, "pass", ""),
        (0.85, "fail", "; in production the kubelet kills it at 6 s (startupProbe)"),
        (1.3, "fail", "; in production the kubelet would have killed it at 6 s (startupProbe)"),
    ],
)
def test_a_deployment_whose_image_starts_later(pytester, run, image, share, verdict, said):
    """From the manifest alone: a boot near the allowance of its startupProbe fails the gate."""
    (pytester.path / "deployment.yaml").write_text(MANIFEST)
    (pytester.path / "bootgate.yaml").write_text(
        "system: {manifest: deployment.yaml, container: api}\n"
        f'releases: {{baseline: null, candidate: {{image: "{image(share * ALLOWED - 0.3)}"}}}}\n'
    )
    args = ("--bootgate-engine", "docker", "--bootgate-boots", "1", "--bootgate-json", "out.json")
    done = run("bootgate.yaml", *args)
    (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
    judgement = target["judgement"]
    assert judgement["verdict"] == verdict, done.stdout.str()
    assert done.ret == (verdict == "fail")
    outcomes = {boot["outcome"] for boot in target["boots"]}
    assert outcomes == {"timed_out" if share > 1 else "started"}
    texts = [one["text"] for one in judgement["findings"]]
    assert any(text.endswith(said) for text in texts) or not said, texts
    phases = [phase["at"] for phase in target["boots"][0]["phases"]]
    assert phases == [None, None] or phases[0] == phases[1]  # ready was asked only then
