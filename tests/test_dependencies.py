"""What is installed beside the package: locked as pyproject.toml asks, and under which licences."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
#: What asks nothing of those who use a package, or, as MPL-2.0 does, only of its own files.
PERMISSIVE = {"MIT", "BSD", "Apache-2.0", "ISC", "PSF-2.0", "MPL-2.0"}
#: What older packages write instead of an SPDX expression, in their licence or classifiers.
SPELLINGS = {
    "BSD License": "BSD",
    "3-Clause BSD License": "BSD",
    "BSD-2-Clause": "BSD",
    "BSD-3-Clause": "BSD",
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


@pytest.mark.parametrize("group", PROJECT["dependency-groups"])
def test_a_lock_has_what_the_project_asks_for(group):
    """Renew it with `ci/lock`."""
    lock = (ROOT / "ci" / "locks" / f"{group}.txt").read_text()
    pins: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.+!-]+)", lock, re.MULTILINE):
        pins.setdefault(canonicalize_name(name), []).append(version)
    own = [] if group == "install" else PROJECT["project"]["dependencies"]  # no plugin beside it
    for asked in map(Requirement, own + PROJECT["dependency-groups"][group]):
        found = pins.get(canonicalize_name(asked.name), [])
        assert any(asked.specifier.contains(version) for version in found), asked
    assert lock.count("--hash=sha256:") >= len(re.findall("==", lock))


def installed(name: str, extras: frozenset[str], seen: dict[str, str]) -> dict[str, str]:
    """The licence of a package and of all that it needs here, by name."""
    about = metadata.metadata(name)
    key = canonicalize_name(name)
    if key in seen and not extras:
        return seen
    seen[key] = licence(about)
    for text in metadata.requires(name) or ():
        needed = Requirement(text)
        environments = [{"extra": extra} for extra in ("", *extras)]
        if needed.marker is None or any(map(needed.marker.evaluate, environments)):
            installed(needed.name, frozenset(needed.extras), seen)
    return seen


def licence(about: metadata.PackageMetadata) -> str:
    """The licence that a package declares: of a choice, one that is permissive."""
    classifiers = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or ()]
    own = about.get_all("License") or ()
    declared = about.get_all("License-Expression") or [*classifiers, *own]
    for text in declared:
        for word in text.split(" OR "):
            if (name := SPELLINGS.get(word, word)) in PERMISSIVE:
                return name
    return f"unknown: {declared}"


@pytest.mark.parametrize(
    "extras",
    [frozenset(), frozenset({"otel"}), frozenset({"kubernetes"})],
    ids=["plain", "otel", "kubernetes"],
)
def test_licences_are_permissive(extras):
    found = installed("pytest-bootgate", extras, {})
    assert {"docker", "pytest", "shtab"} <= found.keys()
    assert not {name: text for name, text in found.items() if text not in PERMISSIVE}
    text = " ".join((ROOT / "SECURITY.md").read_text().split())
    for name, one in found.items():
        if one == "MPL-2.0":
            assert name in text
