"""What the real sidecar looks at: endpoints of every kind, sockets, commands, gRPC."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


class Page(BaseHTTPRequestHandler):
    """Answers with what its server holds; a good Host header is its `host`."""

    server: Any

    def do_GET(self):
        time.sleep(self.server.delays.pop(0) if self.server.delays else 0.0)
        host = self.headers.get("Host", "").partition(":")[0]
        good = self.server.host in (None, host)
        body = self.server.body if good else b"Bad Request (400): DisallowedHost"
        self.send_response(self.server.status if good else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def address_string(self):
        return ""

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """Serve pages: ``serve(address, tls=None, family=AF_INET, **what it holds)``."""
    servers = []

    def start(address, *, tls=None, family=socket.AF_INET, **held):
        kind = type("Server", (ThreadingHTTPServer,), {"address_family": family})
        server = kind(address, Page, bind_and_activate=False)
        server.status, server.body, server.delays, server.host = 200, b"{}", [], None
        vars(server).update(held)
        if family == socket.AF_UNIX:
            server.server_bind = lambda: server.socket.bind(address)
        server.server_bind()
        server.server_activate()
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=HTTPServer.serve_forever, args=(server, 0.01), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate of localhost and app.example.com that nobody signed, and its key."""
    place = tmp_path_factory.mktemp("tls")
    key, certificate = place / "key.pem", place / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9"]
    made += ["-subj", "/CN=bootgate", "-keyout", key, "-out", certificate]
    made += ["-addext", "subjectAltName=DNS:localhost,DNS:app.example.com"]
    subprocess.run(made, check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def looks(sidecar, timeout=5, **order):
    """What a watch finds: True, or how it stands."""
    sidecar.tell(do="watch", id="x", **order)
    sidecar.hear("watching")
    heard = sidecar.events.get(timeout=timeout)
    return True if heard["event"] == "seen" else heard["text"]


# -- https -------------------------------------------------------------------------------------


def test_a_certificate_that_is_trusted(sidecar, port, serve, tls, certificate):
    serve(("127.0.0.1", port), tls=tls)
    trusted = certificate[0].read_text()
    assert looks(sidecar, http=f"https://:{port}/", verify=trusted) is True
    assert looks(sidecar, http=f"https://localhost:{port}/", verify=trusted) is True


def test_a_certificate_that_is_not_looked_at(sidecar, port, serve, tls):
    serve(("127.0.0.1", port), tls=tls)
    assert looks(sidecar, http=f"https://127.0.0.1:{port}/", verify=False) is True


def test_a_certificate_that_nobody_signed(sidecar, port, serve, tls):
    serve(("127.0.0.1", port), tls=tls)
    stands = looks(sidecar, http=f"https://:{port}/")
    assert stands.startswith("its certificate is not trusted: self")


def test_a_certificate_of_somebody_else(sidecar, port, serve, tls, certificate):
    serve(("127.0.0.1", port), tls=tls)
    trusted = certificate[0].read_text()
    host = {"Host": "other.example.com"}
    stands = looks(sidecar, http=f"https://:{port}/", verify=trusted, headers=host)
    assert stands.startswith("its certificate is not trusted: hostname mismatch")
    host = {"Host": "app.example.com"}
    assert looks(sidecar, http=f"https://:{port}/", verify=trusted, headers=host) is True


def test_https_where_there_is_no_tls(sidecar, port, serve):
    serve(("127.0.0.1", port))
    assert looks(sidecar, http=f"https://:{port}/", verify=False).startswith("no TLS: ")


def test_a_trigger_over_https(sidecar, port, serve, tls):
    serve(("127.0.0.1", port), tls=tls)
    sidecar.tell(do="trigger", http=f"https://:{port}/run", verify=False, body="go")
    sidecar.hear("sent")
    assert sidecar.hear("accepted")["status"] == 200


# -- what is asked, and what must come ---------------------------------------------------------


def test_a_host_header(sidecar, port, serve):
    serve(("127.0.0.1", port), host="app.example.com")
    address = f":{port}/healthz"
    assert looks(sidecar, http=address) == ("400 Bad Request: Bad Request (400): DisallowedHost")
    assert looks(sidecar, http=address, headers={"Host": "app.example.com"}) is True


def test_one_of_several_statuses(sidecar, port, serve):
    serve(("127.0.0.1", port), status=401)
    assert looks(sidecar, http=f":{port}/", status=[200, 401]) is True
    assert looks(sidecar, http=f":{port}/", status=[200, 204]) == "401 Unauthorized: {}"


def test_the_text_of_the_answer(sidecar, port, serve):
    serve(("127.0.0.1", port), body=b"state: up\nversion: 2\n")
    assert looks(sidecar, http=f":{port}/", body="^version: 2$") is True
    assert looks(sidecar, http=f":{port}/", body="^2$") == "200 OK: state: up version: 2"


def test_on_ipv6_only(sidecar, port, serve):
    serve(("::1", port), family=socket.AF_INET6)
    assert looks(sidecar, http=f":{port}/") == "connection refused"
    assert looks(sidecar, http=f"http://[::1]:{port}/") is True
    assert looks(sidecar, tcp=f"[::1]:{port}") is True


def test_through_a_socket(sidecar, serve, tmp_path):
    path = str(tmp_path / "app.sock")
    assert looks(sidecar, unix=path) == "no such file or directory"
    sidecar.tell(do="arm", token="t")
    sidecar.hear("armed")
    serve(path, family=socket.AF_UNIX, body=b'{"up": true}')
    assert looks(sidecar, http="/health", unix=path, json={"up": True}) is True
    assert looks(sidecar, unix=path) is True


# -- slow answers ------------------------------------------------------------------------------


def test_an_answer_that_takes_longer_than_any_patience(sidecar, port, serve):
    serve(("127.0.0.1", port), delays=[2.6] * 9)
    began = time.monotonic()
    assert looks(sidecar, http=f":{port}/") == "timed out"
    assert sidecar.hear("seen")["id"] == "x"
    assert 2.5 < time.monotonic() - began < 4.5


def test_an_answer_that_never_comes_to_the_first_request(sidecar, port, serve):
    serve(("127.0.0.1", port), delays=[3600.0])
    assert looks(sidecar, http=f":{port}/") == "timed out"
    assert sidecar.hear("seen")["id"] == "x"


def test_patience_that_was_asked_for(sidecar, port, serve):
    serve(("127.0.0.1", port), delays=[3600.0])
    began = time.monotonic()
    assert looks(sidecar, http=f":{port}/", patience=0.2) == "timed out"
    assert time.monotonic() - began < 2.4  # without, it has 2.5 s
    assert sidecar.hear("seen")["id"] == "x"


def test_how_often(sidecar, port, serve):
    server = serve(("127.0.0.1", port), status=503, delays=[0.0] * 100)
    sidecar.tell(do="watch", id="x", http=f":{port}/", every=0.2)
    time.sleep(1)
    assert 94 < len(server.delays) < 99


# -- commands ----------------------------------------------------------------------------------


def test_a_command(sidecar, tmp_path):
    there = tmp_path / "there"
    script = f"test -e {there} || {{ echo first; echo not yet; exit 3; }}"
    assert looks(sidecar, exec=["sh", "-c", script], every=0.05) == "exit 3: not yet"
    there.touch()
    assert sidecar.hear("seen")["id"] == "x"


def test_a_command_that_is_not_there(sidecar):
    assert looks(sidecar, exec=["no-such-command"]) == "no-such-command: no such file or directory"


def test_a_command_that_hangs_the_first_time(sidecar, tmp_path):
    script = f"mkdir {tmp_path}/once 2>/dev/null && exec sleep 3600; true"
    assert looks(sidecar, exec=["sh", "-c", script], patience=0.3) == "timed out"
    assert sidecar.hear("seen")["id"] == "x"


# -- gRPC --------------------------------------------------------------------------------------


@pytest.fixture
def grpc_server(port):
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    yield server
    server.stop(0)


def test_the_health_of_grpc(sidecar, port, grpc_server):
    servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, grpc_server)
    states = health_pb2.HealthCheckResponse
    servicer.set("", states.NOT_SERVING)
    servicer.set("shop.Orders", states.SERVING)
    assert looks(sidecar, grpc=f":{port}", service="shop.Orders") is True
    assert looks(sidecar, grpc=f":{port}") == "NOT_SERVING"
    servicer.set("", states.SERVING)
    assert sidecar.hear("seen")["id"] == "x"
    assert looks(sidecar, grpc=f":{port}", service="shop.Other") == "UNKNOWN"


