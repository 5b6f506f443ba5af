"""What a pod is made of, what its states mean, and how images are named: pure parts."""

from __future__ import annotations

import datetime as dt
from typing import cast

import kubernetes_validate
import pytest
from lightkube.resources.core_v1 import Pod

from pytest_bootgate.engines import choose, kubernetes
from pytest_bootgate.engines.base import UnitSpec
from pytest_bootgate.engines.kubernetes import registry, status
from pytest_bootgate.engines.kubernetes.pod import (
    RUN_LABEL,
    Shape,
    container_name,
    manifest,
    patched,
)
from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.model import Container, Kubernetes


def shape(*units: UnitSpec, **more) -> Shape:
    given = {"name": "p", "run": "r1", "owner": "me", "helper": "python:3", "node": "n1", **more}
    return Shape(units=units, **given)


def gateway(**more) -> UnitSpec:
    container = Container(**more.pop("container", {}))
    return UnitSpec(role="gateway", image="api:1", command=["api"], container=container, **more)


def made(*units: UnitSpec, **more) -> dict:
    """A pod that a cluster would take."""
    pod = manifest(shape(*units, **more))
    kubernetes_validate.validate(pod, "1.31", strict=True)
    return pod["spec"]


def of(spec: dict, name: str) -> dict:
    return next(one for one in spec["containers"] if one["name"] == name)


def mounts(container: dict) -> dict[str, dict]:
    return {one["mountPath"]: one for one in container["volumeMounts"]}


def test_a_pod_has_a_container_for_each_unit_and_one_for_the_agent():
    sidecar = UnitSpec(role="sidecar", image="python:3", command=["python3"])
    service = UnitSpec(role="my_db", image="postgres:17", command=None)
    pod = manifest(shape(sidecar, service, gateway()))
    names = [one["name"] for one in pod["spec"]["containers"]]
    assert names == ["bootgate", "sidecar", "s-my-db", "gateway"]
    assert pod["metadata"]["labels"] == {RUN_LABEL: "r1"}
    assert pod["spec"]["restartPolicy"] == "Never"
    assert pod["spec"]["shareProcessNamespace"]
    assert not pod["spec"]["automountServiceAccountToken"]


def test_what_is_secret_is_not_in_the_text_of_a_pod():
    text = str(manifest(shape(gateway(env={"KEY": "s3cret"}, files={"/etc/x": b"s3cret"}))))
    assert "s3cret" not in text


def test_limits_are_requests_as_well():
    resources = of(made(gateway(cpus=0.25, memory=1 << 30)), "gateway")["resources"]
    assert resources["limits"] == resources["requests"] == {"cpu": "250m", "memory": "1073741824"}


def test_it_is_placed_by_its_node_and_its_labels():
    asked = Kubernetes(nodes={"pool": "gate"}, image_pull_secrets=["registry"])
    spec = made(gateway(), asked=asked)
    assert spec["nodeSelector"] == {"pool": "gate"}
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = required["nodeSelectorTerms"]
    assert term["matchFields"][0]["values"] == ["n1"]
    assert "affinity" not in made(gateway(), node="")


def test_container_options():
    spec = made(
        gateway(
            container={
                "user": "1000:1001",
                "working_dir": "/srv",
                "read_only": True,
                "cap_drop": ["KILL"],
                "cap_add": ["SYS_PTRACE"],
                "shm_size": 1 << 28,
                "tmpfs": ["/run", "/tmp:rw,size=64m"],
                "volumes": ["/cache"],
                "security_opt": ["seccomp=unconfined"],
                "gpus": 2,
            }
        )
    )
    one = of(spec, "gateway")
    rights = one["securityContext"]
    assert (rights["runAsUser"], rights["runAsGroup"]) == (1000, 1001)
    assert rights["readOnlyRootFilesystem"]
    assert not rights["allowPrivilegeEscalation"]
    assert rights["capabilities"]["drop"] == ["ALL"]
    assert "SYS_PTRACE" in rights["capabilities"]["add"]
    assert "KILL" not in rights["capabilities"]["add"]
    assert rights["seccompProfile"] == {"type": "Unconfined"}
    assert one["workingDir"] == "/srv"
    assert one["resources"]["limits"] == {"nvidia.com/gpu": "2"}
    volumes = {volume["name"]: volume["emptyDir"] for volume in spec["volumes"]}
    found = {path: volumes[mount["name"]] for path, mount in mounts(one).items()}
    assert found["/dev/shm"] == {"medium": "Memory", "sizeLimit": str(1 << 28)}
    assert found["/tmp"] == {"medium": "Memory", "sizeLimit": "64Mi"}
    assert found["/run"] == {"medium": "Memory"}
    assert found["/cache"] == {}


