"""Gate files: made along the model, then broken in structure and in text."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec.inspect as mi
from hypothesis import strategies as st

from pytest_bootgate.cli.plan import closed, plan
from pytest_bootgate.errors import BootgateError, GateFileError
from pytest_bootgate.gatefile import load, model
from pytest_bootgate.gatefile.model.fields import ROOT, fields_of, without_none
from pytest_bootgate.quantities import Boots, Memory, Seconds, Share, Slowdown
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.run import Gate
from tests.fuzz.budget import Kind, directory

ENVIRONMENT = {"SET": "60s", "EMPTY": "", "HALF": "0.5", "DOLLAR": "$ ${token}", "LONG": "x" * 9999}
#: A mistake: the file, a line and a column, and what it is, in one line.
#: Below it may stand its line with a caret.
MISTAKE = re.compile(r".+:[1-9]\d*:[1-9]\d*: \S.*(?:\n {4}.*\n {4} *\^)?")


class Raw(str):
    """YAML as it is written, not a text to be quoted."""

    __slots__ = ()


class Pairs(list[Any]):
    """A mapping whose keys may come twice."""


WORDS = ["a", "isolated", "main", "accepted", "candidate", "http", "low", "x y", "é"]
LINES = [
    *("ready", "task started", "done ${token}", r"job (?P<text>.*) failed", r"\bup\b", "a|b"),
    *(r"(?P<version>\S+) up", r"^\d+ [a-z]+$", r"(?P<name>\w+)=(?P<ms>\d+)", "a{2,3}", "é+"),
]
#: What is legal under a key, where its type does not say enough.
UNDER: dict[str, list[Any]] = {
    "line": LINES,
    "each": [r"(?P<name>\w+):(?P<ms>\d+)ms", r"(?P<name>\w+)=(?P<s>\d+)s@(?P<at_s>\d+)"],
    "http": [":8080/", ":8080/jobs/${token}", ":${port.http}/x", ":1/?a=b"],
    "tcp": [":8080", ":${port.http}"],
    "file": ["/run/up", "${dir}/out/${token}", "${dir}/log"],
    "stub": [True, "/v1/.*", "${token}"],
    "port": [8099, "${port.http}", "8099"],
    "image": ["api:1.9", "${SET}"],
    "exec": [["run", "${token}"], ["sh", "-c", "echo $$x"]],
    "command": [["serve"], ["sh", "-c", "exec serve"]],
    "path": ["/state", "${dir}/state", "./other.yaml"],
    "preset": ["openclaw", "./other.yaml"],
    "recorded": ["./result.json"],
    "stop_exit": [[0, 143], [0]],
    "webhook": ["https://example.test/hook"],
    "extends": WORDS,
    "in": ["gateway", "sidecar", "accepted"],
    "from": ["gateway", "sidecar"],
    "retries": [0, 1, 3],
    "status": [200, 503],
    "cpus": [0.25, 1, 2],
    "noise": [1.5, 3],
}
QUANTITIES: dict[type, list[Any]] = {
    Seconds: ["60s", "1m30s", "250ms", "0.5s", "${SET}"],
    Share: ["80%", "10 %", "61%", "200%", "1%"],
    Slowdown: ["10%", "10 %", "61%", "200%", "1%"],
    Memory: ["512m", "2g", "64MiB"],
    Boots: [5, "5..30", "1", "1..1000"],
}
#: Of these keys one group stands in a mapping, and no other.
PLACES: dict[type, list[tuple[str, ...]]] = {
    model.Probe: [
        *(("line",), ("line", "from"), ("http",), ("http", "status", "json"), ("tcp",)),
        *(("file",), ("file", "line"), ("stub",)),
    ],
    model.Trigger: [
        *(("http",), ("exec",), ("exec", "in"), ("http", "method", "headers", "json")),
        *(("http", "body"), ("send",)),
    ],
    model.File: [("text",), ("path",)],
    model.StageProbe: [("line",), ("line", "from"), ("line", "file")],
    model.Release: [("image",), ("image", "command"), ("command",), ("recorded",)],
    model.Reply: [(), ("json",), ("body",), ("stream",)],
    model.Notify: [("command",), ("webhook",)],
}
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
ODD: list[Any] = [
    *("", " ", "\x00", "\ud800", "\x85", "\u2028", "\x1b[31m", "é" * 300, "x" * 5000, "::", "[a]"),
    *("/", "a/b"),
    *("${token}", "${", "${NOPE}", "${NOPE:-5}", "${SET}", "${EMPTY}", "${DOLLAR}", "${LONG}"),
    *("$$", "${a{b}}"),
    *("${port.x}", "${job.id}", "${here}", "${SET:-${SET}}", "${token}" * 400, "$" * 5001, "${:-}"),
    "${SET:-",
    *("(a+)+$", "(a|b|ab)*c", "(.*)*x", "(((((", "a{9999999}", "(?P<version>", "[[:alpha:]]"),
    *("(?i)x", "\\"),
    *("(" * 200 + ")" * 200, "(x+x+)+y", ".*", "|", "(?P<1>a)", "(?<=a+)b", "((a{99}){99}){99}"),
    *("\\1", "(?(1)a|b)"),
    *("1e400s", "999999999999h", "0s", "-5s", "1s1s1s", "0.0000000001ms", "99999999999%", "0%"),
    *("5..1", "0..0"),
    *("1..999999", "1..1000000", "1e9g", "999999999999g", "0.1k", "٣s", "\uff13\uff10s", "60 s"),
    *("60S", "inf s"),
    *(":99999/", ":0/", ":٣/", "http://[", "://", ":8080", "http://x:1/y", "./", "..", "/"),
    "./bootgate.yaml",
    *("/proc/self/mem", "/dev/zero", "a/" * 3000, "a" * 300 + ".yaml", "~", "x\ny", "\r\n"),
    *("\ufeff", "\U0001f600"),
    *(0, 1, -1, 2**63, 2**64, -(2**70), 10**400, 1e308, -0.0, 1.5, True, False, None, []),
    *(Raw("{}"), [[]]),
    *map(Raw, ("~", ".nan", ".inf", "-.inf", "1e400", "0x" + "f" * 5000, "9" * 5000)),
    *map(Raw, ("0b" + "1" * 9000,)),
    *map(Raw, ("1_000", "0o17", "1:30", "190:20:30.15", "2026-01-01", "2026-99-99", "yes", "=")),
    *map(Raw, ("<<", "+.5")),
    *map(Raw, ("!!python/object:os.system x", "!!binary YQ==", "!foo bar", '!!int "x"')),
    *map(Raw, ('!!float ""', '!!bool ""')),
    *map(Raw, ("!!null x", "!!timestamp x", "!!set {a}", "!!omap [a: 1]", "!!str 5", "!!int 0x")),
    *map(Raw, ("!<tag:x> 1", "! 5")),
    *map(Raw, ("*nowhere", "*a", "&a 1", "&a [*a]", "&a {a: *a}", "|", ">", "%", "@", "`", "? a")),
    *map(Raw, ("- a", "}", "]")),
    *map(Raw, ('"\\UFFFFFFFF"', '"\\U00110000"', '"\\uD83D\\uDE00"', '"\\x0"', '"', "'", "'a''b'")),
    *map(Raw, ("#", "a: b: c")),
    *map(Raw, ("[" * 60 + "]" * 60, "{a: " * 60 + "}" * 60, "[" * 3000, "- " * 3000, "{<<: *a}")),
    *map(Raw, ("{a: 1, a: 2}",)),
    *map(Raw, ("[" + "1," * 3000 + "]", "{? [a] : b}", "{? {a: b} : c}", "\t1", "--- a", "...")),
    *map(Raw, ("%YAML 1.1", "!")),
]  # fmt: skip


def _legal(draw: st.DrawFn, kind: mi.Type, name: str) -> Any:
    """A legal value, or one that only the rules between keys forbid."""
    kinds = without_none(kind)
    kind = kinds[0]
    if isinstance(kind, mi.StructType):
        return _struct(draw, kind, name)
    if isinstance(kind, mi.DictType):
        at_least = 1 if name in ("targets", "phases") else 0
        names = draw(st.lists(st.sampled_from(WORDS), min_size=at_least, max_size=3, unique=True))
        names += ["http"] if name == "ports" and "http" not in names else []
        return Pairs((key, _legal(draw, kind.value_type, "")) for key in names)
    if name in UNDER:
        return draw(st.sampled_from(UNDER[name]))
    match kind:
        case mi.CustomType(cls=cls) | mi.NamedTupleType(cls=cls):
            return draw(st.sampled_from(QUANTITIES[cls]))
        case mi.ListType(item_type=item):
            return [_legal(draw, item, "") for _ in range(draw(st.integers(1, 2)))]
        case mi.LiteralType(values=values):
            return draw(st.sampled_from(values))
        case mi.BoolType():
            return draw(st.booleans())
        case mi.IntType() | mi.FloatType():
            return draw(st.integers(1, 65535))
        case mi.AnyType():
            return draw(DATA)
    return draw(st.sampled_from(WORDS) | st.text(max_size=6))


def _struct(draw: st.DrawFn, kind: mi.StructType, name: str = "") -> Pairs:
    places = next((PLACES[base] for base in kind.cls.__mro__ if base in PLACES), [()])
    if name == "version":
        return Pairs([("line", r"up (?P<version>\S+)")])
    keys = set(draw(st.sampled_from(places if name != "candidate" else places[:3])))
    others = [
        field
        for field in fields_of(kind).values()
        if not field.required
        and field.encode_name not in {key for place in places for key in place}
    ]
    likely = {
        model.GateFile: ["gateway", "sidecar", "ports"],
        model.Gateway: ["command", "version"],
        model.Sidecar: ["stub"],
        model.Target: ["phases"],
    }
    keys |= {field.encode_name for field in fields_of(kind).values() if field.required}
    keys |= set(likely.get(kind.cls, ()))
    if others:
        some = draw(st.lists(st.sampled_from(others), max_size=2))
        keys |= {field.encode_name for field in some}
    types = {key: field.type for key, field in fields_of(kind).items()}
    return Pairs((key, _legal(draw, types[key], key)) for key in types if key in keys)


def _nodes(tree: Any, above: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """The way to every value below the top, by positions."""
    found = [above] if above else []
    for number, item in enumerate(tree) if isinstance(tree, list) else ():
        found += _nodes(item[1] if isinstance(item, tuple) else item, (*above, number))
    return found


def _changed(draw: st.DrawFn, tree: Pairs) -> Pairs:
    """A copy of the tree with one thing in it changed."""
    tree = copy.deepcopy(tree)  # what was drawn belongs to its strategy
    way = draw(st.sampled_from(_nodes(tree) or [()]))
    if not way:
        return tree
    holder: Any = tree
    for number in way[:-1]:
        item = holder[number]
        holder = item[1] if isinstance(item, tuple) else item
    last = way[-1]
    entry = holder[last]
    key, value = entry if isinstance(entry, tuple) else (None, entry)
    odd = st.sampled_from(ODD) | DATA
    how = draw(st.sampled_from("vvvvkdxlmat"))
    if how == "v":
        value = draw(odd)
    elif how == "k" and key is not None:
        key = draw(st.sampled_from(WORDS + ODD[:60]) | st.sampled_from([f"{key}s", str(key)[1:]]))
    elif how == "d":
        holder.insert(last, entry)
    elif how == "x":
        del holder[last]
        return tree
    elif how == "l":
        value = [value] * draw(st.integers(1, 3))
    elif how == "m":
        value = Pairs([(draw(st.sampled_from(WORDS)), value)])
    elif how == "a":
        value = Raw(f"&a {_flow(value)}")
    else:
        value = Raw("*a")
    holder[last] = entry if how == "d" else (key, value) if isinstance(entry, tuple) else value
    return tree


def _flow(value: Any) -> str:
    """A value as YAML in one line."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, dict):
        return _flow(Pairs(value.items()))
    return json.dumps(value, ensure_ascii=False)


