"""The sidecar as a real process."""

from __future__ import annotations

import http.client
import signal
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psutil
import pytest

from pytest_bootgate.sidecar.stub import PIECE


class Gateway(ThreadingHTTPServer):
    """An HTTP server whose answer a test changes."""

    status, body, delay = 200, b"{}", 0.0
    requests: list


@pytest.fixture
def gateway(port):
    class Handler(BaseHTTPRequestHandler):
        server: Gateway

        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.server.requests.append((self.command, self.path, dict(self.headers), body))
            time.sleep(self.server.delay)
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(self.server.body)

        do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    server = Gateway(("127.0.0.1", port), Handler)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def request(port, method="GET", path="/", body=None, headers=None, timeout=5):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    result = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return result


def test_ring_with_and_without_token(sidecar, port):
    sidecar.tell(do="serve", port=port, reply={"status": 201, "json": {"ok": True}})
    assert sidecar.hear("serving")["port"] == port
    sidecar.tell(do="arm", token="tok123")
    sidecar.hear("armed")
    status, headers, body = request(port, "POST", "/v1/chat", b'{"message": "tok123 go"}')
    assert (status, headers["content-type"], body) == (201, "application/json", b'{"ok": true}')
    call = sidecar.hear("called")
    call.pop("at")
    assert 0 <= call.pop("ago") < 0.1
    assert call == {
        "event": "called",
        "method": "POST",
        "path": "/v1/chat",
        "token": True,
        "bytes": 24,
        "head": '{"message": "tok123 go"}',
    }
    for where in ({"path": "/a?t=tok123"}, {"headers": {"x-t": "tok123"}}):
        request(port, **where)
        assert sidecar.hear("called")["token"] is True
    request(port, "PROPFIND", "/other")
    call = sidecar.hear("called")
    assert (call["token"], call["method"]) == (False, "PROPFIND")


def test_ring_is_told_before_the_reply(sidecar, port):
    sidecar.tell(do="serve", port=port, reply={"body": "hi"})
    sidecar.hear("serving")
    late = []
    for _ in range(20):
        request(port)
        replied = time.monotonic()
        late.append(sidecar.hear("called")["at"] - replied)
    assert sorted(late)[10] < 0.005


def test_keep_alive_and_chunked_bodies(sidecar, port):
    sidecar.tell(do="serve", port=port, reply={"json": [1]})
    sidecar.hear("serving")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    for parts in ([b"hello ", b"world"], [b"x" * 100_000]):
        connection.request("POST", "/", iter(parts), encode_chunked=True)
        assert connection.getresponse().read() == b"[1]"
        assert sidecar.hear("called")["bytes"] == sum(map(len, parts))
    connection.close()


def test_stream_reply(sidecar, port):
    stream = [{"delta": "a"}, "[DONE]"]
    sidecar.tell(do="serve", port=port, reply={"stream": stream, "headers": {"X-A": "b"}})
    sidecar.hear("serving")
    _, headers, body = request(port, "POST")
    assert (headers["content-type"], headers["x-a"]) == ("text/event-stream", "b")
    assert body == b'data: {"delta": "a"}\n\ndata: [DONE]\n\n'
    sidecar.hear("called")
    with socket.create_connection(("127.0.0.1", port)) as old:
        old.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"".join(iter(lambda: old.recv(4096), b"")).endswith(body)
    sidecar.hear("called")


def test_head_has_no_body(sidecar, port):
    sidecar.tell(do="serve", port=port, reply={"body": "hi"})
    sidecar.hear("serving")
    assert request(port, "HEAD")[2] == b""
    sidecar.hear("called")


def test_port_in_use_is_trouble(sidecar, gateway):
    sidecar.tell(do="serve", port=gateway.server_port, reply={})
    assert "in use" in sidecar.hear("trouble")["text"]


