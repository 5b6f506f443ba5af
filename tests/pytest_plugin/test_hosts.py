"""What ``--bootgate-hosts`` takes; tests/engines/test_hosts.py boots there."""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.docker_address import hosts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "name at least one"),
        ("ftp://a", "begins with ftp://"),
        ("ssh://", "is no Docker host"),
        ("-oProxyCommand=x", "is no Docker host"),
        ("a,b,a", "'a' is named twice"),
    ],
)
def test_mistakes(text, said):
    with pytest.raises(ValueError, match=said):
        hosts(text)


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