def _block(tree: Pairs, indent: str = "") -> str:
    lines = []
    for key, value in tree:
        if isinstance(value, Pairs) and value and len(indent) < 4:
            lines.append(f"{indent}{_flow(key)}:\n{_block(value, indent + '  ')}")
        else:
            lines.append(f"{indent}{_flow(key)}: {_flow(value)}\n")
    return "".join(lines)


@st.composite
def gate_files(draw: st.DrawFn) -> bytes:
    """The bytes of a gate file."""
    assert isinstance(ROOT, mi.StructType)
    tree = _struct(draw, ROOT)
    for _ in range(draw(st.sampled_from((0, 0, 1, 1, 1, 2, 3)))):
        tree = _changed(draw, tree)
    text = _block(tree)
    how = draw(
        st.sampled_from(
            ["as it is"] * 12 + ["characters", "cut", "crlf", "utf-16", "bytes", "twice"]
        )
    )
    at = draw(st.integers(0, len(text))) if how in ("characters", "cut", "bytes") else 0
    if how == "characters":
        text = (
            text[:at]
            + draw(st.text(max_size=3) | st.sampled_from("\t\x00\x07\x85{}[]&*!|>%@`\"':-#?"))
            + text[at:]
        )
    elif how == "cut":
        text = text[:at]
    elif how == "crlf":
        text = text.replace("\n", "\r\n")
    elif how == "twice":
        text = f"{text}---\n{text}"
    data = text.encode("utf-16" if how == "utf-16" else "utf-8", "surrogatepass")
    return data[:at] + draw(st.binary(max_size=4)) + data[at:] if how == "bytes" else data


@cache
def _directory() -> Path:
    made = directory("gatefiles")
    (made / "other.yaml").write_text("gateway: {command: [serve]}\n")
    whole = Path(__file__).parents[1] / "recorded" / "results" / "slower.json"
    (made / "result.json").write_bytes(whole.read_bytes())
    return made


def attempt(data: bytes) -> str:
    """What `bootgate check` does: mistakes with their places, or the plan."""
    path = _directory() / "bootgate.yaml"
    path.write_bytes(data)
    try:
        with closed(Gate(load(path, ENVIRONMENT), wanted_engine="process")) as gate:
            assert list(plan(gate))
        return "planned"
    except GateFileError as error:
        told = error.mistakes
    except BootgateError as error:
        clean(str(error)).encode()
        return "refused"
    assert told
    for mistake in told:
        assert MISTAKE.fullmatch(mistake), mistake
        clean(mistake).encode()
    return "mistaken"


KIND = Kind("gate files", gate_files(), attempt, usual=200)
