"""The cron jobs in a state directory, by their kinds: what starts alike is booted once."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONFIG = "openclaw.json"
#: Where releases keep their jobs: 2026.6 and later, and before.
_DATABASE, _FILE = "state/openclaw.sqlite", "cron/jobs.json"
#: What of a payload changes how a run starts; the task itself stays where it is.
_OF_PAYLOAD = ("model", "fallbacks", "thinking", "lightContext", "toolsAllow")
_STARTS_A_MODEL = ("agentTurn", "systemEvent")


@dataclass
class Kind:
    """A target as a gate file has it, and the names of the jobs that start like this."""

    target: dict[str, Any]
    jobs: list[str] = field(default_factory=list)


def kinds(directory: Path) -> tuple[dict[str, Kind], list[str]]:
    """The kinds of enabled jobs by the name of a target, and what is left out and why.

    Raises `ValueError` for a directory that holds no state or one that cannot be understood, and
    `OSError`.
    """
    if not any((directory / name).exists() for name in (CONFIG, _DATABASE, _FILE)):
        raise ValueError(f"{directory} holds neither {CONFIG} nor {_DATABASE} nor {_FILE}")
    found: dict[str, Kind] = {}
    of: dict[str, str] = {}
    left_out = []
    for job in _jobs(directory):
        name, payload = str(job.get("name") or job.get("id")), job.get("payload") or {}
        if job.get("enabled") is False:
            left_out.append(f"{name}: it is disabled")
        elif payload.get("kind") not in _STARTS_A_MODEL:
            left_out.append(f"{name}: a {payload.get('kind')} job calls no model")
        else:
            target = _target(job, payload)
            key = json.dumps(target, sort_keys=True)
            if key not in of:
                of[key] = _name(target["trigger"]["send"], found)
                found[of[key]] = Kind(target)
            found[of[key]].jobs.append(name)
    return {name: _short(name, kind) for name, kind in found.items()}, left_out


def _target(job: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    session = str(job.get("sessionTarget") or "isolated")
    send: dict[str, Any] = {"sessionTarget": session}
    for key in ("agentId", "sessionKey") if session == "current" else ("agentId",):
        if job.get(key):
            send[key] = job[key]
    own = {key: payload[key] for key in _OF_PAYLOAD if payload.get(key) not in (None, False)}
    if own:
        send["payload"] = own
    fresh = session in ("isolated", "main")
    return {"start": "cold" if fresh else "warm", "trigger": {"send": send}}


def _name(send: dict[str, Any], taken: dict[str, Kind]) -> str:
    """A name that pytest can take: the session target, the agent, a number."""
    parts = [send["sessionTarget"], send.get("agentId", "")]
    plain = "-".join(re.sub(r"::|[\s\[\]@/]+", "-", part).strip("-") for part in parts if part)
    number = next(n for n in range(1, len(taken) + 2) if _numbered(plain, n) not in taken)
    return _numbered(plain, number)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _short(name: str, kind: Kind) -> Kind:
    """Without what the preset says anyway: the target's own name as its session target."""
    send = dict(kind.target["trigger"]["send"])
    if send["sessionTarget"] == name:
        del send["sessionTarget"]
    target = {"start": kind.target["start"], **({"trigger": {"send": send}} if send else {})}
    return Kind(target, kind.jobs)


def _jobs(directory: Path) -> Iterator[dict[str, Any]]:
    database, file = directory / _DATABASE, directory / _FILE
    listed: Any = _in_database(database) if database.is_file() else []
    if not listed and file.is_file():
        try:
            kept = json.loads(file.read_text())
        except ValueError as error:
            raise ValueError(f"{file} is no JSON: {error}") from None
        listed = kept.get("jobs") if isinstance(kept, dict) else kept
    for job in listed if isinstance(listed, list) else []:
        if isinstance(job, dict) and isinstance(job.get("payload") or {}, dict):
            yield job


def _in_database(path: Path) -> list[Any]:
    """The jobs of a database, which is only read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as kept:
            there = "SELECT 1 FROM sqlite_master WHERE name = 'cron_jobs'"
            if kept.execute(there).fetchone() is None:
                return []
            rows = kept.execute("SELECT job_json, enabled FROM cron_jobs ORDER BY sort_order")
            return [{**json.loads(text), "enabled": bool(enabled)} for text, enabled in rows]
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise ValueError(f"{path} cannot be read: {error}. Copy it while nothing runs") from None