def test_network_options():
    spec = made(gateway(), network=Container(hostname="one", extra_hosts={"db": "10.0.0.7"}))
    assert spec["hostname"] == "one"
    assert spec["hostAliases"] == [{"ip": "10.0.0.7", "hostnames": ["db"]}]


def test_files_outside_of_what_is_shared_are_mounted_one_by_one():
    one = of(made(gateway(files={"/etc/app.conf": b"", "/bootgate/x": b""})), "gateway")
    found = mounts(one)
    assert found["/etc/app.conf"]["subPath"] == "files/gateway/0"
    assert "/bootgate/x" not in found


def test_a_state_outside_of_what_is_shared_is_a_volume_that_the_agent_has_as_well():
    spec = made(gateway(state="/var/lib/app"))
    name = mounts(of(spec, "gateway"))["/var/lib/app"]["name"]
    there = mounts(of(spec, "bootgate"))
    assert there["/bootgate-engine-gateway/var/lib/app"]["name"] == name


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"user": "node"}, "write the number"),
        ({"init": False}, "an init of its own"),
        ({"network": "bridge"}, "the cluster's"),
        ({"pids": 9}, "the kubelet"),
        ({"ulimits": {"nofile": 9}}, "those of the node"),
        ({"devices": ["/dev/kvm"]}, "kubernetes: {pod: ...}"),
        ({"gpus": "all"}, "write how many"),
        ({"security_opt": ["apparmor=x"]}, "kubernetes: {pod: ...}"),
        ({"volumes": ["data:/data"]}, "mount a claim"),
    ],
)
def test_what_a_pod_cannot_have_is_an_error_with_the_way_out(options, words):
    with pytest.raises(EngineError, match="which a Kubernetes pod cannot honour") as error:
        manifest(shape(gateway(container=options)))
    assert words in str(error.value)
    assert "--bootgate-engine docker" in str(error.value)


def test_a_patch_merges_named_things_and_adds_others():
    patch = {
        "metadata": {"labels": {"team": "a"}},
        "spec": {
            "priorityClassName": "low",
            "tolerations": [{"key": "gate", "operator": "Exists"}],
            "containers": [{"name": "gateway", "env": [{"name": "A", "value": "b"}]}],
            "volumes": [{"name": "shared", "emptyDir": {"sizeLimit": "1Gi"}}],
        },
    }
    pod = manifest(shape(gateway(), asked=Kubernetes(pod=patch)))
    kubernetes_validate.validate(pod, "1.31", strict=True)
    assert pod["metadata"]["labels"] == {RUN_LABEL: "r1", "team": "a"}
    spec = pod["spec"]
    assert len(spec["tolerations"]) == 3
    assert len(spec["containers"]) == 2
    assert of(spec, "gateway")["env"] == [{"name": "A", "value": "b"}]
    assert of(spec, "gateway")["image"] == "api:1"
    assert spec["volumes"][1] == {"name": "shared", "emptyDir": {"sizeLimit": "1Gi"}}


def test_a_patch_leaves_what_it_patches():
    before = {"a": {"b": 1}}
    assert patched(before, {"a": {"c": 2}}) == {"a": {"b": 1, "c": 2}}
    assert before == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("role", "name"), [("gateway", "gateway"), ("db", "s-db"), ("My_DB", "s-my-db")]
)
def test_names_of_containers(role, name):
    assert container_name(role) == name


def test_without_its_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(kubernetes, "_NEEDED", ("no_such_module",))
    with pytest.raises(EngineError, match=r"pip install 'pytest-bootgate\[kubernetes\]'"):
        choose("kubernetes", images=True, commands=True, run="r1")


