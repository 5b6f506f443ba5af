from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.variables import UnsetError, blank, expand, fill, fill_all
from pytest_bootgate.probes.http import Http

GATE = """
releases:
  candidate:
    image: "api:1.9"
    env:
      VALUE: {value}
targets: {{boot: {{timeout: 60s, proof: {{line: done}}}}}}
"""


@pytest.fixture
def value(tmp_path: Path) -> Callable[..., str]:
    """The value of a release's environment variable, as loaded."""

    def value(written: str, **environ: str) -> str:
        path = tmp_path / "bootgate.yaml"
        path.write_text(GATE.format(value=written))
        return load(path, environ).gate.releases.candidate.env["VALUE"]

    return value


def test_fill() -> None:
    variables = {"token": "t-1", "port.http": "8080"}
    assert fill("${token} at :${port.http}, $$5 and $HOME and $", variables) == (
        "t-1 at :8080, $5 and $HOME and $"
    )


def test_filled_text_is_not_filled_again() -> None:
    assert fill("${a}", {"a": "${b}$$"}) == "${b}$$"
    assert fill("$${a}", {"a": "x"}) == "${a}"
    assert fill("$$${a}", {"a": "x"}) == "$x"


def test_fill_needs_every_variable() -> None:
    with pytest.raises(KeyError, match="token"):
        fill("${token}", {})


def test_fill_all_fills_values_and_leaves_keys() -> None:
    value = {"${a}": ["${a}", 1, None, {"b": "$$${a}"}], "c": True}
    assert fill_all(value, {"a": "x"}) == {"${a}": ["x", 1, None, {"b": "$x"}], "c": True}


def test_blank_leaves_something_harmless() -> None:
    assert blank("run ${token} for ${target}$$") == "run x for x$"


def test_expand_leaves_what_is_for_the_boot() -> None:
    environ = {"HOME": "/root", "EMPTY": ""}
    assert expand("${HOME}/${token} $${HOME} $HOME", environ) == "/root/${token} $${HOME} $HOME"
    assert expand("[${EMPTY}]", environ) == "[]"
    assert expand("${EMPTY:-x}${GONE:-y}${GONE:-}${GONE:-a:-b}", environ) == "xya:-b"


def test_expand_needs_a_value_or_a_default() -> None:
    with pytest.raises(UnsetError, match="GONE"):
        expand("${GONE}", {})


def test_a_value_from_the_environment_is_only_a_value(value: Callable[..., str]) -> None:
    assert value('"${V}"', V='x", IMAGE: evil\n- {') == 'x", IMAGE: evil\n- {'
    assert value("${V}", V="{a: [1]}") == "{a: [1]}"
    assert value("a ${V} b", V="null") == "a null b"


def test_a_value_from_the_environment_has_no_variables_of_its_own(
    value: Callable[..., str],
) -> None:
    loaded = value("${V}", V="${token} $$ ${HOME}")
    assert loaded == "$${token} $$$$ $${HOME}"
    assert fill(loaded, {}) == "${token} $$ ${HOME}"


@pytest.mark.parametrize("given", ["1", "0.5", "true", "null", "", "2026.5", "2026-05-07"])
def test_a_text_stays_a_text(value: Callable[..., str], given: str) -> None:
    assert value("${V}", V=given) == given
    assert value('"${V}"', V=given) == given
    assert value(f"${{V:-{given}}}") == given


TYPED = """
releases: {candidate: {image: "api:${VERSION}"}}
ports:
  http: ${PORT}
profiles:
  small:
    cpus: ${CPUS:-0.5}
    memory: ${MEMORY:-512m}
targets:
  boot:
    timeout: ${TIMEOUT}
    start: ${START:-cold}
    proof:
      http: ":${PORT}/"
      status: ${STATUS:-200}
      json:
        plain: ${N}
        quoted: "${N}"
        more: ${N} times
      optional: ${OPTIONAL:-false}
gate:
  boots: ${BOOTS:-7}
"""


def test_a_plain_variable_may_be_a_number(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"
    path.write_text(TYPED)
    gate = load(path, {"VERSION": "2026.5", "PORT": "8080", "TIMEOUT": "1m", "N": "3"}).gate
    target = gate.targets["boot"]
    proof = target.phases["proof"]
    assert gate.releases.candidate.image == "api:2026.5"
    assert gate.ports == {"http": 8080}
    assert gate.profiles["small"].cpus == 0.5
    assert gate.profiles["small"].memory == 512 << 20
    assert (target.timeout, target.start, gate.gate.boots) == (60, "cold", (7, 7))
    data = {"plain": 3, "quoted": "3", "more": "3 times"}
    assert (proof.kind, proof.optional) == (Http(":8080/", status=200, json=data), False)


def test_a_variable_in_quotes_is_what_the_model_wants(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"
    path.write_text(
        """
releases: {candidate: {image: "${VERSION}"}}
profiles: {small: {cpus: "${CPUS:-0.5}"}}
sidecar: {stub: {port: "${PORT:-8099}"}}
targets: {boot: {timeout: 60s, proof: {http: ":1/", status: "${S:-200}", json: {n: "${N:-3}"}}}}
"""
    )
    gate = load(path, {"VERSION": "2026.5"}).gate
    assert gate.releases.candidate.image == "2026.5"
    assert gate.profiles["small"].cpus == 0.5
    assert gate.sidecar.stub is not None
    assert gate.sidecar.stub.port == 8099
    proof = gate.targets["boot"].phases["proof"]
    assert proof.kind == Http(":1/", status=200, json={"n": "3"})


def test_a_variable_that_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"
    path.write_text(TYPED)
    environ = {"VERSION": "1", "PORT": "http", "TIMEOUT": "60", "N": "3", "CPUS": "two"}
    with pytest.raises(GateFileError) as caught:
        load(path, environ)
    assert caught.value.mistakes == [
        f"{path}:4:9: 'http' must be a whole number, not 'http'",
        f"{path}:7:11: 'cpus' must be a number, not 'two'",
        f"{path}:11:14: 60 has no unit: write 60s, or 60ms",
        f"{path}:14:13: ':http/' is not an endpoint: write \":8080/health\"",
    ]


def test_the_environment_is_that_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bootgate.yaml"
    path.write_text(GATE.format(value="${BOOTGATE_TEST_VALUE}"))
    monkeypatch.setenv("BOOTGATE_TEST_VALUE", "here")
    assert load(path).gate.releases.candidate.env == {"VALUE": "here"}
