"""A container of a Kubernetes manifest underneath a gate file."""

from __future__ import annotations

import base64
import copy
import math
from pathlib import Path

import pytest
import yaml

from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import load
from pytest_bootgate.probes.exec import Exec
from pytest_bootgate.probes.grpc import Grpc
from pytest_bootgate.probes.http import Http
from pytest_bootgate.probes.tcp import Tcp
from pytest_bootgate.quantities import Seconds

SECRET = base64.b64encode(b"hunter2-hunter2").decode()
OBJECTS = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data: {{LEVEL: info, mode.conf: "mode=$fast"}}
---
apiVersion: v1
kind: Secret
metadata: {{name: access}}
data: {{password: {SECRET}}}
stringData: {{TOKEN: swordfish-1}}
---
"""
POD = """\
      hostAliases: [{ip: 10.0.0.9, hostnames: [mail]}]
      securityContext: {runAsUser: 1000, runAsGroup: 2000, runAsNonRoot: true, fsGroup: 2000}
      initContainers:
        - {name: migrate, image: "shop/api:1.0", args: [migrate]}
        - name: proxy
          image: proxy:3
          restartPolicy: Always
          startupProbe: {tcpSocket: {port: 9000}, failureThreshold: 12}
      containers:
        - name: api
          image: shop/api:1.0
          command: [/bin/serve]
          args: ["--level=$(LEVEL)", "--cost=5$", $$(LEVEL), "$(NOWHERE)"]
          workingDir: /srv
          ports: [{name: web, containerPort: 8000}]
          env:
            - {name: HOST, value: db}
            - {name: URL, value: "pg://$(HOST)/$(HOST_2)"}
            - {name: PASSWORD, valueFrom: {secretKeyRef: {name: access, key: password}}}
            - {name: SELF, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
            - name: MEM
              valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}
            - {name: MAYBE, valueFrom: {configMapKeyRef: {name: no, key: no, optional: true}}}
          envFrom: [{configMapRef: {name: settings}, prefix: ""}]
          securityContext:
            readOnlyRootFilesystem: true
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}
            seccompProfile: {type: RuntimeDefault}
          resources: {limits: {cpu: 500m, memory: 512Mi}, requests: {cpu: 100m}}
          volumeMounts:
            - {name: tmp, mountPath: /tmp/}
            - {name: shm, mountPath: /dev/shm}
            - {name: conf, mountPath: /etc/shop}
            - {name: access, mountPath: /run/access}
          startupProbe:
            httpGet: {path: /started, port: web}
            initialDelaySeconds: 10
            periodSeconds: 2
            failureThreshold: 20
          readinessProbe:
            httpGet: {path: ready, port: 8000, scheme: HTTPS, httpHeaders: [{name: Host, value: a}]}
            periodSeconds: 5
            successThreshold: 3
            timeoutSeconds: 4
        - {name: metrics, image: metrics:2, resources: {limits: {memory: 64M}}}
      volumes:
        - {name: tmp, emptyDir: {}}
        - {name: shm, emptyDir: {medium: Memory, sizeLimit: 256Mi}}
        - {name: conf, configMap: {name: settings, items: [{key: mode.conf, path: app/mode.conf}]}}
        - {name: access, secret: {secretName: access}}
"""
DEPLOYMENT = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop}}
spec:
  replicas: 3
  template:
    metadata: {{labels: {{app: shop}}}}
    spec:
{POD}"""
GATE = """\
system: {manifest: deployment.yaml, container: api}
releases: {candidate: {image: "shop/api:1.1"}}
"""


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """Load a gate file beside a manifest."""
    monkeypatch.chdir(tmp_path)

    def call(text: str = GATE, manifest: str = OBJECTS + DEPLOYMENT):
        Path("deployment.yaml").write_text(manifest)
        Path("bootgate.yaml").write_text(text)
        return load(Path("bootgate.yaml"), {}).gate

    return call


def mistakes(gate, *args, **parts) -> list[str]:
    with pytest.raises(GateFileError) as caught:
        gate(*args, **parts)
    return caught.value.mistakes