def test_it_boots_images():
    with pytest.raises(EngineError, match="The kubernetes engine boots images"):
        choose("kubernetes", images=False, commands=True, run="r1")


# -- states ------------------------------------------------------------------------------------


def pod(phase: str = "Running", **more) -> Pod:
    metadata = {"name": "p", **more.pop("metadata", {})}
    about = {"metadata": metadata, "spec": {"containers": []}, "status": {"phase": phase, **more}}
    return cast(Pod, Pod.from_dict(about))


def state(name: str = "gateway", image: str = "", **state) -> dict:
    seen = {"name": name, "image": "api:1", "imageID": image, "ready": False, "restartCount": 0}
    return {**seen, "state": state}


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (None, "was deleted"),
        (pod("Failed", reason="Evicted", message="The node was low."), "Evicted: The node was low"),
        (pod("Failed", reason="DeadlineExceeded"), "DeadlineExceeded"),
        (pod(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), "deleted by somebody else"),
    ],
)
def test_a_pod_that_was_taken_away(seen, words):
    assert words in status.taken_away(seen, "p")


def test_a_pod_that_runs_was_not_taken_away():
    assert status.taken_away(pod(), "p") is None
    assert not status.over(pod())


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_ended_was_not_taken_away_either(phase):
    assert status.taken_away(pod(phase), "p") is None
    assert status.over(pod(phase))


@pytest.mark.parametrize(
    ("code", "reason", "so"),
    [(3, "Error", False), (137, "OOMKilled", False), (255, "Unknown", True), (255, "Error", True)],
)
def test_an_end_that_nobody_saw(code, reason, so):
    seen = pod(containerStatuses=[state(terminated={"exitCode": code, "reason": reason})])
    assert status.unseen(status.terminated(seen, "gateway")) is so


def test_an_image_that_a_node_cannot_have():
    waiting = {"reason": "ImagePullBackOff", "message": "no such host."}
    ((one, why),) = status.without_image(pod(containerStatuses=[state(waiting=waiting)]))
    assert (one.image, why) == ("api:1", "no such host")


def test_a_pod_that_no_node_takes():
    condition = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available."}
    assert status.unschedulable(pod("Pending", conditions=[condition])) == "0/3 nodes are available"
    assert status.unschedulable(pod()) == ""


def test_a_digest_whatever_the_image_is_called():
    digest = f"sha256:{'a' * 64}"
    for image in (digest, f"docker-pullable://x/y@{digest}", f"x/y@{digest}"):
        assert status.digest(pod(containerStatuses=[state(image=image)]), "gateway") == digest
    assert status.digest(pod(), "gateway") == ""


def test_all_containers_run():
    up = state(running={"startedAt": dt.datetime(2026, 1, 1, tzinfo=dt.UTC).isoformat()})
    assert status.all_run(pod(containerStatuses=[up]))
    assert not status.all_run(pod(containerStatuses=[up, state("x", waiting={})]))
    assert not status.all_run(pod())


# -- registries --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("postgres", ("registry-1.docker.io", "library/postgres", "latest")),
        ("docker.io/library/postgres:17", ("registry-1.docker.io", "library/postgres", "17")),
        ("acme/api:1.8", ("registry-1.docker.io", "acme/api", "1.8")),
        ("10.0.0.1:5000/api:1", ("10.0.0.1:5000", "api", "1")),
        ("ghcr.io/acme/api@sha256:ab", ("ghcr.io", "acme/api", "sha256:ab")),
        ("localhost/api:1@sha256:ab", ("localhost", "api", "sha256:ab")),
    ],
)
def test_names_of_images(image, parts):
    assert registry.parsed(image) == parts


def test_an_image_with_its_digest_needs_no_registry():
    assert registry.pinned("nowhere.invalid/api@sha256:ab") == "nowhere.invalid/api@sha256:ab"


def test_a_registry_that_does_not_answer():
    with pytest.raises(EngineError, match="Write it out: `command`"):
        registry.config("127.0.0.1:1/api:1")
