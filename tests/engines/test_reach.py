"""At which addresses somebody listens, by the kernel's tables."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from pytest_bootgate.engines.reach import addresses

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="proc(5) is Linux's")


@pytest.mark.parametrize(
    ("family", "bound"),
    [
        (socket.AF_INET, "127.0.0.1"),
        (socket.AF_INET, "0.0.0.0"),
        (socket.AF_INET6, "::1"),
        (socket.AF_INET6, "::"),
    ],
)
def test_the_address_of_a_socket_that_listens(family, bound):
    with socket.create_server((bound, 0), family=family) as server:
        assert bound in addresses(os.getpid())[server.getsockname()[1]]


def test_one_address_written_in_the_other_family():
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::ffff:127.0.0.1", 0))
        server.listen()
        assert addresses(os.getpid())[server.getsockname()[1]] == ("127.0.0.1",)


def test_nobody_knows():
    assert addresses(None) == {}
    assert addresses(2**22 + 1) == {}