def test_watch_http_until_json_contains(sidecar, gateway):
    gateway.status, gateway.body = 503, b'{"ready": false}'
    name = f":{gateway.server_port}/readyz"
    sidecar.tell(do="watch", id="ready", http=name, status=None, json={"a": {"ready": True}})
    sidecar.hear("watching")
    state = sidecar.hear("state")
    assert (state["text"], state["answered"]) == ('503 Service Unavailable: {"ready": false}', True)
    gateway.status = 200
    assert sidecar.hear("state")["text"] == '200 OK: {"ready": false}'
    gateway.body = b'{"a": {"ready": true, "more": [1]}}'
    began = time.monotonic()
    seen = sidecar.hear("seen")
    assert (seen["id"], seen["status"]) == ("ready", 200)
    assert seen["at"] - began < 0.1
    sidecar.silent()


def test_json_of_another_type_is_said(sidecar, gateway):
    gateway.body = b'{"docs": "3"}'
    name = f":{gateway.server_port}/stats"
    sidecar.tell(do="watch", id="docs", http=name, status=None, json={"docs": 3})
    sidecar.hear("watching")
    words = '200 OK: {"docs": "3"} (docs is "3", a text, not a number)'
    assert sidecar.hear("state")["text"] == words


def test_watch_before_it_listens(sidecar, port):
    sidecar.tell(do="watch", id="t", tcp=f":{port}")
    sidecar.tell(do="watch", id="h", http=f":{port}/", status=404, json=None)
    heard = [sidecar.events.get(timeout=5) for _ in range(4)]
    states = [event for event in heard if event["event"] == "state"]
    assert [state["text"] for state in states] == ["connection refused"] * 2
    sidecar.silent()
    with socket.create_server(("127.0.0.1", port)) as server:
        first = sidecar.events.get(timeout=5)
        while first["event"] != "seen":
            first = sidecar.events.get(timeout=5)
        assert first["id"] == "t"
        server.close()


def test_how_a_file_stands(sidecar, tmp_path):
    sidecar.tell(do="watch", id="phase:done", exists=str(tmp_path / "done"))
    sidecar.hear("watching")
    state = sidecar.hear("state")
    assert (state["id"], state["text"]) == ("phase:done", "no such file")
    sidecar.silent()
    (tmp_path / "done").touch()
    assert sidecar.hear("seen")["id"] == "phase:done"


def test_how_an_endpoint_stands(sidecar, gateway):
    gateway.status, gateway.body = 404, b"<p>\n  not\there " + b"x" * 5000
    sidecar.tell(do="watch", id="h", http=f":{gateway.server_port}/", status=None, json=None)
    sidecar.hear("watching")
    assert sidecar.hear("state")["text"] == "404 Not Found: " + ("<p> not here " + "x" * 187)
    sidecar.silent()
    gateway.status, gateway.body = 500, b""
    assert sidecar.hear("state")["text"] == "500 Internal Server Error"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x0a", "not HTTP (TLS?)"),  # the alert of a TLS server
        (b"", "closed without an answer (TLS?)"),
        (None, "timed out"),
    ],
)
def test_how_an_endpoint_stands_that_speaks_no_http(sidecar, port, answer, text):
    with socket.create_server(("127.0.0.1", port)) as server:
        sidecar.tell(do="watch", id="h", http=f":{port}/", status=None, json=None)
        sidecar.hear("watching")
        held, _ = server.accept()
        with held:
            if answer is not None:
                held.recv(4096)
                held.sendall(answer)
                held.shutdown(socket.SHUT_RDWR)
            assert sidecar.hear("state")["text"] == text


def test_how_an_endpoint_stands_that_speaks_tls(sidecar, port, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9"]
    made += ["-subj", "/CN=localhost", "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", port)) as server:
        sidecar.tell(do="watch", id="h", http=f":{port}/", status=None, json=None)
        sidecar.hear("watching")
        held, _ = server.accept()
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(held, server_side=True)
        held.close()
        assert sidecar.hear("state")["text"].endswith("(TLS?)")


