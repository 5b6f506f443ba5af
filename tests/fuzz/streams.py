"""What a gateway and its sidecar write: cut anywhere, at any times, and forged proofs."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any, NoReturn

from hypothesis import strategies as st

from pytest_bootgate.engines.base import Chunk, Exit
from pytest_bootgate.gatefile import load
from pytest_bootgate.observe.ear import Ear
from pytest_bootgate.observe.nearest import nearest
from pytest_bootgate.observe.observation import MATCHED, Observation
from pytest_bootgate.observe.outcome import Ending, conclude
from pytest_bootgate.observe.spots import last_answers
from pytest_bootgate.records import codec
from pytest_bootgate.records.jobs import JobsError, read_jobs
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.run.listener import Listener
from pytest_bootgate.run.plan import Plan
from pytest_bootgate.run.recipe import Recipe
from tests.fuzz.budget import Kind, directory
from tests.journal import lives

TOKEN, STALE = "bootgate0123456789abcdef", "bootgatefedcba9876543210"
TRIGGERED, TIMEOUT = 100.0, 60.0
#: By how each of these targets proves that it started: what must stand in which stream.
GATE = """\
releases: {candidate: {command: [serve]}}
gateway: {ready: {http: ":80/ready"}}
sidecar: {stub: {port: 8099}}
target:
  timeout: 60s
  trigger: {http: ":80/run", json: {text: "${token}"}}
  signals:
    log: {line: 'failed: (?P<text>.*)'}
    events: {file: /events, line: '"status":"ok"', means: ok}
  stages: {startup: {line: "stages:"}}
targets:
  ring: {proof: {stub: true}}
  path: {proof: {stub: "^/v1/(chat|run)"}}
  line: {proof: {line: 'started ${token}$'}}
  file: {proof: {file: /log, line: "started ${token}"}}
  http: {proof: {http: ":80/${token}"}}
  reply: {proof: {from: trigger, line: "started ${token}"}}
  phases:
    phases:
      accepted: {line: '"accepted":true', from: trigger}
      engine: {line: "engine ready"}
      tools: {line: "tools loaded", optional: true}
      task: {line: 'started ${token}$'}
"""
PROVES: dict[str, Any] = {
    "ring": lambda e: e.get("event") == "called" and bool(e.get("token")),
    "path": lambda e: (
        e.get("event") == "called"
        and bool(e.get("token"))
        and str(e.get("path")).startswith(("/v1/chat", "/v1/run"))
    ),
    "file": lambda e: (
        e.get("event") == "line" and e.get("file") == "/log" and f"started {TOKEN}" in _text(e)
    ),
    "http": lambda e: (
        e.get("id") == "phase:proof"
        and (e.get("event") == "seen" or (e.get("event") == "looked" and bool(e.get("so"))))
    ),
    "reply": lambda e: (
        e.get("event") in ("accepted", "refused") and f"started {TOKEN}" in str(e.get("body", ""))
    ),
}


def _text(event: dict[str, Any]) -> str:
    return str(event.get("text", ""))[:MATCHED]


@cache
def _recipes() -> dict[str, Recipe]:
    path = directory("streams") / "bootgate.yaml"
    path.write_text(GATE)
    plan = Plan(load(path, {}))
    return {name: plan.recipe("default", name, "candidate") for name in plan.file.targets}


@dataclass(frozen=True)
class Made:
    """A boot's streams: the target, (stream, instant, bytes) as they were read, and its end."""

    target: str
    chunks: tuple[tuple[str, float, bytes | None], ...]
    exit: Exit | None


# -- an oracle of its own: no listener, no splitter, no observation -----------------------------


_ORDERS = re.compile(
    "\x1b(?:\\[[0-9:;<=>?]*[ !-/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[ !-/]*[0-~])"
)


