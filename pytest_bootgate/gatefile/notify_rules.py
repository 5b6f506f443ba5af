"""What must hold for those who are told of a verdict."""

from __future__ import annotations

from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.check import Section
from pytest_bootgate.gatefile.probe_rules import check_headers, texts
from pytest_bootgate.gatefile.tree import Mistakes


def check_notification(told: Section, mistakes: Mistakes) -> None:
    """Report what contradicts itself in one entry of `notify`."""
    given = [key for key in ("command", "webhook") if key in told]
    if len(given) != 1 and told.whole:
        mistakes.add(
            told.place,
            "a notification has one way, 'command' or 'webhook'",
            "keep one of them" if given else "give one of them",
        )
    if told.get("command") == []:
        mistakes.add(told.at["command"], "'command' is empty", "write [program, ...]")
    deadline = told.get("deadline")
    if deadline is not None and deadline <= 0:
        mistakes.add(told.at["deadline"], "'deadline' must be more than 0", "write 30s")
    url = told.get("webhook")
    if isinstance(url, str) and not url.startswith(("http://", "https://")):
        mistakes.add(told.at["webhook"], "'webhook' is no URL", "write https://host/path")
    if "headers" in told and "webhook" not in told and told.whole:
        mistakes.add(told.keys["headers"], "only a webhook has headers", "leave them out")
    check_headers(told, mistakes)
    if told.get("when") == []:
        mistakes.add(told.at["when"], "'when' is empty, so nobody is ever told", "write [fail]")
    for key in ("command", "webhook", "headers"):
        named = [name for text in texts(told.get(key)) for name in variables.names(text)]
        for name in dict.fromkeys(named):
            if name != "here":
                mistakes.add(
                    told.at[key],
                    f"'{key}' is read after the boots, '${{{name}}}' is known only in one",
                    "write it out, or take an environment variable",
                )