def test_all_of_it(gate):
    found = gate()
    images = (found.releases.baseline.image, found.releases.candidate.image)
    assert images == ("shop/api:1.0", "shop/api:1.1")
    gateway, container = found.gateway, found.gateway.container
    assert gateway.published == [8000]
    assert container.entrypoint == ["/bin/serve"]
    assert gateway.command == ["--level=info", "--cost=5$$", "$$(LEVEL)", "$$(NOWHERE)"]
    assert gateway.env == {
        "LEVEL": "info",
        "mode.conf": "mode=$$fast",
        "HOST": "db",
        "URL": "pg://db/$$(HOST_2)",
        "PASSWORD": "hunter2-hunter2",
        "SELF": "shop",
        "MEM": "512",
    }
    assert (container.user, container.working_dir) == ("1000:2000", "/srv")
    assert (container.read_only, container.cap_drop) == (True, ["ALL"])
    assert container.cap_add == ["NET_BIND_SERVICE"]
    assert container.extra_hosts == {"mail": "10.0.0.9"}
    assert (container.shm_size, container.tmpfs) == (256 << 20, [])
    assert container.volumes == ["/tmp:rw", "/etc/shop:rw", "/run/access:rw"]
    assert {at: (one.text, one.secret) for at, one in gateway.files.items()} == {
        "/etc/shop/app/mode.conf": ("mode=$$fast", False),
        "/run/access/password": ("hunter2-hunter2", True),
        "/run/access/TOKEN": ("swordfish-1", True),
    }
    (profile,) = found.profiles.values()
    assert (profile.cpus, profile.memory) == (0.5, 512 << 20)


def test_the_start_is_judged_as_a_kubelet_does(gate):
    (target,) = gate().targets.values()
    assert (target.timeout, target.timeout_of) == (50, "startupProbe")
    started, proof = target.phases.values()
    assert list(target.phases) == ["startupProbe", "proof"]
    status = [*range(200, 400)]
    assert started.kind == Http(":8000/started", status=status, patience=Seconds(1.0))
    assert (started.deadline, started.waits) == (None, False)
    assert proof.kind == Http(
        "https://:8000/ready",
        headers={"Host": "a"},
        verify=False,
        status=status,
        patience=Seconds(4),
    )
    assert (proof.waits, proof.stays) == (True, 10)


def test_services(gate):
    found = gate()
    assert list(found.services) == ["migrate", "proxy", "metrics"]
    migrate, proxy, metrics = found.services.values()
    assert (migrate.image, migrate.once, migrate.command) == ("release", True, ["migrate"])
    assert migrate.container.user == "1000:2000"
    assert (proxy.once, proxy.ready.kind, proxy.ready_timeout) == (False, Tcp(":9000"), 120)
    assert (metrics.ready, metrics.memory) == (None, 61 << 20)


def test_the_gate_file_wins(gate):
    text = GATE + (
        "gateway: {env: {HOST: other}}\n"
        "services: {db: {image: 'postgres:17'}, metrics: null}\n"
        "targets: {api: {timeout: 90s}}\n"
    )
    found = gate(text)
    assert (found.gateway.env["HOST"], found.gateway.env["URL"]) == (
        "other",
        "pg://other/$$(HOST_2)",
    )
    # What is outside of the pod is there before any of its containers.
    assert list(found.services) == ["db", "migrate", "proxy"]
    target = found.targets["api"]
    assert (target.timeout, target.timeout_of) == (90, None)
    assert target.phases["startupProbe"].deadline == 50
    assert gate(text.replace("90s", "20s")).targets["api"].phases["startupProbe"].deadline is None


def test_phases_of_the_gate_file_come_before_the_startup_probe(gate):
    """Which is asked all the same: else what a kubelet kills could pass."""
    target = gate(f"{GATE}targets: {{api: {{phases: {{up: {{line: up}}}}}}}}\n").targets["api"]
    assert list(target.phases) == ["up", "startupProbe", "proof"]


