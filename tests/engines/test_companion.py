"""The companion as a real process."""

from __future__ import annotations

import http.client
import json
import queue
import socket
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from pytest_bootgate.sidecar import program

PROGRAM = Path(program.__file__)


class Told:
    def __init__(self, command=(sys.executable, str(PROGRAM))) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.events: queue.Queue[dict] = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in self.process.stdout:
            self.events.put(json.loads(line) | {"at": time.monotonic()})

    def tell(self, **order) -> None:
        self.tell_raw(json.dumps(order))

    def tell_raw(self, text: str) -> None:
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, event: str, timeout: float = 5) -> dict:
        """The next event, which must be this one."""
        heard = self.events.get(timeout=timeout)
        assert heard["event"] == event, heard
        return heard

    def silent(self, seconds: float = 0.2) -> None:
        with pytest.raises(queue.Empty):
            print(self.events.get(timeout=seconds))

    def end(self) -> int:
        self.process.stdin.close()
        code = self.process.wait(5)
        self.process.stdout.close()
        return code


@pytest.fixture
def companion():
    told = Told()
    told.hear("hello")
    yield told
    assert told.end() == 0


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Gateway(ThreadingHTTPServer):
    """An HTTP server whose answer a test changes."""

    status, body, delay = 200, b"{}", 0.0
    requests: list


@pytest.fixture
def gateway(port):
    class Handler(BaseHTTPRequestHandler):
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


def test_runs_without_a_file_of_its_own():
    told = Told((sys.executable, "-Ic", PROGRAM.read_text()))
    told.hear("hello")
    assert told.end() == 0


def test_ring_with_and_without_token(companion, port):
    companion.tell(do="serve", port=port, reply={"status": 201, "json": {"ok": True}})
    assert companion.hear("serving")["port"] == port
    companion.tell(do="arm", token="tok123")
    companion.hear("armed")
    status, headers, body = request(port, "POST", "/v1/chat", b'{"message": "tok123 go"}')
    assert (status, headers["content-type"], body) == (201, "application/json", b'{"ok": true}')
    ring = companion.hear("ring")
    ring.pop("at")
    assert 0 <= ring.pop("ago") < 0.1
    assert ring == {
        "event": "ring",
        "method": "POST",
        "path": "/v1/chat",
        "token": True,
        "bytes": 24,
        "head": '{"message": "tok123 go"}',
    }
    for where in ({"path": "/a?t=tok123"}, {"headers": {"x-t": "tok123"}}):
        request(port, **where)
        assert companion.hear("ring")["token"] is True
    request(port, "PROPFIND", "/other")
    ring = companion.hear("ring")
    assert (ring["token"], ring["method"]) == (False, "PROPFIND")


def test_ring_is_told_before_the_reply(companion, port):
    companion.tell(do="serve", port=port, reply={"body": "hi"})
    companion.hear("serving")
    late = []
    for _ in range(20):
        request(port)
        replied = time.monotonic()
        late.append(companion.hear("ring")["at"] - replied)
    assert sorted(late)[10] < 0.005


def test_keep_alive_and_chunked_bodies(companion, port):
    companion.tell(do="serve", port=port, reply={"json": [1]})
    companion.hear("serving")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    for parts in ([b"hello ", b"world"], [b"x" * 100_000]):
        connection.request("POST", "/", iter(parts), encode_chunked=True)
        assert connection.getresponse().read() == b"[1]"
        assert companion.hear("ring")["bytes"] == sum(map(len, parts))
    connection.close()


def test_stream_reply(companion, port):
    stream = [{"delta": "a"}, "[DONE]"]
    companion.tell(do="serve", port=port, reply={"stream": stream, "headers": {"X-A": "b"}})
    companion.hear("serving")
    _, headers, body = request(port, "POST")
    assert (headers["content-type"], headers["x-a"]) == ("text/event-stream", "b")
    assert body == b'data: {"delta": "a"}\n\ndata: [DONE]\n\n'
    companion.hear("ring")
    with socket.create_connection(("127.0.0.1", port)) as old:
        old.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"".join(iter(lambda: old.recv(4096), b"")).endswith(body)
    companion.hear("ring")


def test_head_has_no_body(companion, port):
    companion.tell(do="serve", port=port, reply={"body": "hi"})
    companion.hear("serving")
    assert request(port, "HEAD")[2] == b""
    companion.hear("ring")


def test_port_in_use_is_trouble(companion, gateway):
    companion.tell(do="serve", port=gateway.server_port, reply={})
    assert "in use" in companion.hear("trouble")["text"]