def test_grpc_without_health(sidecar, port, grpc_server):
    assert looks(sidecar, grpc=f":{port}") == "it has no such health service"


def test_grpc_that_is_none(sidecar, port, serve):
    serve(("127.0.0.1", port))
    assert looks(sidecar, grpc=f":{port}") in ("not http/2", "closed without an answer")


# -- what would keep the sidecar busy for ever ---------------------------------------------------


def test_a_command_that_leaves_something_running(sidecar):
    began = time.monotonic()
    assert looks(sidecar, exec=["sh", "-c", "sleep 30 & exit 0"]) is True
    assert time.monotonic() - began < 15


def test_a_command_that_prints_without_an_end(sidecar):
    assert looks(sidecar, exec=["sh", "-c", "yes"], patience=0.5) == "timed out"
    process = psutil.Process(sidecar.process.pid)
    assert process.memory_info().rss < 200 << 20
    assert [child.name() for child in process.children(recursive=True)] in (
        [],
        ["yes"],
        ["sh", "yes"],
    )


def test_a_grpc_server_that_answers_without_an_end(sidecar, port):
    frame = b"\x00\x40\x00\x00\x00\x00\x00\x00\x01" + bytes(0x4000)
    with socket.create_server(("127.0.0.1", port)) as server:

        def flood():
            held, _ = server.accept()
            with held, contextlib.suppress(OSError):
                while True:
                    held.sendall(frame)

        threading.Thread(target=flood, daemon=True).start()
        assert looks(sidecar, grpc=f":{port}") == "it answers without an end"


def test_a_stream_that_has_it_at_once(sidecar, port):
    with socket.create_server(("127.0.0.1", port)) as server:

        def stream():
            held, _ = server.accept()
            with held, contextlib.suppress(OSError):
                held.recv(4096)
                held.sendall(b"HTTP/1.1 200 OK\r\n\r\nstate: ready\n")
                held.recv(4096)  # until it is closed

        threading.Thread(target=stream, daemon=True).start()
        began = time.monotonic()
        assert looks(sidecar, http=f":{port}/", body="ready", patience=30) is True
        assert time.monotonic() - began < 15


@pytest.mark.parametrize("order", [{"tcp": "a..b:80"}, {"grpc": "a..b:80"}, {"http": "a..b:80/"}])
def test_a_host_that_cannot_be_one(sidecar, order):
    assert isinstance(looks(sidecar, **order), str)