PLAIN = """\
kind: Pod
metadata: {name: a}
spec: {containers: [{name: api, image: "shop/api:1.0", PROBES}]}
"""


@pytest.mark.parametrize(
    ("probes", "timeout", "of", "phases"),
    [
        ("livenessProbe: {tcpSocket: {port: 80}}", 30, "livenessProbe", {"proof": Tcp(":80")}),
        (
            "startupProbe: {exec: {command: [ok, $A]}, failureThreshold: 9, timeoutSeconds: 2}",
            90,
            "startupProbe",
            {"proof": Exec(["ok", "$$A"], patience=Seconds(2.0))},
        ),
        (
            "readinessProbe: {grpc: {port: 80, service: shop}}, livenessProbe: {grpc: {port: 80}}",
            30,
            "livenessProbe",
            {
                "livenessProbe": Grpc(":80", patience=Seconds(1.0)),
                "proof": Grpc(":80", service="shop", patience=Seconds(1.0)),
            },
        ),
        (  # both ask the same
            "startupProbe: {grpc: {port: 80},periodSeconds: 1}, readinessProbe: {grpc: {port: 80}}",
            3,
            "startupProbe",
            {"proof": Grpc(":80", patience=Seconds(1.0))},
        ),
    ],
)
def test_probes(gate, probes, timeout, of, phases):
    target = gate(manifest=PLAIN.replace("PROBES", probes)).targets["api"]
    assert (target.timeout, target.timeout_of) == (timeout, of)
    assert {name: one.kind for name, one in target.phases.items()} == phases


IDLE = '{exec: {command: [sh, -c, "exit 0"]}}'
OTHER = '{exec: {command: ["true"]}}'
#: A good probe, and the same as the only thing that shows and limits a start.
GOOD, ALONE = "{grpc: {port: 80}}", {"proof": Grpc(":80", patience=Seconds(1.0))}


@pytest.mark.parametrize(
    ("probes", "of", "left_out"),
    [
        (f"livenessProbe: {GOOD}, readinessProbe: {IDLE}", "livenessProbe", "readinessProbe"),
        (f"livenessProbe: {GOOD}, startupProbe: {IDLE}", "livenessProbe", "startupProbe"),
        (f"readinessProbe: {GOOD}, livenessProbe: {IDLE}", None, "livenessProbe"),
    ],
)
def test_a_probe_that_always_succeeds_is_left_out(gate, probes, of, left_out):
    """The kubelet never kills by it either, so without another the gate file limits the start."""
    manifest = PLAIN.replace("PROBES", probes)
    limit = "" if of else "targets: {api: {timeout: 30s}}\n"
    if not of:
        (told,) = mistakes(gate, GATE, manifest)
        assert "nothing limits the start of api: no startupProbe, no livenessProbe that can" in told
        assert told.endswith("write targets: {api: {timeout: 60s}} into the gate file")
    gate(GATE + limit, manifest)
    loaded = load(Path("bootgate.yaml"), {})
    target = loaded.gate.targets["api"]
    assert (target.timeout, target.timeout_of) == (30, of)
    assert {name: one.kind for name, one in target.phases.items()} == ALONE
    (note,) = loaded.notes
    assert note.startswith(f"api: its {left_out} is left out: its command always succeeds")


def test_where_no_probe_can_fail_a_proof_of_ones_own_does(gate):
    manifest = PLAIN.replace("PROBES", f"readinessProbe: {IDLE}, livenessProbe: {OTHER}")
    (told,) = mistakes(gate, GATE, manifest)
    assert told.endswith("proves nothing: give the target a proof of its own in the gate file")
    own = GATE + "targets: {api: {proof: {tcp: ':80'}}}\n"
    assert [*gate(own, manifest).targets["api"].phases] == ["proof"]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("StatefulSet", "{template: {spec: SPEC}}"),
        ("Job", "{template: {spec: SPEC}}"),
        ("CronJob", "{jobTemplate: {spec: {template: {spec: SPEC}}}}"),
        ("Pod", "SPEC"),
    ],
)
def test_workloads(gate, kind, spec):
    one = "{containers: [{name: api, image: x, livenessProbe: {tcpSocket: {port: 1}}}]}"
    text = f"kind: {kind}\nmetadata: {{name: shop}}\nspec: {spec.replace('SPEC', one)}\n"
    assert gate(manifest=text).targets["api"].timeout == 30
    listed = f"kind: List\nitems:\n- {text.replace(chr(10), chr(10) + '  ')}"
    assert gate(manifest=listed).targets["api"].timeout == 30