def test_a_hanging_endpoint_holds_up_nothing(sidecar, gateway, tmp_path):
    gateway.delay = 1.5
    sidecar.tell(do="watch", id="slow", http=f":{gateway.server_port}/", status=None, json=None)
    sidecar.hear("watching")
    sidecar.tell(do="watch", id="file", exists=str(tmp_path))
    sidecar.hear("watching")
    assert sidecar.hear("seen", timeout=0.5)["id"] == "file"
    assert sidecar.hear("seen")["id"] == "slow"


def test_arm_forgets_watches_but_not_tails(sidecar, tmp_path):
    log, canary = tmp_path / "log", tmp_path / "canary"
    sidecar.tell(do="tail", file=str(log))
    sidecar.hear("tailing")
    sidecar.tell(do="watch", id="canary", exists=str(canary))
    sidecar.hear("watching")
    sidecar.hear("state")
    sidecar.tell(do="arm", token="t")
    sidecar.hear("armed")
    canary.touch()
    sidecar.silent()
    log.write_text("still\n")
    assert sidecar.hear("line")["text"] == "still"


def test_tail_from_the_end_of_what_is_there(sidecar, tmp_path):
    log = tmp_path / "log"
    log.write_text("old\n")
    sidecar.tell(do="tail", file=str(log))
    sidecar.hear("tailing")
    with log.open("ab", buffering=0) as file:
        file.write(b"new\r\nhal")
        assert sidecar.hear("line")["text"] == "new"
        sidecar.silent(0.1)
        file.write(b"f \xff\n")
        line = sidecar.hear("line")
        assert (line["text"], line["file"]) == ("half \ufffd", str(log))


def test_tail_survives_truncation_and_rotation(sidecar, tmp_path):
    log = tmp_path / "log"
    sidecar.tell(do="tail", file=str(log))
    sidecar.hear("tailing")
    log.write_text("one and more\n")
    assert sidecar.hear("line")["text"] == "one and more"
    log.write_text("two\n")
    assert sidecar.hear("line")["text"] == "two"
    with log.open("a") as file:
        file.write("three\n")
    log.rename(tmp_path / "log.1")
    log.write_text("four\n")
    assert [sidecar.hear("line")["text"] for _ in range(2)] == ["three", "four"]
    log.unlink()
    time.sleep(0.05)
    log.write_text("five\n")
    assert sidecar.hear("line")["text"] == "five"


def test_tail_of_a_glob_does_not_read_a_renamed_file_again(sidecar, tmp_path):
    pattern = str(tmp_path / "*.log")
    sidecar.tell(do="tail", file=pattern)
    sidecar.hear("tailing")
    (tmp_path / "a.log").write_text("one\n")
    assert sidecar.hear("line")["text"] == "one"
    (tmp_path / "a.log").rename(tmp_path / "a.1.log")
    (tmp_path / "a.log").write_text("two\n")
    line = sidecar.hear("line")
    assert (line["text"], line["file"]) == ("two", pattern)
    sidecar.silent()


OLD = "".join(f"old {number}\n" for number in range(2000))


@pytest.mark.parametrize("old", ["old\n", "old\nhalf a li", OLD])
def test_a_file_that_takes_the_place_of_another_begins_where_that_was_read(sidecar, tmp_path, old):
    """As editors save: the old content and more, under another name that is then renamed."""
    log, draft = tmp_path / "log", tmp_path / "log.new"
    log.write_text(old)
    sidecar.tell(do="tail", file=str(log))
    sidecar.hear("tailing")
    sidecar.tell(do="arm", token="t")
    sidecar.hear("armed")
    draft.write_text(f"{old}ne\nnews\n")
    draft.rename(log)
    said = [sidecar.hear("line")["text"] for _ in range(2)]
    assert said == ["ne", "news"]
    draft.write_text(f"{old}ne\nnews\nmore\n")
    draft.rename(log)
    assert sidecar.hear("line")["text"] == "more"
    sidecar.silent()


