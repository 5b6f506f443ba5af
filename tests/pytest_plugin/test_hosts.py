"""What ``--bootgate-hosts`` takes; tests/engines/test_hosts.py boots there."""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.docker_address import hosts, own
from pytest_bootgate.errors import EngineError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "name at least one"),
        ("ftp://a", "begins with ftp://"),
        ("ssh://", "is no Docker host"),
        ("-oProxyCommand=x", "is no Docker host"),
        ("a,b,a", "'a' is named twice"),
        ("ssh://127.0.0.1:99999", "cannot be read: Port out of range 0-65535"),
        ("ssh://[::1", "cannot be read: Invalid IPv6 URL"),
        ("ssh://u:hunter22@h", "the Docker host h is given with a password"),
    ],
)
def test_mistakes(text, said):
    with pytest.raises(ValueError, match=said):
        hosts(text)


@pytest.mark.parametrize("address", ["ssh://h:99999", "ssh://[::1", "tcp://u:hunter22@h:1"])
def test_an_environment_that_names_none(address, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(EngineError, match="DOCKER_HOST cannot be used") as caught:
        own()
    assert "hunter22" not in str(caught.value)


def test_names():
    named = "ssh://me@a:2222, tcp://b:2375,unix:///run/docker.sock,staging"
    assert len(hosts(named)) == 4


def test_a_mistake_ends_the_run_before_it_begins(pytester):
    done = pytester.runpytest_subprocess("--bootgate-hosts", "ftp://a")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "argument --bootgate-hosts: 'ftp://a' begins with ftp://" in done.stderr.str()


def test_only_docker_has_hosts(pytester):
    done = pytester.runpytest_subprocess("--bootgate-hosts=a,b", "--bootgate-engine=process")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    said = "names Docker hosts, but --bootgate-engine process boots elsewhere"
    assert said in done.stderr.str()