def test_watch_http_until_json_contains(companion, gateway):
    gateway.status, gateway.body = 503, b'{"ready": false}'
    name = f":{gateway.server_port}/readyz"
    companion.tell(do="watch", id="ready", http=name, status=None, json={"a": {"ready": True}})
    companion.hear("watching")
    assert companion.hear("state")["text"] == '503 Service Unavailable: {"ready": false}'
    gateway.status = 200
    assert companion.hear("state")["text"] == '200 OK: {"ready": false}'
    gateway.body = b'{"a": {"ready": true, "more": [1]}}'
    began = time.monotonic()
    seen = companion.hear("seen")
    assert (seen["id"], seen["status"]) == ("ready", 200)
    assert seen["at"] - began < 0.1
    companion.silent()


def test_watch_before_it_listens(companion, port):
    companion.tell(do="watch", id="t", tcp=f":{port}")
    companion.tell(do="watch", id="h", http=f":{port}/", status=404, json=None)
    heard = [companion.events.get(timeout=5) for _ in range(4)]
    states = [event for event in heard if event["event"] == "state"]
    assert [state["text"] for state in states] == ["connection refused"] * 2
    companion.silent()
    with socket.create_server(("127.0.0.1", port)) as server:
        first = companion.events.get(timeout=5)
        while first["event"] != "seen":
            first = companion.events.get(timeout=5)
        assert first["id"] == "t"
        server.close()


def test_how_a_file_stands(companion, tmp_path):
    companion.tell(do="watch", id="phase:done", exists=str(tmp_path / "done"))
    companion.hear("watching")
    state = companion.hear("state")
    assert (state["id"], state["text"]) == ("phase:done", "no such file")
    companion.silent()
    (tmp_path / "done").touch()
    assert companion.hear("seen")["id"] == "phase:done"


def test_how_an_endpoint_stands(companion, gateway):
    gateway.status, gateway.body = 404, b"<p>\n  not\there " + b"x" * 5000
    companion.tell(do="watch", id="h", http=f":{gateway.server_port}/", status=None, json=None)
    companion.hear("watching")
    assert companion.hear("state")["text"] == "404 Not Found: " + ("<p> not here " + "x" * 187)
    companion.silent()
    gateway.status, gateway.body = 500, b""
    assert companion.hear("state")["text"] == "500 Internal Server Error"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x0a", "not HTTP (TLS?)"),  # the alert of a TLS server
        (b"", "closed without an answer (TLS?)"),
        (None, "timed out"),
    ],
)
def test_how_an_endpoint_stands_that_speaks_no_http(companion, port, answer, text):
    with socket.create_server(("127.0.0.1", port)) as server:
        companion.tell(do="watch", id="h", http=f":{port}/", status=None, json=None)
        companion.hear("watching")
        held, _ = server.accept()
        with held:
            if answer is not None:
                held.recv(4096)
                held.sendall(answer)
                held.shutdown(socket.SHUT_RDWR)
            assert companion.hear("state")["text"] == text


def test_how_an_endpoint_stands_that_speaks_tls(companion, port, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9"]
    made += ["-subj", "/CN=localhost", "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", port)) as server:
        companion.tell(do="watch", id="h", http=f":{port}/", status=None, json=None)
        companion.hear("watching")
        held, _ = server.accept()
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(held, server_side=True)
        held.close()
        assert companion.hear("state")["text"].endswith("(TLS?)")


def test_a_hanging_endpoint_holds_up_nothing(companion, gateway, tmp_path):
    gateway.delay = 1.5
    companion.tell(do="watch", id="slow", http=f":{gateway.server_port}/", status=None, json=None)
    companion.hear("watching")
    companion.tell(do="watch", id="file", exists=str(tmp_path))
    companion.hear("watching")
    assert companion.hear("seen", timeout=0.5)["id"] == "file"
    assert companion.hear("seen")["id"] == "slow"


def test_arm_forgets_watches_but_not_tails(companion, tmp_path):
    log, canary = tmp_path / "log", tmp_path / "canary"
    companion.tell(do="tail", file=str(log))
    companion.hear("tailing")
    companion.tell(do="watch", id="canary", exists=str(canary))
    companion.hear("watching")
    companion.hear("state")
    companion.tell(do="arm", token="t")
    companion.hear("armed")
    canary.touch()
    companion.silent()
    log.write_text("still\n")
    assert companion.hear("line")["text"] == "still"