def test_a_file_that_is_saved_in_place_begins_where_it_was_read(sidecar, tmp_path):
    log = tmp_path / "log"
    log.write_text(OLD)
    sidecar.tell(do="tail", file=str(log))
    sidecar.hear("tailing")
    with log.open("r+b", buffering=0) as file:
        file.truncate()
        time.sleep(0.1)  # which the sidecar sees
        file.write(f"{OLD}new\n".encode())
    assert sidecar.hear("line")["text"] == "new"
    sidecar.silent()


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
def test_a_file_that_is_copied_and_truncated_is_read_once(sidecar, tmp_path, pattern):
    log = tmp_path / "app.log"
    log.write_text(OLD)
    sidecar.tell(do="tail", file=str(tmp_path / pattern))
    sidecar.hear("tailing")
    with log.open("a") as file:
        file.write("one\n")
    assert sidecar.hear("line")["text"] == "one"
    (tmp_path / "app.log.1").write_bytes(log.read_bytes())
    with log.open("r+b") as file:
        file.truncate()
    sidecar.silent()
    with log.open("a") as file:
        file.write("two\n")
    assert sidecar.hear("line")["text"] == "two"
    sidecar.silent()


@pytest.mark.parametrize("pattern", ["app.log", "app.l*g"])
def test_an_old_file_that_is_renamed_brings_no_news(sidecar, tmp_path, pattern):
    """As a rotation that is taken back: its lines were written before anybody asked for them."""
    kept = tmp_path / "app.1"
    kept.write_text("old\n")
    time.sleep(0.1)
    sidecar.tell(do="tail", file=str(tmp_path / pattern))
    sidecar.hear("tailing")
    sidecar.tell(do="arm", token="t")
    sidecar.hear("armed")
    kept.rename(tmp_path / "app.log")
    sidecar.silent()
    with (tmp_path / "app.log").open("a") as file:
        file.write("new\n")
    assert sidecar.hear("line")["text"] == "new"


def test_a_short_file_that_is_written_anew_for_every_boot_is_news(sidecar, tmp_path):
    sidecar.tell(do="tail", file=str(tmp_path / "*.log"))
    sidecar.hear("tailing")
    for number in range(4):
        sidecar.tell(do="arm", token="t")
        sidecar.hear("armed")
        (tmp_path / f"{number}.log").write_text("task started\n")
        assert sidecar.hear("line")["text"] == "task started"


def test_a_log_of_every_boot_that_begins_like_the_last_is_news(sidecar, tmp_path):
    sidecar.tell(do="tail", file=str(tmp_path / "*.log"))
    sidecar.hear("tailing")
    for number in range(3):
        with (tmp_path / f"{number}.log").open("wb", buffering=0) as file:
            for line in OLD.splitlines(keepends=True)[:4]:
                file.write(line.encode())
                assert sidecar.hear("line")["text"] == line.strip()


def test_a_line_before_the_ring_is_reported_before_it(sidecar, port, tmp_path):
    sidecar.tell(do="serve", port=port, reply={"body": ""})
    sidecar.hear("serving")
    sidecar.tell(do="tail", file=str(tmp_path / "*.log"))
    sidecar.hear("tailing")
    for number in range(30):
        with (tmp_path / f"{number % 3}.log").open("a") as file:
            file.write(f"{number}\n")
        request(port)
        assert sidecar.hear("line")["text"] == str(number)
        sidecar.hear("called")


def test_what_it_has_to_read_first_is_no_time_of_the_system(sidecar, port, tmp_path):
    """40 000 lines of a followed file made a call, and so a boot, a second later than it was."""
    log = tmp_path / "app.log"
    log.touch()
    sidecar.tell(do="serve", port=port, reply={"body": ""})
    sidecar.hear("serving")
    sidecar.tell(do="tail", file=str(log))
    sidecar.hear("tailing")
    log.write_text("".join(f"line {number} of a chatty system\n" for number in range(100_000)))
    began = time.monotonic()
    request(port, timeout=30)
    lines = [sidecar.hear("line") for _ in range(100_000)]
    call = sidecar.hear("called")
    assert lines[-1]["at"] - began > 0.2  # so long it takes to say them
    for heard in (call, lines[0], lines[-1]):
        assert heard["at"] - heard["ago"] - began < 0.1


