"""What OpenTelemetry calls the pipeline that runs a gate, and what a gate tests.

The names are those of its semantic conventions for CI/CD and tests (status: development).
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_bootgate.records.verdict import Verdict

#: What a suite is called whose verdict is one; the others keep their own word, which is allowed.
_SUITES: Mapping[Verdict, str] = {"pass": "success", "fail": "failure", "error": "aborted"}
_NAME, _RUN, _URL = "cicd.pipeline.name", "cicd.pipeline.run.id", "cicd.pipeline.run.url.full"
_TASK, _TASK_RUN = "cicd.pipeline.task.name", "cicd.pipeline.task.run.id"
_TASK_URL = "cicd.pipeline.task.run.url.full"
#: What says which system it is, and the variables in which that tells the rest.
_SYSTEMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "GITHUB_ACTIONS": {
        _NAME: ("GITHUB_WORKFLOW",),
        _RUN: ("GITHUB_RUN_ID",),
        _TASK: ("GITHUB_JOB",),
    },
    "GITLAB_CI": {
        _NAME: ("CI_PIPELINE_NAME", "CI_PROJECT_PATH"),
        _RUN: ("CI_PIPELINE_ID",),
        _URL: ("CI_PIPELINE_URL",),
        _TASK: ("CI_JOB_NAME",),
        _TASK_RUN: ("CI_JOB_ID",),
        _TASK_URL: ("CI_JOB_URL",),
    },
    "JENKINS_URL": {
        _NAME: ("JOB_NAME",),
        _RUN: ("BUILD_ID",),
        _URL: ("BUILD_URL",),
        _TASK: ("STAGE_NAME",),
    },
}


def pipeline(environ: Mapping[str, str]) -> dict[str, str]:
    """The pipeline and its job by the environment; empty where none is known."""
    system = next((one for one in _SYSTEMS if environ.get(one)), None)
    if system is None:
        return {}
    found = {}
    for name, variables in _SYSTEMS[system].items():
        if text := next((environ[one] for one in variables if environ.get(one)), ""):
            found[name] = text
    where = [environ.get(f"GITHUB_{one}") for one in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    if system == "GITHUB_ACTIONS" and all(where):
        found[_URL] = "{}/{}/actions/runs/{}".format(*where)
    return found | {"cicd.pipeline.task.type": "test"}


def suite(name: str, verdict: Verdict) -> dict[str, str]:
    """A gate file as a test suite."""
    status = _SUITES.get(verdict, verdict)
    return {"test.suite.name": name, "test.suite.run.status": status}


def case(file: str, name: str) -> dict[str, str]:
    """A check as a test case, by the name of its pytest item."""
    return {"test.case.name": f"{file}::{name}"}


def labels(attributes: Mapping[str, str]) -> dict[str, str]:
    """Attributes as labels of metrics, which have no dots in their names."""
    return {name.replace(".", "_"): text for name, text in attributes.items()}