def test_a_stateful_set_knows_its_name_and_claims(gate):
    text = """\
kind: StatefulSet
metadata: {name: db}
spec:
  template:
    spec:
      containers:
      - name: api
        image: x
        env: [{name: ME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        livenessProbe: {tcpSocket: {port: 1}}
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates: [{metadata: {name: data}}]
"""
    gateway = gate(manifest=text).gateway
    assert (gateway.env, gateway.container.hostname) == ({"ME": "db-0"}, "db-0")
    assert gateway.container.volumes == ["/data:rw"]


def test_one_of_several(gate):
    other = DEPLOYMENT.replace("name: shop}", "name: store}", 1).replace("api:1.0", "api:0.9")
    both = f"{OBJECTS}{DEPLOYMENT}---\n{other}"
    (told,) = mistakes(gate, manifest=both)
    assert told == (
        "bootgate.yaml:1:48: deployment.yaml has several containers 'api': write shop/api"
    )
    text = GATE.replace("container: api", "container: store/api")
    assert gate(text, both).releases.baseline.image == "shop/api:0.9"
    named = "kind: {}\nmetadata: {{name: {}"
    daemons = both.replace(named.format("Deployment", "store"), named.format("DaemonSet", "shop"))
    assert "write Deployment/shop/api" in mistakes(gate, manifest=daemons)[0]
    text = GATE.replace("container: api", "container: DaemonSet/shop/api")
    assert gate(text, daemons).releases.baseline.image == "shop/api:0.9"


def test_what_is_not_in_the_file(gate):
    """A mistake at its place, unless the gate file says it, or goes without."""
    told = mistakes(gate, manifest=DEPLOYMENT)
    assert [one.split(": ")[:2] for one in told] == [
        [
            "deployment.yaml:27:58",
            "PASSWORD comes from the Secret access, which is not in this file",
        ],
        ["deployment.yaml:32:36", "the ConfigMap settings is not in this file"],
        ["deployment.yaml:42:15", "the ConfigMap settings at /etc/shop is not in this file"],
        ["deployment.yaml:43:15", "the Secret access at /run/access is not in this file"],
    ]
    text = GATE.replace("api}", "api, ignore: [configMapRef, configMap, secret]}")
    found = gate(f"{text}gateway: {{env: {{PASSWORD: other}}}}\n", DEPLOYMENT)
    assert found.gateway.env["PASSWORD"] == "other"
    assert found.gateway.command[0] == "--level=$$(LEVEL)"


@pytest.mark.parametrize(
    ("old", "new", "place", "words", "key"),
    [
        ("      hostAl", "      hostNetwork: true\n      hostAl", "9:7", "`hostNetwork`", ""),
        (
            "{runAsUser: 1000, runAsGroup: 2000,",
            "{",
            "10:26",
            "a kubelet refuses an image whose user is root",
            "runAsNonRoot",
        ),
        (
            "workingDir:",
            "lifecycle: {postStart: {}}\n          workingDir:",
            "22:23",
            "`postStart`",
            "",
        ),
        ("path: /started,", "path: /, host: example.com,", "45:32", "asks example.com", "host"),
        ("{cpu: 500m,", "{cpu: 500m, fpga: 1,", "38:43", "the limit `fpga`", ""),
        ("tmp, emptyDir: {}}", "tmp, hostPath: {path: /x}}", "40:15", "the hostPath at /tmp", ""),
        ("RuntimeDefault", "Localhost", "37:13", "a Localhost profile", "seccompProfile"),
        ("name: settings, items", "name: settings, defaultMode: 0755, items", "42:15", "", ""),
    ],
)
def test_what_cannot_be_taken_over(gate, old, new, place, words, key):
    manifest = f"{DEPLOYMENT.replace(old, new)}---\n{OBJECTS}"
    (told,) = mistakes(gate, manifest=manifest)
    assert told.startswith(f"deployment.yaml:{place}: ")
    assert words in told
    named = told.rpartition("`ignore: [")[2].partition("]")[0]
    assert named == key or not key
    gate(GATE.replace("api}", f"api, ignore: [{named}]}}"), manifest)