def test_tail_from_the_end_of_what_is_there(companion, tmp_path):
    log = tmp_path / "log"
    log.write_text("old\n")
    companion.tell(do="tail", file=str(log))
    companion.hear("tailing")
    with log.open("ab", buffering=0) as file:
        file.write(b"new\r\nhal")
        assert companion.hear("line")["text"] == "new"
        companion.silent(0.1)
        file.write(b"f \xff\n")
        line = companion.hear("line")
        assert (line["text"], line["file"]) == ("half \ufffd", str(log))


def test_tail_survives_truncation_and_rotation(companion, tmp_path):
    log = tmp_path / "log"
    companion.tell(do="tail", file=str(log))
    companion.hear("tailing")
    log.write_text("one and more\n")
    assert companion.hear("line")["text"] == "one and more"
    log.write_text("two\n")
    assert companion.hear("line")["text"] == "two"
    with log.open("a") as file:
        file.write("three\n")
    log.rename(tmp_path / "log.1")
    log.write_text("four\n")
    assert [companion.hear("line")["text"] for _ in range(2)] == ["three", "four"]
    log.unlink()
    time.sleep(0.05)
    log.write_text("five\n")
    assert companion.hear("line")["text"] == "five"


def test_tail_of_a_glob_does_not_read_a_renamed_file_again(companion, tmp_path):
    pattern = str(tmp_path / "*.log")
    companion.tell(do="tail", file=pattern)
    companion.hear("tailing")
    (tmp_path / "a.log").write_text("one\n")
    assert companion.hear("line")["text"] == "one"
    (tmp_path / "a.log").rename(tmp_path / "a.1.log")
    (tmp_path / "a.log").write_text("two\n")
    line = companion.hear("line")
    assert (line["text"], line["file"]) == ("two", pattern)
    companion.silent()


OLD = "".join(f"old {number}\n" for number in range(2000))


@pytest.mark.parametrize("old", ["old\n", "old\nhalf a li", OLD])
def test_a_file_that_takes_the_place_of_another_begins_where_that_was_read(
    companion, tmp_path, old
):
    """As editors save: the old content and more, under another name that is then renamed."""
    log, draft = tmp_path / "log", tmp_path / "log.new"
    log.write_text(old)
    companion.tell(do="tail", file=str(log))
    companion.hear("tailing")
    companion.tell(do="arm", token="t")
    companion.hear("armed")
    draft.write_text(f"{old}ne\nnews\n")
    draft.rename(log)
    said = [companion.hear("line")["text"] for _ in range(2)]
    assert said == ["ne", "news"]
    draft.write_text(f"{old}ne\nnews\nmore\n")
    draft.rename(log)
    assert companion.hear("line")["text"] == "more"
    companion.silent()


def test_a_file_that_is_saved_in_place_begins_where_it_was_read(companion, tmp_path):
    log = tmp_path / "log"
    log.write_text(OLD)
    companion.tell(do="tail", file=str(log))
    companion.hear("tailing")
    with log.open("r+b", buffering=0) as file:
        file.truncate()
        time.sleep(0.1)  # which the companion sees
        file.write(f"{OLD}new\n".encode())
    assert companion.hear("line")["text"] == "new"
    companion.silent()


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
def test_a_file_that_is_copied_and_truncated_is_read_once(companion, tmp_path, pattern):
    log = tmp_path / "app.log"
    log.write_text(OLD)
    companion.tell(do="tail", file=str(tmp_path / pattern))
    companion.hear("tailing")
    with log.open("a") as file:
        file.write("one\n")
    assert companion.hear("line")["text"] == "one"
    (tmp_path / "app.log.1").write_bytes(log.read_bytes())
    with log.open("r+b") as file:
        file.truncate()
    companion.silent()
    with log.open("a") as file:
        file.write("two\n")
    assert companion.hear("line")["text"] == "two"
    companion.silent()


@pytest.mark.parametrize("pattern", ["app.log", "app.l*g"])
def test_an_old_file_that_is_renamed_brings_no_news(companion, tmp_path, pattern):
    """As a rotation that is taken back: its lines were written before anybody asked for them."""
    kept = tmp_path / "app.1"
    kept.write_text("old\n")
    time.sleep(0.1)
    companion.tell(do="tail", file=str(tmp_path / pattern))
    companion.hear("tailing")
    companion.tell(do="arm", token="t")
    companion.hear("armed")
    kept.rename(tmp_path / "app.log")
    companion.silent()
    with (tmp_path / "app.log").open("a") as file:
        file.write("new\n")
    assert companion.hear("line")["text"] == "new"