def proofs(made: Made, *, unended: bool = False) -> list[float]:
    """When proofs of this boot stand in the streams, in seconds since the trigger.

    Those in lines that are `unended` as well: whether they count is a matter of time.
    """
    found: list[float] = []
    for stream in ("sidecar.out", "gateway.out", "gateway.err", "trigger.out"):
        rest = b""
        for name, at, data in made.chunks:
            if name != stream and not (data is None and name[:7] == stream[:7]):
                continue
            whole, rest = (rest, b"") if data is None else _lines(rest + data)
            for line in [*whole.split(b"\n"), *([rest] if unended else [])]:
                text = line.decode("utf-8", "replace")
                found += _proved(made.target, stream, at, _ORDERS.sub("", text))
    return found


def _lines(data: bytes) -> tuple[bytes, bytes]:
    whole, end, rest = data.replace(b"\r", b"\n").rpartition(b"\n")
    return whole, rest if end else data


def _proved(target: str, stream: str, at: float, line: str) -> list[float]:
    line = line.removesuffix("\r")
    looked_at = line[:MATCHED]
    if target in ("line", "phases"):
        proved = stream.startswith("gateway") and re.search(f"started {TOKEN}$", looked_at)
        return [at - TRIGGERED] if proved and at >= TRIGGERED else []
    if target == "reply" and stream.startswith("trigger"):
        return [at - TRIGGERED] if f"started {TOKEN}" in looked_at and at >= TRIGGERED else []
    if stream != "sidecar.out":
        return []
    try:
        event = json.loads(line, parse_constant=_no_json, parse_float=_finite)
    except (ValueError, RecursionError):
        return []
    if not isinstance(event, dict) or not PROVES[target](event):
        return []
    ago = event.get("ago")
    at -= ago if isinstance(ago, float) and 0 <= ago < at else 0.0
    return [at - TRIGGERED] if at >= TRIGGERED else []


