"""The documentation builds as a site, and what is wrong with a link ends the build."""

from __future__ import annotations

import shutil
import subprocess
import sys
from runpy import run_path

import pytest

from pytest_bootgate.cli import schema
from pytest_bootgate.cli.schema import SCHEMAS
from tests.conftest import ROOT

FAULTS = {
    "[a](nowhere.md)": "nowhere.md",
    "[a](verdict.md#nowhere)": "#nowhere",
    "[a](../ci/nowhere.md)": "ci/nowhere.md",
    "[a](http://example.com/)": "http://example.com/: write https://",
    "[a](https://example/)": "https://example/: it has no host name",
    "<https://example.com:port/>": "https://example.com:port/",
}


def test_the_site(tmp_path):
    """It has every page and the files that pages name, and takes nothing from elsewhere."""
    subprocess.run([str(ROOT / "ci" / "docs"), str(tmp_path)], check=True, timeout=60)
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert {path.parent.name for path in tmp_path.glob("*/index.html")} >= pages
    made = tmp_path / "ci" / "templates" / "github.yml"
    assert made.read_bytes() == (ROOT / "ci" / "templates" / "github.yml").read_bytes()
    page = (ROOT / "docs" / "schemas.md").read_text()
    for name in SCHEMAS:
        assert (tmp_path / "schemas" / f"{name}.json").read_text() == schema.text(name)
        assert f"`{SCHEMAS[name]()['$id']}`" in page
        assert f"`schemas/{name}.json`" in page
    home = (tmp_path / "index.html").read_text()
    assert "fonts.googleapis" not in home
    assert "<svg" in home or ".svg" in home
    # A table's code has no backslash before its bars.
    assert "… || true" in (tmp_path / "how-to" / "index.html").read_text()


def test_a_broken_link_ends_the_build(tmp_path):
    for name in ("docs", "ci"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("locks"))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "docs" / "limits.md").write_text("# Limits\n\n" + "\n\n".join(FAULTS))
    (tmp_path / "docs" / "lost.md").write_text("# Nobody leads here\n")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    warned = [line for line in done.stderr.splitlines() if line.startswith(("WARNING", "  - "))]
    for shown in (*FAULTS.values(), "- lost.md"):
        assert any(shown in line for line in warned), done.stderr


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_external_links_beside_the_site(name):
    malformed_links = run_path(str(ROOT / "ci" / "docs_hooks.py"))["malformed_links"]
    assert malformed_links("[a](http://example.com)")
    assert malformed_links((ROOT / name).read_text()) == {}


pytestmark = pytest.mark.slow