def test_volumes_that_containers_share(gate):
    more = "image: proxy:3\n          volumeMounts: [{name: tmp, mountPath: /x}]"
    manifest = OBJECTS + DEPLOYMENT.replace("image: proxy:3", more)
    (told,) = mistakes(gate, manifest=manifest)
    assert "the volume tmp is also that of proxy, and here each has its own" in told
    gate(GATE.replace("api}", "api, ignore: [emptyDir]}"), manifest)


def test_secrets_are_masked(gate):
    gate()
    mask = load(Path("bootgate.yaml"), {}).mask
    for known in ("hunter2-hunter2", "swordfish-1", SECRET):
        assert known not in mask.text(f"it is {known}")
    broken = OBJECTS.replace(SECRET, f"{SECRET}-{SECRET}") + DEPLOYMENT.replace("500m", SECRET)
    assert SECRET not in str(mistakes(gate, manifest=broken))


def test_where_it_comes_from(gate):
    gate()
    taken = {what: str(place) for what, place in load(Path("bootgate.yaml"), {}).taken()}
    assert taken["api timeout"] == "deployment.yaml:55:11"
    assert taken["api phases proof"] == "deployment.yaml:60:11"
    assert set(taken) >= {"gateway env", "services proxy", "profiles production"}


def test_merge_keys_and_anchors(gate):
    manifest = PLAIN.replace("PROBES", "<<: *probes").replace(
        "kind: Pod", "x: &probes {livenessProbe: {tcpSocket: {port: 80}}, name: none}\nkind: Pod"
    )
    assert gate(manifest=manifest).targets["api"].timeout == 30