def _finite(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else _no_json(text)


def _no_json(text: str) -> NoReturn:
    raise ValueError(text)


# -- what is tried ------------------------------------------------------------------------------


def attempt(made: Made) -> str:
    """Listen to it, conclude, and keep the result; it started only where a proof stands."""
    recipe = _recipes()[made.target]
    variables = {**recipe.variables("/bootgate", {}), "token": TOKEN}
    target = recipe.target
    seen = Observation(
        target.phases, target.signals, target.stages, variables, token=recipe.needs_token
    )
    seen.trigger_at = TRIGGERED
    ear = Ear({"job": ["nightly-report"]})
    listener = Listener(ear.hear, lambda _: None)
    whole = listener.keep("gateway.out")
    for stream, at, data in made.chunks:
        listener.put(Chunk(stream, at, data))
    listener.wait(TRIGGERED * 10, lambda: False, lambda _: None, seen.see)
    ending = Ending(
        at=TIMEOUT,
        timeout=TIMEOUT,
        proof=seen.proof_at,
        refused=seen.refused,
        exited=made.exit,
        left_out=listener.left_out,
    )
    boot = conclude(recipe, seen, ending, number=1, warm_up=False)
    answers = last_answers(recipe, variables, listener.events)
    lines = listener.since(TRIGGERED)
    boot = replace(
        boot,
        tails=listener.tails(),
        answers={name: f"{answer} {answer.words}" for name, answer in answers.items()},
        nearest={n: nearest(p, lines, TOKEN) for n, p in seen.by_line.items()},
    )
    _kept(made, boot)
    for text in whole[:20]:
        try:
            read_jobs(text)
        except JobsError as error:
            str(error).encode()
    within = [proof for proof in proofs(made) if proof <= TIMEOUT]
    if boot.started:
        within = [proof for proof in proofs(made, unended=True) if proof <= TIMEOUT]
        assert within, "it started, and there is no proof"
        assert boot.seconds is not None
        assert min(within) - 1e-6 <= boot.seconds <= TIMEOUT, "it started before the first proof"
    elif made.target != "phases" and made.exit is None and seen.refused is None:
        assert not within or boot.outcome == "lost", f"a proof was overlooked: {boot.outcome}"
    return boot.outcome


def _kept(made: Made, boot: Any) -> None:
    result = lives.result("aa11", TargetResult(made.target, "default", made.target, lives.RULES))
    result = replace(result, checks=(replace(result.targets[0], boots=(boot,)),))
    again = codec.decode(codec.encode(result))
    assert again.targets[0].boots[0].outcome == boot.outcome


ODD = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        0.0,
        0.5,
        -0.5,
        1e308,
        2**64,
        10**400,
        "",
        "x",
        "\x00",
        "\ud800",
    ),
    *(
        [],
        {},
        [[]],
        {"a": [1]},
        "é" * 2000,
        TOKEN,
        STALE,
        "\n",
        "/v1/chat",
        "phase:proof",
        50.0,
        1e-300,
    ),
]
TEXTS = [
    *(f"started {TOKEN}", f"started {STALE}", f"started {TOKEN}.", f"not started {TOKEN}", TOKEN),
    *("engine ready", "tools loaded", '"accepted":true', "failed: no model", "failed: timed out"),
    *('"status":"ok"', "stages: a:1ms,b:2ms@3ms", "stages: a:1e400ms,b:999999999999999999999ms"),
    *("2026-11-25T02:30:00.1Z engine ready", "0001-01-01T00:00:00+23:59 engine ready"),
    *(
        "9999-12-31 23:59:59,999-23:59 started " + TOKEN,
        '{"time":"2026-11-25T02:30:00Z","m":"engine ready"}',
    ),
    *(
        '{"ts":[[[[1]]],"m":"engine ready"',
        "\u0662\u0660\u0662\u0666-11-25T02:30:00Z engine ready",
        "1" * 5000 + " engine ready",
    ),
    *(
        "2026-11-25T02:30:00." + "9" * 400 + "Z engine ready",
        '{"t":1' + "0" * 5000 + ', "engine ready":1}',
    ),
    *(
        "ts=1764037800." + "1" * 500 + " engine ready",
        "[" * 3000 + "2026-11-25 02:30:00 engine ready",
    ),
    *(
        '[{"id":"a","name":"b","runs":1e999}]',
        '[{"id":[],"name":NaN,"x":"\\ud800"}]',
        "[" * 5000,
        '{"a":' * 5000,
    ),
]


def _dumped(**event: Any) -> bytes:
    return json.dumps(event).encode()


_event = st.fixed_dictionaries(
    {
        "event": st.sampled_from(
            ["called", "line", "seen", "looked", "accepted", "refused", "state", "watching"]
        )
    },
    optional={
        "token": st.sampled_from([True, False, TOKEN, None]),
        "path": st.sampled_from(["/v1/chat/completions", "/v1/run", "/", "/x/v1/chat"]),
        "file": st.sampled_from(["/log", "/events", "/other"]),
        "text": st.sampled_from(TEXTS),
        "id": st.sampled_from(["phase:proof", "phase:other", "ready", "signals:log", "proof"]),
        "so": st.booleans(),
        "body": st.sampled_from(TEXTS),
        "ago": st.floats(0, 30) | st.sampled_from([0.5, 10.0, 990.0]),
        "status": st.sampled_from([200, 503]),
    },
)
_odd_event = st.tuples(
    _event,
    st.sampled_from(["event", "token", "path", "file", "text", "id", "so", "body", "ago", "more"]),
    st.sampled_from(ODD),
).map(lambda t: {**t[0], t[1]: t[2]})
_json = st.one_of(_event, _event, _odd_event).map(lambda e: json.dumps(e).encode())
_broken = st.one_of(
    st.tuples(_json, st.integers(0, 120)).map(lambda t: t[0][: t[1]]),
    st.tuples(_json, _json).map(lambda t: t[0] + t[1]),
    st.sampled_from(
        [
            b"[" * 70_000,
            b'{"event":' * 9000,
            b'{"event":"called","token":NaN}',
            b"null",
            b'"x"',
            b"1e999",
        ]
    ),
    st.binary(max_size=30),
)
_text_line = st.sampled_from(TEXTS).map(str.encode)
_line = st.one_of(
    _text_line,
    _text_line,
    _json,
    _broken,
    st.sampled_from([b"x" * 70_000, b"", b"\r", b"\xff\xfe"]),
)
_end = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"", b"\x00\n", b"\r"])
#: (stream, lines, where it is cut, when its parts are read)
_written = st.tuples(
    st.sampled_from(
        [
            "sidecar.out",
            "sidecar.out",
            "gateway.out",
            "gateway.err",
            "sidecar.err",
            "trigger.out",
        ]
    ),
    st.lists(st.tuples(_line | _json, _end).map(b"".join), min_size=1, max_size=4),
    st.lists(st.integers(0, 400), max_size=3),
    st.lists(
        st.sampled_from([100.5, 101.0, 99.9, 100.0, 130.0, 160.0, 160.1, 12.0, 0.0, 990.0])
        | st.floats(90, 180),
        min_size=1,
        max_size=4,
    ),
)