def test_a_body_of_any_size_takes_no_memory(sidecar, port):
    sidecar.tell(do="serve", port=port, reply={"body": ""})
    sidecar.hear("serving")
    sidecar.tell(do="arm", token="tok123")
    sidecar.hear("armed")
    size, piece = 512 << 20, b"x" * (1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (size + 6))
        for _ in range(size >> 20):
            client.sendall(piece)
        client.sendall(b"tok123")
        call = sidecar.hear("called", 30)
    assert (call["bytes"], call["token"]) == (size + 6, True)
    assert psutil.Process(sidecar.process.pid).memory_info().rss < 100 << 20


def test_a_token_between_two_pieces_of_a_body_is_found(sidecar, port):
    sidecar.tell(do="serve", port=port, reply={"body": ""})
    sidecar.hear("serving")
    sidecar.tell(do="arm", token="tok123")
    sidecar.hear("armed")
    for before in range(PIECE - 7, PIECE + 1):
        request(port, "POST", "/", b"x" * before + b"tok123" + b"y" * PIECE)
        assert sidecar.hear("called")["token"] is True


def test_trigger_accepted(sidecar, gateway):
    gateway.body = b'{"accepted":true}' + b" " * 5000
    sidecar.tell(do="trigger", http=f":{gateway.server_port}/run", method="PUT", json={"a": 1})
    sidecar.hear("sent")
    assert sidecar.hear("accepted")["status"] == 200
    replied = sidecar.hear("replied")
    assert (replied["status"], len(replied["text"])) == (200, 4000)
    method, path, headers, body = gateway.requests[0]
    assert (method, path, headers["Content-Type"], body) == (
        "PUT",
        "/run",
        "application/json",
        b'{"a": 1}',
    )


def test_trigger_refused(sidecar, gateway, port):
    gateway.status, gateway.body = 500, b"no"
    sidecar.tell(do="trigger", http=f":{port}/run", method="POST", headers={}, body="x")
    sidecar.hear("sent")
    refused = sidecar.hear("refused")
    assert (refused["status"], refused["body"]) == (500, "no")


def test_trigger_to_nobody(sidecar, port):
    sidecar.tell(do="trigger", http=f":{port}/run", method="POST", headers={})
    sidecar.hear("sent")
    assert sidecar.hear("refused")["error"] == "connection refused"


def streams(server, pieces) -> list[float]:
    """Answer one request in pieces, a pause after each; when each was sent."""
    connection, _ = server.accept()
    sent = []
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for piece, pause in pieces:
            sent.append(time.monotonic())
            connection.sendall(piece)
            time.sleep(pause)
    return sent


def test_an_answer_that_goes_on_is_told_line_by_line_as_it_comes(sidecar, port):
    pieces = [(b"data: one\n\ndata: tw", 0.3), (b"o\n", 1.5), ("\u00e4 rest".encode(), 0.2)]
    with socket.create_server(("127.0.0.1", port)) as server:
        sidecar.tell(do="trigger", http=f":{port}/run", method="POST", headers={})
        sidecar.hear("sent")
        sent = streams(server, pieces)
    accepted = sidecar.hear("accepted")
    assert accepted["at"] - sent[0] < 0.1
    for text, at in zip(("data: one", "data: two", "\u00e4 rest"), sent, strict=True):
        replied = sidecar.hear("replied")
        assert (replied["text"], replied["status"]) == (text, 200)
        assert abs(replied["at"] - replied["ago"] - at) < 0.1
    sidecar.silent()


