"""The program beside the gateway, as a script: it takes the same orders and says the same events.

It looks when something happens rather than every 20 ms, so what it says has the exact time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

from pytest_bootgate.engines.memory.script import Answer, Mailbox, Process, Request

#: An answer that says accepted, and not done.
_LATER = 202
_PART = 8_000

Order = dict[str, Any]
#: What was seen, None while nothing was; and how it stands instead.
Look = Callable[[], tuple[Order | None, str]]


def sidecar(me: Process) -> Generator[float | Mailbox, Any, int]:
    """Obey until the end."""
    one = Sidecar(me)
    one.say("hello")
    while True:
        line = yield me.stdin
        one.obey(json.loads(line))


class Sidecar:
    """Takes orders and reports events. For tests: a subclass may lie or keep silent."""

    def __init__(self, me: Process) -> None:
        self.me, self.token = me, ""
        self._reply: dict[int, Order] = {}
        self._tails: dict[str, dict[str, int]] = {}
        self._watches: list[Callable[[], None]] = []
        me.world.looks.append(self._read)

    def say(self, event: str, **more: Any) -> None:
        """Print one event."""
        self.me.out(json.dumps({"event": event, **more}, separators=(",", ":")))

    def obey(self, order: Order) -> None:
        """Carry out one order."""
        getattr(self, f"do_{order['do']}")(order)

    # -- orders ----------------------------------------------------------------------------

    def do_serve(self, order: Order) -> None:
        """Open the stub, or change its reply."""
        port = order["port"]
        self._reply[port] = order.get("reply") or {}
        self.me.listen(port, lambda request: self._called(port, request))
        self.say("serving", port=port)

    def _called(self, port: int, request: Request) -> Answer | None:
        parts = [request.path, request.body, *request.headers.values()]
        token = bool(self.token) and any(self.token in part for part in parts)
        reply = self._reply[port]
        muted = reply.get("mute") == "all" or (reply.get("mute") == "token" and token)
        self._read()
        more = {"mute": True} if muted else {}
        self.say("called", method=request.method, path=request.path, token=token, **more)
        body = json.dumps(reply["json"]) if reply.get("json") is not None else reply.get("body")
        return None if muted else Answer(int(reply.get("status") or 200), body or "")

    def do_watch(self, order: Order) -> None:
        """Report once that it is so, and how it stands until then."""
        self._watch(order["id"], self._look_of(order), "seen")

    def do_lapse(self, order: Order) -> None:
        """Report once that an endpoint is not as wanted; one that takes its time says nothing."""
        inner, strict = self._look_of(order), bool(order.get("strict"))

        def look() -> tuple[Order | None, str]:
            seen, text = inner()
            lapsed = seen is None and (strict or text != "timed out")
            return ({"text": text, "late": text == "timed out"} if lapsed else None), ""

        self._watch(order["id"], look, "lapsed")

    def _watch(self, name: str, look: Look, event: str) -> None:
        state = ""

        def again() -> None:
            nonlocal state
            if again not in self._watches:
                return
            seen, text = look()
            if seen is not None:
                self._watches.remove(again)
                self.say(event, id=name, **seen)
            elif text and text != state:
                self.say("state", id=name, text=text, answered=isinstance(text, _Said))
            state = text

        self.say("watching", id=name)
        self._watches.append(again)
        again()

    def do_look(self, order: Order) -> None:
        """Is it so just now?"""
        look = self._look_of(order)
        self._read()
        self.say("looked", id=order["id"], so=look()[0] is not None)

    def do_tail(self, order: Order) -> None:
        """Follow a file, or all that match a pattern; what is there already is no news."""
        files = self.me.world.files.items()
        pattern = order["file"]
        sizes = {path: len(data) for path, data in files if fnmatchcase(path, pattern)}
        self._tails[pattern] = sizes
        self.say("tailing", file=pattern)

    def do_arm(self, order: Order) -> None:
        """A new boot begins."""
        self._read()
        self._watches.clear()
        self.token = order["token"]
        self.say("armed", token=self.token)

    def do_trigger(self, order: Order) -> None:
        """Send a request, and report how it was taken."""
        self.say("sent")
        try:
            answer = self._ask(order, "POST")
        except ConnectionRefusedError:
            self.say("refused", error="connection refused")
            return
        if answer is not None:
            now = self.me.clock.now()
            self.me.clock.at(now + answer.after, lambda: self._answered(answer))

    def _answered(self, answer: Answer) -> None:
        if not 200 <= answer.status < 300:
            self.say("refused", status=answer.status, body=answer.body)
            return
        self.say("accepted", status=answer.status)
        for line in filter(str.strip, answer.body.splitlines()):
            self.say("replied", status=answer.status, text=line)

    def do_jobs(self, order: Order) -> None:
        """Ask, and hand on the whole answer."""
        try:
            answer = self._ask(order, "GET")
        except ConnectionRefusedError:
            self.say("answer", error="connection refused")
            return
        if answer is None:
            return
        if not 200 <= answer.status < 300:
            self.say("answer", error=f"{answer.status} {answer.body}")
            return
        for at in range(0, len(answer.body) or 1, _PART):
            more = at + _PART < len(answer.body)
            self.say("answer", text=answer.body[at : at + _PART], more=more)

    # -- looking ---------------------------------------------------------------------------

    def _ask(self, order: Order, method: str) -> Answer | None:
        port, path = _endpoint(order["http"])
        body = order.get("body") or ""
        if order.get("json") is not None:
            body = json.dumps(order["json"])
        headers = order.get("headers") or {}
        return self.me.world.ask(port, Request(order.get("method") or method, path, body, headers))

    def _read(self) -> None:
        """Report the lines that are new, and look again at what is watched."""
        if self.me.exit is not None or self.me.frozen():
            return
        for pattern, read in self._tails.items():
            for path, data in sorted(self.me.world.files.items()):
                if len(data) > read.get(path, 0) and fnmatchcase(path, pattern):
                    whole = data[: data.rfind(b"\n") + 1]
                    new, read[path] = whole[read.get(path, 0) :], len(whole)
                    for line in new.decode("utf-8", "replace").splitlines():
                        self.say("line", file=pattern, text=line)
        for again in [*self._watches]:
            again()

    def _look_of(self, order: Order) -> Look:
        world = self.me.world
        if "exists" in order:
            wanted = order["exists"]

            def look_there() -> tuple[Order | None, str]:
                there = wanted == "/" or any(_is_below(file, wanted) for file in world.files)
                return ({}, "") if there else (None, "no such file")

            return look_there
        if not {"http", "tcp", "unix", "grpc"} & order.keys():
            raise LookupError(f"the sidecar of the engine in memory does not know {order}")
        address, path = _endpoint(order.get("http") or order.get("tcp") or "0")
        port: int | str = order.get("unix") or address
        status, wanted = order.get("status"), order.get("json")
        request = Request("GET" if "http" in order else "", path)

        def look() -> tuple[Order | None, str]:
            try:
                answer = world.ask(port, request)
            except ConnectionRefusedError:
                return None, "connection refused"
            if answer is None:
                return None, "timed out"
            if not request.method:
                return {}, ""
            done = 200 <= answer.status < 300 and answer.status != _LATER
            right = done if status is None else answer.status == status
            if right and (wanted is None or _contains(_parsed(answer.body), wanted)):
                return {"status": answer.status}, ""
            stands = f"{answer.status} {HTTPStatus(answer.status).phrase}"
            return None, _Said(f"{stands}: {answer.body}" if answer.body else stands)

        return look


class _Said(str):
    """How it stands by somebody's answer, as of the real sidecar."""

    __slots__ = ()


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory.rstrip('/')}/")


def _endpoint(text: str) -> tuple[int, str]:
    place, slash, path = text.split("://", 1)[-1].partition("/")
    return int(place.rpartition(":")[2]), slash + path or "/"


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _contains(answer: Any, wanted: Any) -> bool:
    """As the real one: all that is wanted is there; in a list, each wanted item somewhere."""
    if isinstance(wanted, dict):
        return isinstance(answer, dict) and all(
            key in answer and _contains(answer[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(answer, list) and all(
            any(_contains(item, value) for item in answer) for value in wanted
        )
    if isinstance(wanted, str) and isinstance(answer, (bool, int, float)):
        return wanted == json.dumps(answer)
    return bool(answer == wanted)