def _chunks(
    written: tuple[str, list[bytes], list[int], list[float]],
) -> list[tuple[str, float, bytes | None]]:
    stream, lines, cuts, times = written
    data = b"".join(lines)
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    parts = [data[a:b] for a, b in pairwise(edges)]
    return [(stream, times[n % len(times)], part) for n, part in enumerate(parts)]


_PROOFS: dict[str, list[tuple[str, bytes]]] = {
    "ring": [("sidecar.out", b'{"event":"called","path":"/","token":true}')],
    "path": [("sidecar.out", b'{"event":"called","path":"/v1/run","token":true,"ago":0.25}')],
    "line": [("gateway.out", f"started {TOKEN}".encode())],
    "file": [("sidecar.out", _dumped(event="line", file="/log", text=f"started {TOKEN}"))],
    "http": [
        ("sidecar.out", b'{"event":"seen","id":"phase:proof"}'),
        ("sidecar.out", b'{"event":"looked","so":true,"id":"phase:proof"}'),
    ],
    "reply": [
        ("sidecar.out", _dumped(event="accepted", body=f"started {TOKEN}")),
        ("trigger.out", f"started {TOKEN}".encode()),
    ],
    "phases": [("gateway.err", f"started {TOKEN}".encode())],
}
_ends = st.lists(
    st.sampled_from([("gateway.out", 161.0, None), ("sidecar.out", 150.0, None)]), max_size=2
)
_EXITS = [None, None, None, None, Exit(0), Exit(1), Exit(137, oom=True), Exit(None, gone=True)]


@st.composite
def streams(draw: st.DrawFn) -> Made:
    """The streams of a boot: now with its proof, now with another's, or where it proves nothing."""
    target = draw(st.sampled_from([*PROVES, "line", "phases"]))
    written = draw(st.lists(_written, max_size=4))
    if draw(st.booleans()):
        stream, line = draw(
            st.sampled_from(_PROOFS[draw(st.sampled_from([target] * 3 + sorted(_PROOFS)))])
        )
        stream = draw(st.sampled_from([stream] * 4 + ["gateway.out", "sidecar.out", "sidecar.err"]))
        at = draw(st.sampled_from([99.0, 100.0, 102.0, 159.0, 170.0]))
        cut = draw(st.integers(0, len(line)))
        proof = (
            stream,
            [line + draw(_end)],
            [cut],
            [at, at + draw(st.sampled_from([0.0, 0.5, 60.0]))],
        )
        written.insert(draw(st.integers(0, len(written))), proof)
    chunks = [chunk for one in written for chunk in _chunks(one)]
    return Made(target, (*chunks, *draw(_ends)), draw(st.sampled_from(_EXITS)))


KIND = Kind("line streams", streams(), attempt, usual=250)