def test_a_line_without_an_end_is_told_when_it_came(sidecar, port):
    with socket.create_server(("127.0.0.1", port)) as server:
        sidecar.tell(do="trigger", http=f":{port}/run", method="POST", headers={})
        sidecar.hear("sent")
        (began,) = streams(server, [(b"begun", 2.0)])
    sidecar.hear("accepted")
    replied = sidecar.hear("replied")
    assert replied["text"] == "begun"
    assert replied["ago"] > 0.9
    assert abs(replied["at"] - replied["ago"] - began) < 0.1


def test_an_answer_of_any_size_takes_no_memory(sidecar, port):
    with socket.create_server(("127.0.0.1", port)) as server:
        sidecar.tell(do="trigger", http=f":{port}/run", method="POST", headers={})
        sidecar.hear("sent")
        streams(server, [(b"x" * (1 << 20), 0)] * 256 + [(b"\nlast\n", 0)])
    sidecar.hear("accepted")
    sidecar.silent()
    assert psutil.Process(sidecar.process.pid).memory_info().rss < 100 << 20


def test_nothing_is_told_of_an_answer_to_an_earlier_trigger(sidecar, port):
    sidecar.tell(do="arm", token="one")
    sidecar.hear("armed")
    with socket.create_server(("127.0.0.1", port)) as server:
        sidecar.tell(do="trigger", http=f":{port}/run", method="POST", headers={})
        sidecar.hear("sent")
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\none\n")
            sidecar.hear("accepted")
            assert sidecar.hear("replied")["text"] == "one"
            sidecar.tell(do="arm", token="two")
            sidecar.hear("armed")
            connection.sendall(b"one again\n")
            sidecar.silent()


def test_a_question_is_answered_in_full_and_in_parts(sidecar, gateway):
    text = '[{"id": "ä", "name": "' + 'x"' * 10_000 + '"}]'
    gateway.body = text.encode()
    sidecar.tell(do="jobs", http=f":{gateway.server_port}/jobs")
    parts = [sidecar.hear("answer")]
    while parts[-1]["more"]:
        parts.append(sidecar.hear("answer"))
    assert "".join(part["text"] for part in parts) == text
    assert len(parts) > 1
    assert gateway.requests[0][:2] == ("GET", "/jobs")


def test_a_question_that_fails(sidecar, gateway, port):
    gateway.status, gateway.body = 500, b"uses newer schema"
    sidecar.tell(do="jobs", http=f":{gateway.server_port}/jobs")
    assert sidecar.hear("answer")["error"] == "500 uses newer schema"
    gateway.shutdown()
    gateway.server_close()
    sidecar.tell(do="jobs", http=f":{gateway.server_port}/jobs")
    assert sidecar.hear("answer")["error"] == "connection refused"


@pytest.mark.parametrize(
    "order",
    [
        "{",
        "[]",
        '{"do":"dance"}',
        '{"do":"watch","id":"x"}',
        '{"do":"trigger","send":{}}',
        '{"do":"jobs"}',
    ],
)
def test_what_cannot_be_obeyed_is_trouble(sidecar, order):
    sidecar.tell_raw(order)
    assert order in sidecar.hear("trouble")["text"]
    sidecar.tell(do="arm", token="t")
    sidecar.hear("armed")


def test_orders_are_obeyed_at_once_and_idleness_is_cheap(sidecar, tmp_path):
    import psutil

    sidecar.tell(do="tail", file=str(tmp_path / "log"))
    sidecar.hear("tailing")
    took = []
    for _ in range(30):
        began = time.monotonic()
        sidecar.tell(do="arm", token="t")
        took.append(sidecar.hear("armed")["at"] - began)
    assert sorted(took)[15] < 0.005
    process = psutil.Process(sidecar.process.pid)
    before = sum(process.cpu_times()[:2])
    time.sleep(1)
    assert sum(process.cpu_times()[:2]) - before < 0.1


