"""A user with just the Role of docs/kubernetes.md, and one with less."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
from pathlib import Path

import pytest
import yaml

from pytest_bootgate.engines.kubernetes import connect
from pytest_bootgate.gatefile.model import Kubernetes
from tests.conftest import ROOT
from tests.kubernetes.rig import get, kubectl, until

pytestmark = pytest.mark.kubernetes


def role() -> dict:
    """The Role of the docs."""
    blocks = re.findall(
        r"```yml\n(.*?)```", (ROOT / "docs" / "kubernetes.md").read_text(), re.DOTALL
    )
    return next(yaml.safe_load_all(blocks[0]))


@pytest.fixture
def user(tmp_path, monkeypatch):
    """From now on the kubeconfig is that of a user who may do as a Role says."""
    namespace = f"rights-{secrets.token_hex(4)}"
    kubectl("create", "namespace", namespace)

    def become(role: dict) -> str:
        inside = {"namespace": namespace, "name": "gate"}
        subject = {"kind": "ServiceAccount", **inside}
        of = {"annotations": {"kubernetes.io/service-account.name": "gate"}}
        token = {"type": "kubernetes.io/service-account-token", "kind": "Secret"}
        group = "rbac.authorization.k8s.io"
        for one in (
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": inside},
            {
                "apiVersion": "v1",
                **token,
                "metadata": {**inside, **of},
            },
            {**role, "metadata": inside},
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": inside,
                "roleRef": {"apiGroup": group, "kind": "Role", "name": "gate"},
                "subjects": [subject],
            },
        ):
            kubectl("apply", "-f", "-", input=json.dumps(one))
        data = until(20, lambda: get("-n", namespace, "secret", "gate")["data"]["token"])
        config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
        config["users"][0]["user"] = {"token": base64.b64decode(data).decode()}
        config["contexts"][0]["context"]["namespace"] = namespace
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        return namespace

    yield become
    monkeypatch.undo()
    kubectl("delete", "namespace", namespace, "--wait=false")


def test_the_role_of_the_docs_is_enough(user, gate):
    user(role())
    engine = connect("rights", Kubernetes())
    assert engine.rights() == []
    assert engine.capacity() is None  # nodes may not be listed
    engine.close()
    run = gate(20)
    out = run.end()
    assert run.process.returncode == 0, out


def test_what_is_missing_is_told(user, gate):
    less = role()
    less["rules"] = [rule for rule in less["rules"] if rule["resources"] != ["pods/exec"]]
    user(less)
    engine = connect("rights", Kubernetes())
    assert engine.rights() == ["create pods/exec", "get pods/exec"]
    engine.close()
    run = gate(20)
    out = run.end()
    assert run.process.returncode != 0
    assert "does not let this user run commands in pods" in out
