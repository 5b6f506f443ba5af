"""What mkdocs.yml asks of us as it builds the site: what GitHub reads, and MkDocs reads otherwise.

A page names a file of the repository as GitHub shows it (`../ci/templates/github.yml`); the site
has a copy of each, at the same path from its root. A `|` in the code of a table has a backslash,
which is for GitHub only. External links are checked by their form. A warning ends a strict build.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mkdocs.structure.files import File, Files

from pytest_bootgate.cli.schema import SCHEMAS, text

_LOG = logging.getLogger("mkdocs.hooks.docs")
_OUTSIDE = re.compile(r"(?<=\]\()\.\./([^)#]+)")
_CODE = re.compile(r"^( *)```.*?^\1```$|^    .*$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_EXTERNAL = re.compile(r"(?<=\]\()[a-z]+:[^)\s]*|(?<=<)[a-z]+:[^>\s]*|https?://[^\s)>]+")
#: A schema that docs/schemas.md names: a file that only the site has.
_SCHEMA = re.compile(r"`(schemas/[\w-]+\.json)`")
_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)


def on_files(files: Files, config: Any) -> Files:
    """Add the files outside of docs/ that its pages link to, and the schemas."""
    docs = Path(config.docs_dir)
    for page in sorted(docs.glob("*.md")):
        for path in _OUTSIDE.findall(page.read_text()):
            if files.get_file_from_path(path) is None and (docs.parent / path).is_file():
                files.append(File.generated(config, path, abs_src_path=str(docs.parent / path)))
    for name in SCHEMAS:
        files.append(File.generated(config, f"schemas/{name}.json", content=text(name)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Make of what GitHub reads what MkDocs reads; warn of external links of a wrong form."""
    for link, problem in malformed_links(markdown).items():
        _LOG.warning("%s links to %s: %s", page.file.src_uri, link, problem)
    markdown = _SCHEMA.sub(r"[\1](\1)", _OUTSIDE.sub(r"\1", markdown))
    return _ROW.sub(_without_backslashes, markdown)


def _without_backslashes(row: re.Match[str]) -> str:
    return re.sub(r"`[^`]+`", lambda code: code.group().replace(r"\|", "|"), row.group())


def malformed_links(markdown: str) -> dict[str, str]:
    """The external links of a page whose form is wrong, and what is wrong with each."""
    found = dict.fromkeys(_EXTERNAL.findall(_CODE.sub("", markdown)))
    return {link: problem for link in found if (problem := malformed(link))}


def malformed(link: str) -> str | None:
    """What is wrong with the form of an external link, None where nothing is."""
    try:
        parts = urlsplit(link)
        _ = parts.port  # raises where it is no number
    except ValueError as error:
        return str(error)
    if parts.scheme != "https":
        return "write https://"
    if not re.fullmatch(r"(?:[a-z0-9-]+\.)+[a-z]{2,}", parts.hostname or ""):
        return "it has no host name"
    return None