def test_a_short_file_that_is_written_anew_for_every_boot_is_news(companion, tmp_path):
    companion.tell(do="tail", file=str(tmp_path / "*.log"))
    companion.hear("tailing")
    for number in range(4):
        companion.tell(do="arm", token="t")
        companion.hear("armed")
        (tmp_path / f"{number}.log").write_text("task started\n")
        assert companion.hear("line")["text"] == "task started"


def test_a_log_of_every_boot_that_begins_like_the_last_is_news(companion, tmp_path):
    companion.tell(do="tail", file=str(tmp_path / "*.log"))
    companion.hear("tailing")
    for number in range(3):
        with (tmp_path / f"{number}.log").open("wb", buffering=0) as file:
            for line in OLD.splitlines(keepends=True)[:4]:
                file.write(line.encode())
                assert companion.hear("line")["text"] == line.strip()


def test_a_line_before_the_ring_is_reported_before_it(companion, port, tmp_path):
    companion.tell(do="serve", port=port, reply={"body": ""})
    companion.hear("serving")
    companion.tell(do="tail", file=str(tmp_path / "*.log"))
    companion.hear("tailing")
    for number in range(30):
        with (tmp_path / f"{number % 3}.log").open("a") as file:
            file.write(f"{number}\n")
        request(port)
        assert companion.hear("line")["text"] == str(number)
        companion.hear("ring")


def test_what_it_has_to_read_first_is_no_time_of_the_system(companion, port, tmp_path):
    """40 000 lines of a followed file made a ring, and so a boot, a second later than it was."""
    log = tmp_path / "app.log"
    log.touch()
    companion.tell(do="serve", port=port, reply={"body": ""})
    companion.hear("serving")
    companion.tell(do="tail", file=str(log))
    companion.hear("tailing")
    log.write_text("".join(f"line {number} of a chatty system\n" for number in range(100_000)))
    rang = time.monotonic()
    request(port, timeout=30)
    lines = [companion.hear("line") for _ in range(100_000)]
    ring = companion.hear("ring")
    assert lines[-1]["at"] - rang > 0.2  # so long it takes to say them
    for heard in (ring, lines[0], lines[-1]):
        assert heard["at"] - heard["ago"] - rang < 0.1


def test_a_body_of_any_size_takes_no_memory(companion, port):
    companion.tell(do="serve", port=port, reply={"body": ""})
    companion.hear("serving")
    companion.tell(do="arm", token="tok123")
    companion.hear("armed")
    size, piece = 512 << 20, b"x" * (1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (size + 6))
        for _ in range(size >> 20):
            client.sendall(piece)
        client.sendall(b"tok123")
        ring = companion.hear("ring", 30)
    assert (ring["bytes"], ring["token"]) == (size + 6, True)
    assert psutil.Process(companion.process.pid).memory_info().rss < 100 << 20


def test_a_token_between_two_pieces_of_a_body_is_found(companion, port):
    companion.tell(do="serve", port=port, reply={"body": ""})
    companion.hear("serving")
    companion.tell(do="arm", token="tok123")
    companion.hear("armed")
    for before in range(program.PIECE - 7, program.PIECE + 1):
        request(port, "POST", "/", b"x" * before + b"tok123" + b"y" * program.PIECE)
        assert companion.hear("ring")["token"] is True


def test_trigger_accepted(companion, gateway):
    gateway.body = b'{"accepted":true}' + b" " * 5000
    companion.tell(do="trigger", http=f":{gateway.server_port}/run", method="PUT", json={"a": 1})
    companion.hear("sent")
    accepted = companion.hear("accepted")
    assert (accepted["status"], len(accepted["body"])) == (200, 4000)
    method, path, headers, body = gateway.requests[0]
    assert (method, path, headers["Content-Type"], body) == (
        "PUT",
        "/run",
        "application/json",
        b'{"a": 1}',
    )


def test_trigger_refused(companion, gateway, port):
    gateway.status, gateway.body = 500, b"no"
    companion.tell(do="trigger", http=f":{port}/run", method="POST", headers={}, body="x")
    companion.hear("sent")
    refused = companion.hear("refused")
    assert (refused["status"], refused["body"]) == (500, "no")


def test_trigger_to_nobody(companion, port):
    companion.tell(do="trigger", http=f":{port}/run", method="POST", headers={})
    companion.hear("sent")
    assert companion.hear("refused")["error"] == "connection refused"


