"""What PyPI shows of the README, beside which it has no files: absolute links, or names of files.

Links to pages of docs/ lead to the site where `Documentation` of [project.urls] says that it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")
_NOTE = "\nThe files named here are in the source distribution, and so is all of `docs/`.\n"


class Readme(MetadataHookInterface):
    """The README as the package's long description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set it."""
        text = Path(self.root, "README.md").read_text()
        shown = for_pypi(text, metadata.get("urls", {}).get("Documentation", ""))
        metadata["readme"] = {"content-type": "text/markdown", "text": shown}


def for_pypi(text: str, site: str) -> str:
    """A README without relative links; `site` is empty where docs/ is not published."""

    def link(found: re.Match[str]) -> str:
        shown, path, anchor = found[1], found[2], found[3] or ""
        if site and (page := re.fullmatch(r"docs/([\w-]+)\.md", path)):
            return f"[{shown}]({site.rstrip('/')}/{page[1]}/{anchor})"
        return f"`{path}`" if shown in (path, path.rpartition("/")[2]) else f"{shown} (`{path}`)"

    return _LINK.sub(link, text) + _NOTE