PROBED = PLAIN.replace("PROBES", "startupProbe: {tcpSocket: {port: 80}}")
BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "manifest", "told"),
    [
        (GATE.replace("container: api", "container: apu"), PROBED, "no container 'apu': did you"),
        (GATE.replace("container: api", "container: x/api"), PROBED, "has no container 'x/api'"),
        (GATE.replace("container:", "contaner:"), PROBED, "unknown key 'contaner' in the system"),
        (GATE.replace(", container: api", ""), PROBED, "missing key 'container' in the system"),
        (GATE.replace("container:", "service:"), PROBED, "'service' goes with 'compose'"),
        (GATE.replace("manifest:", "compose:"), PROBED, "'container' goes with 'manifest'"),
        (GATE.replace("api}", "api, service: b}"), PROBED, "'service' goes with 'compose'"),
        (GATE.replace("api}", "api, compose: bootgate.yaml}"), PROBED, "not by both"),
        (GATE.replace("deployment", "deploy"), PROBED, "there is no file 'deploy.yaml'"),
        (GATE, "a: {{ .Values.b }}\n", "render it first: helm template"),
        (GATE, "kind: Service", "deployment.yaml has no containers"),
        (GATE, "[]", "deployment.yaml has no containers"),
        (GATE, "", "deployment.yaml has no containers"),
        (GATE, "kind: Pod", "deployment.yaml:1:1: the Pod boot has no `containers`"),
        (GATE, "kind: Pod\nspec: {containers: {a: b}}", ":2:20: `containers` must be a list"),
        (GATE, "kind: Pod\nspec: {containers: [a]}", "must be a list of mappings"),
        (GATE, "kind: Pod\nspec: [1]", ":2:7: `spec` must be a mapping"),
        (GATE, "kind: Pod\nspec: {containers: [{image: x}]}", ":2:21: `name` is missing here"),
        (GATE, "kind: [Pod]\nspec: {containers: [{image: x}]}", ":1:7: `kind` must be a text"),
        (GATE, PLAIN.replace("PROBES", "env: [{value: x}]"), "`name` is missing here"),
        (GATE, PLAIN.replace("PROBES", "env: [{name: A, value: [x]}]"), "`value` must be a text"),
        (GATE, PLAIN.replace("PROBES", ""), "api has no health check, so nothing proves its start"),
        (
            GATE,
            PLAIN.replace("PROBES", "readinessProbe: {tcpSocket: {port: 80}}"),
            "nothing limits the start of api: no startupProbe, no livenessProbe",
        ),
        (GATE, PROBED.replace("port: 80", "port: web"), ":3:89: 'web' is no port"),
        (GATE, PROBED.replace("port: 80", "port: 80000"), "'80000' is no port"),
        (GATE, PROBED.replace("port: 80", "port: 1e999"), "is no port"),
        (GATE, PROBED.replace("{port: 80}", "{}"), "is no port"),
        (GATE, PROBED.replace("tcpSocket", "tcp"), "the startupProbe has no one way to ask"),
        (GATE, PROBED.replace("80}}", "80}, periodSeconds: 0}"), "must be a whole number of at"),
        (GATE, PROBED.replace("80}}", "80}, periodSeconds: 9999999999999}"), "must be a whole"),
        (GATE, PROBED.replace("80}}", "80}, failureThreshold: [3]}"), "must be a whole number"),
        (GATE, PROBED.replace("startup", "resources: {limits: {cpu: much}}, startup"), "no amount"),
        (GATE, PROBED.replace("start", "resources: {limits: {memory: 1e999}}, start"), "no amount"),
        (
            GATE.replace('image: "shop/api:1.1"', ""),
            PROBED.replace('image: "shop/api:1.0", ', ""),
            "bootgate.yaml:2:12: the container api names no image",
        ),
        (GATE, "kind: Pod\nspec: &a {containers: *a}", "contains itself"),
        (GATE, "kind: Pod\nspec: !x {}", "the tag '!x' is not allowed"),
        (GATE, BOMB, "the file holds more than 100000 values"),
        (GATE, "a: " + "[" * 5000, "lie inside each other"),
        (
            GATE,
            PROBED.replace("start", "securityContext: {runAsNonRoot: true, runAsUser: 0}, start"),
            "no kubelet would start this",
        ),
        (
            GATE,
            PROBED.replace("startup", "volumeMounts: [{name: v, mountPath: /v}], startup"),
            "the pod has no volume `v`",
        ),
    ],
)  # fmt: skip
def test_mistakes(gate, text, manifest, told):
    found = mistakes(gate, text, manifest)
    assert told in "\n".join(found)


def test_what_is_no_text(gate, tmp_path):
    gate()
    Path("deployment.yaml").write_bytes(b"kind: Pod\nx: \xff\xfe\n")
    with pytest.raises(GateFileError, match="the file is not UTF-8 text"):
        load(Path("bootgate.yaml"), {})


@pytest.mark.slow
def test_what_a_manifest_may_hold(gate):
    """Whatever stands where, it is a mistake at its place or none, and never a crash."""
    documents = [*yaml.safe_load_all(OBJECTS + DEPLOYMENT)]
    hostile = [None, [], {}, [[1]], {"a": [1]}, "", -1, 10**30, math.inf, True, "${X} $(Y)", "é\n"]
    for number, way in enumerate(ways := [*_ways(documents)]):
        broken = copy.deepcopy(documents)
        above = broken
        for key in way[:-1]:
            above = above[key]
        above[way[-1]] = hostile[number % len(hostile)]
        try:
            gate(manifest=yaml.safe_dump_all(broken))
        except GateFileError as error:
            places = [told.partition(":")[0] for told in error.mistakes]
            assert {*places} <= {"deployment.yaml", "bootgate.yaml"}
    assert len(ways) > 150


def _ways(value, above=()):
    """The keys that lead to each value."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield (*above, key)
        yield from _ways(value[key], (*above, key))