def test_trigger_with_an_answer_that_goes_on_is_accepted_by_its_headers(companion, port):
    with socket.create_server(("127.0.0.1", port)) as server:
        companion.tell(do="trigger", http=f":{port}/run", method="POST", headers={})
        companion.hear("sent")
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nbegun")
            assert companion.hear("accepted")["body"] == "begun"


def test_a_question_is_answered_in_full_and_in_parts(companion, gateway):
    text = '[{"id": "ä", "name": "' + 'x"' * 10_000 + '"}]'
    gateway.body = text.encode()
    companion.tell(do="jobs", http=f":{gateway.server_port}/jobs")
    parts = [companion.hear("answer")]
    while parts[-1]["more"]:
        parts.append(companion.hear("answer"))
    assert "".join(part["text"] for part in parts) == text
    assert len(parts) > 1
    assert gateway.requests[0][:2] == ("GET", "/jobs")


def test_a_question_that_fails(companion, gateway, port):
    gateway.status, gateway.body = 500, b"uses newer schema"
    companion.tell(do="jobs", http=f":{gateway.server_port}/jobs")
    assert companion.hear("answer")["error"] == "500 uses newer schema"
    gateway.shutdown()
    gateway.server_close()
    companion.tell(do="jobs", http=f":{gateway.server_port}/jobs")
    assert companion.hear("answer")["error"] == "connection refused"


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
def test_what_cannot_be_obeyed_is_trouble(companion, order):
    companion.tell_raw(order)
    assert order in companion.hear("trouble")["text"]
    companion.tell(do="arm", token="t")
    companion.hear("armed")


def test_orders_are_obeyed_at_once_and_idleness_is_cheap(companion, tmp_path):
    import psutil

    companion.tell(do="tail", file=str(tmp_path / "log"))
    companion.hear("tailing")
    took = []
    for _ in range(30):
        began = time.monotonic()
        companion.tell(do="arm", token="t")
        took.append(companion.hear("armed")["at"] - began)
    assert sorted(took)[15] < 0.005
    process = psutil.Process(companion.process.pid)
    before = sum(process.cpu_times()[:2])
    time.sleep(1)
    assert sum(process.cpu_times()[:2]) - before < 0.1


def test_a_mute_doorbell_answers_others_only(companion, port):
    companion.tell(do="serve", port=port, reply={"body": "hi"})
    companion.hear("serving")
    companion.tell(do="arm", token="tok")
    companion.hear("armed")
    companion.tell(do="serve", port=port, reply={"body": "hi", "mute": "token"})
    companion.hear("serving")
    assert request(port)[2] == b"hi"
    assert "mute" not in companion.hear("ring")
    with socket.create_connection(("127.0.0.1", port)) as ringing:
        ringing.sendall(b"GET /tok HTTP/1.1\r\n\r\n")
        ringing.settimeout(0.5)
        assert companion.hear("ring")["mute"] is True
        with pytest.raises(TimeoutError):
            ringing.recv(1)


def test_lapse_is_an_answer_or_nobody_but_no_delay(companion, gateway):
    order = {"http": f":{gateway.server_port}/", "status": None, "json": None}
    companion.tell(do="lapse", id="health", **order)
    companion.hear("watching")
    gateway.delay = 2.5  # longer than the companion waits
    companion.silent(3)
    gateway.delay = 0
    companion.silent()
    gateway.status = 503
    lapsed = companion.hear("lapsed")
    assert (lapsed["id"], lapsed["text"]) == ("health", "503 Service Unavailable: {}")
    gateway.server_close()
    companion.tell(do="lapse", id="health", **order)
    companion.hear("watching")
    companion.hear("lapsed")


def test_one_look_says_whether_it_is_so_already(companion, gateway, tmp_path):
    looks = [
        ({"http": f":{gateway.server_port}/ready"}, True),
        ({"http": f":{gateway.server_port}/ready", "status": 404}, False),
        ({"http": ":1/"}, False),
        ({"tcp": f":{gateway.server_port}"}, True),
        ({"exists": str(tmp_path)}, True),
        ({"exists": str(tmp_path / "nothing")}, False),
    ]
    for number, (what, so) in enumerate(looks):
        companion.tell(do="look", id=f"phase:{number}", **what)
        heard = companion.hear("looked")
        assert (heard["id"], heard["so"]) == (f"phase:{number}", so)
    companion.silent()
