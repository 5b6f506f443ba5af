"""Listening sockets, as this kernel knows them."""

from __future__ import annotations

import os
import socket

import pytest

from pytest_bootgate.engines.listeners import sockets
from pytest_bootgate.run.listening import listening, reopened


def a_socket(port: int = 0, family=socket.AF_INET) -> socket.socket:
    one = socket.socket(family)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
    one.listen()
    return one


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_door_that_was_opened_anew(family):
    with a_socket(family=family) as one:
        port = one.getsockname()[1]
        before = listening(sockets(os.getpid(), {port}))
        assert list(before) == [port]
        assert reopened(before, listening(sockets(os.getpid(), {port}))) == ""
    assert (
        reopened(before, listening(sockets(os.getpid(), {port})))
        == f"port {port} is no longer open"
    )
    with a_socket(port, family):
        after = listening(sockets(os.getpid(), {port}))
    assert reopened(before, after) == f"port {port} was reopened"


def test_one_of_several_that_share_a_port_is_enough():
    first = a_socket()
    port = first.getsockname()[1]
    with a_socket(port):
        before = listening(sockets(os.getpid(), {port}))
        first.close()
        with a_socket(port):
            assert reopened(before, listening(sockets(os.getpid(), {port}))) == ""


def test_connections_and_other_ports_do_not_count():
    with a_socket() as one, a_socket() as other:
        port = one.getsockname()[1]
        with socket.create_connection(one.getsockname()):
            found = listening(sockets(os.getpid(), {port}))
        assert (list(found), len(found[port])) == ([port], 1)
        assert reopened(found, {**found, other.getsockname()[1]: frozenset("9")}) == ""


def test_nothing_is_known_of_another_machine():
    assert listening(sockets(None, {80})) == {}
    assert listening(sockets(2**22 + 1, {80})) == {}