def test_a_mute_stub_answers_others_only(sidecar, port):
    sidecar.tell(do="serve", port=port, reply={"body": "hi"})
    sidecar.hear("serving")
    sidecar.tell(do="arm", token="tok")
    sidecar.hear("armed")
    sidecar.tell(do="serve", port=port, reply={"body": "hi", "mute": "token"})
    sidecar.hear("serving")
    assert request(port)[2] == b"hi"
    assert "mute" not in sidecar.hear("called")
    with socket.create_connection(("127.0.0.1", port)) as ringing:
        ringing.sendall(b"GET /tok HTTP/1.1\r\n\r\n")
        ringing.settimeout(0.5)
        assert sidecar.hear("called")["mute"] is True
        with pytest.raises(TimeoutError):
            ringing.recv(1)


def test_lapse_is_an_answer_or_nobody_but_no_delay(sidecar, gateway):
    order = {"http": f":{gateway.server_port}/", "status": None, "json": None}
    sidecar.tell(do="lapse", id="health", **order)
    sidecar.hear("watching")
    gateway.delay = 2.5  # longer than the sidecar waits
    sidecar.silent(3)
    gateway.delay = 0
    sidecar.silent()
    gateway.status = 503
    lapsed = sidecar.hear("lapsed")
    assert (lapsed["id"], lapsed["text"]) == ("health", "503 Service Unavailable: {}")
    gateway.server_close()
    sidecar.tell(do="lapse", id="health", **order)
    sidecar.hear("watching")
    sidecar.hear("lapsed")


def test_one_look_says_whether_it_is_so_already(sidecar, gateway, tmp_path):
    looks: list[tuple[dict[str, Any], bool]] = [
        ({"http": f":{gateway.server_port}/ready"}, True),
        ({"http": f":{gateway.server_port}/ready", "status": 404}, False),
        ({"http": ":1/"}, False),
        ({"tcp": f":{gateway.server_port}"}, True),
        ({"exists": str(tmp_path)}, True),
        ({"exists": str(tmp_path / "nothing")}, False),
    ]
    for number, (what, so) in enumerate(looks):
        sidecar.tell(do="look", id=f"phase:{number}", **what)
        heard = sidecar.hear("looked")
        assert (heard["id"], heard["so"]) == (f"phase:{number}", so)
    sidecar.silent()


def test_that_it_stood_still_is_said_before_what_came_meanwhile(sidecar, tmp_path):
    log = tmp_path / "log"
    log.write_text("")
    sidecar.tell(do="tail", file=str(log))
    sidecar.hear("tailing")
    sidecar.process.send_signal(signal.SIGSTOP)
    with log.open("a") as file:
        file.write("persona loaded\n")
    time.sleep(0.8)
    sidecar.process.send_signal(signal.SIGCONT)
    assert sidecar.hear("stalled")["seconds"] > 0.7
    assert sidecar.hear("line")["text"] == "persona loaded"


def test_an_endpoint_that_says_accepted_is_not_done(sidecar, gateway, port):
    gateway.status = 202
    sidecar.tell(do="watch", id="proof", http=f":{port}/")
    sidecar.hear("watching")
    assert sidecar.hear("state")["text"].startswith("202 ")
    gateway.status = 200
    assert sidecar.hear("seen")["status"] == 200


def test_json_that_is_nested_too_deep_contains_nothing(sidecar, gateway, port):
    gateway.body = b"[" * 200_000
    sidecar.tell(do="watch", id="proof", http=f":{port}/", json={"status": "ok"})
    sidecar.hear("watching")
    assert sidecar.hear("state")["text"].startswith("200 ")
    gateway.body = b'{"status": "ok"}'
    assert sidecar.hear("seen")["status"] == 200


def test_the_answer_to_an_earlier_trigger_is_not_the_next_ones(sidecar, gateway, port):
    gateway.delay, gateway.status = 0.5, 500
    sidecar.tell(do="arm", token="first")
    sidecar.hear("armed")
    sidecar.tell(do="trigger", http=f":{port}/run")
    sidecar.hear("sent")
    sidecar.tell(do="arm", token="second")
    sidecar.hear("armed")
    sidecar.silent(1.0)
