"""The complete result as JSON, and back."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.result import RESULTS, SCHEMA, GateResult, TargetResult
from pytest_bootgate.records.verdict import WHOLE, Kind
from pytest_bootgate.whole import regular, write_text

#: In seconds, bytes, shares and whatever else stands in a result.
_GREATEST = 1e18
#: What others are told as a share of, and the least that it may be.
_DIVISORS = {"timeout", "limit", "fail_at"}
_LEAST = 1e-9
_LONGEST = 200  # characters of what is wrong with one
#: What other files are, by how they begin; so many characters are looked at.
_BEGIN = 1 << 12
_OTHERS = {
    "a journal": r"\ASQLite format 3",
    "an HTML page": r"(?i)\A\s*<!doctype html",
    "a JUnit report": r"\A\s*(?:<\?xml[^>]*\?>\s*)?<testsuites?\b",
    "a CTRF report": r'\A\s*\{[^\[]*"results"\s*:\s*\{\s*"tool"',
    "an OpenTelemetry trace": r'\A\s*\{\s*"resourceSpans"',
    "a file of pytest-benchmark": r'\A\s*\{\s*"machine_info"',
    "a report for github-action-benchmark": r'\A\s*\{\s*"name"',
    "a report for Bencher": r'"(?:latency|verdict|timeout-used)"\s*:\s*\{\s*"value"',
    "a file of metrics": r"\A# (?:HELP|TYPE|UNIT) ",
    "a gate file": r"(?m)^(?:releases|targets|preset):",
}

#: The schema before this one; it differs in words only.
_OLD = "bootgate-result/1"
#: Its keys, and what they are called now.
_KEYS = {
    "host": "profile",
    "takeovers": "upgrades",
    "takeover": "upgrade",
    "silences": "propagations",
    "broken": "error",
    "told": "signals",
    "channel": "name",
    "says": "means",
    "near": "fail_at",
    "warn": "warn_at",
    "unsure": "inconclusive",
    "absent": "unsupported",
}
#: The words that stand under these keys.
_WORDS = {
    "verdict": {"unsure": "inconclusive", "broken": "error"},
    "kind": {"unsure": "inconclusive"},
    "subject": {"silence": "propagation"},
    "item": {"silence": "propagation"},
}
#: What has names of the user's for keys, and how some of these end.
_NAMED = {"answers", "lines", "nearest", "phases", "releases", "tails"}
_ENDINGS = {"lines": ("::silence", "::propagation")}
#: What rules of before meant that do not have these.
_NO_RETRIES = {"retries": 0, "retry_pause": 0.0}
#: How findings begin or go on that were of no kind, and of which they are now.
_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"(timeout|limit|by) \S+ s: ", "room"),
    (r".* (ended in|never reached) this phase: \w+$", "unreached"),
)


def encode(result: GateResult) -> bytes:
    """A result as JSON (UTF-8), with the verdicts and net times that follow from it."""
    plain = msgspec.to_builtins(replace(result, checks=()))
    del plain["checks"]
    plain |= {"verdict": result.verdict} | {kind.listed: [] for kind in RESULTS}
    for found in result.checks:
        value = msgspec.to_builtins(found) | {"verdict": found.verdict}
        for boot, plain_boot in zip(found.boots, value.get("boots", ()), strict=False):
            plain_boot["net_seconds"] = boot.net_seconds
        plain[found.listed].append(value)
    if not plain[CheckResult.listed]:  # as it always was, where there are only checks of our own
        del plain[CheckResult.listed]
    plain["digest"] = _digest(plain)
    return json.dumps(plain, indent=1).encode()


def _digest(plain: Mapping[str, Any]) -> str:
    """Of all but itself, so that nobody changes a figure without noticing."""
    rest = {key: value for key, value in plain.items() if key != "digest"}
    # A whole number of seconds may come back as 5 or as 5.0.
    same = json.loads(json.dumps(rest), parse_int=float)
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def edited(data: bytes | str) -> bool:
    """Whether the JSON of a result is not as it was written, its digest included."""
    try:
        plain = json.loads(data)
        return bool(plain.get("digest") != _digest(plain))
    except (ValueError, RecursionError, AttributeError):
        return True


def decode(data: bytes | str) -> GateResult:
    """A result from its JSON. Raises `BootgateError` for another schema or other content."""
    try:
        plain = msgspec.json.decode(data)
        if isinstance(plain, dict) and plain.get("schema") == _OLD:
            plain = _in_new_words(plain) | {"schema": SCHEMA}
            result = _filled(_converted(plain))
        else:
            result = _converted(plain)
        dt.datetime.fromisoformat(result.at).astimezone(dt.UTC)
        _measured(plain)
        boots = [boot for found in result.checks for boot in found.boots]
        for boot in boots:
            if boot.started != (boot.seconds is not None):
                raise ValueError(
                    f"a boot in it has outcome {boot.outcome} and duration {boot.seconds}"
                )
        if unknown := {"candidate", *(boot.release for boot in boots)} - result.releases.keys():
            raise ValueError(f"it does not define its {min(unknown)}")
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise BootgateError(_other(data, str(error)[:_LONGEST])) from None
    if result.schema != SCHEMA:
        raise BootgateError(f"This result has schema {result.schema[:_LONGEST]!r}, not {SCHEMA!r}.")
    return result


def _other(data: bytes | str, why: str) -> str:
    """What a file is that is no result, where that can be seen, and which one to name."""
    begin = data[:_BEGIN].decode("utf-8", "replace") if isinstance(data, bytes) else data[:_BEGIN]
    if re.match(r'\s*\{\s*"schema": "bootgate-result/', begin):
        return f"This is not a gate result ({SCHEMA}): {why.rstrip('.')}."
    kind = next((name for name, sign in _OTHERS.items() if re.search(sign, begin)), "")
    what = f"This is {kind}, not a gate result" if kind else f"This is not a gate result ({why})"
    return f"{what}. Name the file that --bootgate-json wrote."


def _converted(plain: Any) -> GateResult:
    """A result from plain values; the results of its checks stand in the list of their class."""
    if not isinstance(plain, dict):
        return msgspec.convert(plain, GateResult)
    if TargetResult.listed not in plain:
        raise ValueError(f"Object missing required field `{TargetResult.listed}`")
    names = {kind.listed for kind in RESULTS}
    result = msgspec.convert({k: v for k, v in plain.items() if k not in names}, GateResult)
    return replace(result, checks=tuple(_checks(plain)))


def _checks(plain: Mapping[str, Any]) -> Iterator[CheckResult]:
    for kind in RESULTS:
        try:
            yield from msgspec.convert(plain.get(kind.listed, ()), tuple[kind, ...])  # type: ignore[valid-type]
        except msgspec.ValidationError as error:
            raise ValueError(str(error).replace("`$", f"`$.{kind.listed}")) from None


def _in_new_words(value: Any, under: str = "") -> Any:
    """A part of a result of the schema before, which stands under a key, in the words of now."""
    if isinstance(value, str):
        return _WORDS.get(under, {}).get(value, value)
    if isinstance(value, list):
        dicts = under if under in ("findings", "boots") else ""
        return [_in_new_words(one, dicts if isinstance(one, dict) else under) for one in value]
    if not isinstance(value, dict) or under == "fields":  # those of a job are not the gate's
        return value
    if under == "headrooms":
        return [_room(name, room) for name, room in value.items()]
    if under in ("boots", "boot") and value.get("detail"):
        notes = value.get("notes")
        said = isinstance(notes, list) and value["detail"] in notes
        value = value | {"never_ready": said and value.get("triggered") is False}
    if under == "rules":
        value = _NO_RETRIES | value
    if under == "findings" and not value.get("kind"):
        value = value | {"kind": _kind(str(value.get("text")))}
    if under in _NAMED:
        old, new = _ENDINGS.get(under, ("", ""))
        return {
            name.removesuffix(old) + new if name.endswith(old) else name: _in_new_words(
                one, "limits"
            )
            for name, one in value.items()
        }
    keys = {} if under == "judgement" else _KEYS  # whose host is the machine
    keys = {**keys, "by": "deadline"} if under == "limits" else keys
    return {keys.get(key, key): _in_new_words(one, key) for key, one in value.items()}


def _room(name: str, headroom: Any) -> dict[str, Any]:
    """A headroom whose name ended in what it was held against."""
    subject, _, end = name.rpartition(":")
    against = {"limit": "limit", "by": "deadline"}.get(end) if subject else None
    if against is None:
        return {"subject": WHOLE, "against": "timeout", "headroom": headroom}
    return {"subject": subject, "against": against, "headroom": headroom}


def _kind(text: str) -> Kind:
    return next((kind for begin, kind in _KINDS if re.match(begin, text)), "")


def _filled(result: GateResult) -> GateResult:
    """A result of the schema before with what it said of itself only in words."""
    name = "docker" if result.engine.startswith("docker") else "process"
    return replace(result, engine_name=name)


def _measured(value: object) -> None:
    """Raises `ValueError` for a number with which nobody can calculate."""
    if isinstance(value, dict):
        for key in _DIVISORS & value.keys():
            if isinstance(value[key], int | float) and value[key] < _LEAST:
                raise ValueError(f"a {key} in it is {value[key]:g}")
        # What a system keeps in the fields of a job is its own business; nobody calculates with it.
        value = [inner for key, inner in value.items() if key != "fields"]
    if isinstance(value, list):
        for one in value:
            _measured(one)
    elif isinstance(value, int | float) and abs(value) > _GREATEST:
        raise ValueError(f"it holds the number {value:g}, which is not a measurement")


def parts(path: Path) -> list[bytes]:
    """The JSON of each result in a file. Raises `BootgateError` where it cannot be read."""
    try:
        data = regular(path).read_bytes()
    except OSError as error:
        raise BootgateError(
            f"The result {path} cannot be read: {error.strerror}. Name a file that pytest"
            " --bootgate-json wrote."
        ) from None
    try:
        several = data.lstrip().startswith(b"[")
        found = msgspec.json.decode(data, type=list[msgspec.Raw]) if several else [data]
    except (msgspec.DecodeError, RecursionError) as error:
        raise BootgateError(f"{path}: not a list of results: {error}") from None
    return [bytes(part) for part in found]


def read(path: Path) -> list[GateResult]:
    """The results in a file, one or a list. Raises `BootgateError` where it cannot."""
    found = []
    for part in parts(path):
        try:
            found.append(decode(part))
        except BootgateError as error:
            raise BootgateError(f"{path}: {error}") from None
    return found


def write(results: list[GateResult], path: Path) -> None:
    """Write one result, or several as a list. Raises `BootgateError` where it cannot."""
    parts = [encode(result) for result in results]
    data = parts[0] if len(parts) == 1 else b"[" + b",\n".join(parts) + b"]"
    try:
        write_text(path, f"{data.decode()}\n")
    except OSError as error:
        raise BootgateError(
            f"The result could not be written to {path}: {error.strerror}. Name a"
            " path that can be written."
        ) from None
