"""A gateway that keeps its jobs in a file, and takes over those of an older one as told.

HOW says what this version does with the state that it finds: `keep`, `lose` the second job,
`change` the schedule of the first, `rename` its id, `drop` the history, `refuse`, want a `repair`
(``keeper.py repair``), be `dirty` when asked to stop, end with `143` then, be `deaf` to SIGTERM
(but not to SIGINT or ``keeper.py stop``), be `one-way` (a version that only knows
`keep` cannot read it afterwards), `silent` (never runs a job), or `forget` at the second start.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOW, STATE = os.environ.get("HOW", "keep"), Path(os.environ["STATE"])
FILE = STATE / "jobs.json"


def migrate() -> dict:
    """The state as this version wants it."""
    kept: dict = json.loads(FILE.read_text()) if FILE.exists() else {"format": 1, "jobs": []}
    jobs = kept["jobs"]
    if not jobs:
        return kept
    if kept["format"] != 1 and HOW == "keep":
        kept["error"] = f"uses newer format {kept['format']}, this version knows 1"
    if HOW == "refuse":
        print("this state is too old: upgrade by way of 2.0", file=sys.stderr)
        sys.exit(78)
    if HOW == "lose":
        del jobs[1]
    if HOW == "change":
        jobs[0]["schedule"] = {"kind": "every", "everyMs": 5}
    if HOW == "rename":
        jobs[0]["id"] = "new-1"
    if HOW == "drop":
        for job in jobs:
            job["runs"] = 0
    if HOW == "repair" and not kept.get("repaired"):
        return {"format": 1, "jobs": []}
    if HOW == "one-way" and kept["format"] == 1:
        kept["format"] = 2
        jobs.append({"id": "own", "name": "its own", "enabled": True, "schedule": None, "runs": 0})
    if HOW == "forget":
        kept["starts"] = kept.get("starts", 0) + 1
        if kept["starts"] > 1:
            del jobs[-1]
    if HOW == "slow" and kept["format"] == 1:
        time.sleep(0.5)
        print("stages=migrate:500ms,listen:1ms", flush=True)
        kept["format"] = 2
    return kept


if sys.argv[1:] == ["repair"]:
    kept = json.loads(FILE.read_text())
    kept["repaired"] = True
    FILE.write_text(json.dumps(kept))
    print("repaired", len(kept["jobs"]), "jobs")
    sys.exit(0)
if sys.argv[1:] == ["list"]:
    print(json.dumps(json.loads(FILE.read_text())["jobs"], indent=1))
    sys.exit(0)
if sys.argv[1:2] == ["run"]:
    url = f"http://127.0.0.1:{os.environ['PORT']}/jobs/{sys.argv[2]}/run"
    urllib.request.urlopen(url, data=b"", timeout=5).read()
    sys.exit(0)
if sys.argv[1:] == ["stop"]:
    urllib.request.urlopen(f"http://127.0.0.1:{os.environ['PORT']}/stop", data=b"", timeout=5)
    sys.exit(0)
if sys.argv[1:] == ["seed"]:
    kept = json.loads(FILE.read_text())
    kept["jobs"].append({"id": "off", "name": "old one", "enabled": False, "runs": 7})
    FILE.write_text(json.dumps(kept))
    sys.exit(0)

STATE.mkdir(parents=True, exist_ok=True)
if (WHO := STATE / "who").exists():  # a file of the gate that lies in the state
    print("configured by", WHO.read_text(), flush=True)
    WHO.write_text(WHO.read_text() + "+")
LOCK = threading.Lock()


def change(work) -> Any:
    with LOCK:
        kept = json.loads(FILE.read_text())
        result = work(kept)
        FILE.write_text(json.dumps(kept))
        return result


def run(number: str) -> None:
    def count(kept: dict) -> str:
        job = next(job for job in kept["jobs"] if job["id"] == number)
        job["runs"], job["last"] = job["runs"] + 1, time.time()
        return job["text"]

    text = change(count)
    if HOW != "silent":
        urllib.request.urlopen(os.environ["STUB"], data=text.encode(), timeout=5).read()


def add(text: str) -> str:
    def put(kept: dict) -> str:
        number = f"j{len(kept['jobs']) + 1}"
        schedule = {"kind": "every", "everyMs": 60_000}
        job = {"id": number, "name": text.split()[0], "enabled": True, "text": text, "runs": 0}
        kept["jobs"].append({**job, "schedule": schedule})
        return number

    return change(put)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kept = json.loads(FILE.read_text())
        if self.path == "/jobs" and (HOW == "no list" or "error" in kept):
            return self._answer(500, kept.get("error", "out of order"))
        return self._answer(200, json.dumps({"jobs": kept["jobs"]}))

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path == "/stop":
            self._answer(200, "ok")
            os._exit(0)
        number = add(text) if self.path == "/run" else self.path.split("/")[2]
        self._answer(200, "ok")
        if os.environ.get("JOBS") == "none":
            change(lambda kept: kept["jobs"].clear())
            urllib.request.urlopen(os.environ["STUB"], data=text.encode(), timeout=5).read()
        else:
            threading.Thread(target=run, args=(number,), daemon=True).start()

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


def stop(*_: object) -> None:
    os._exit({"dirty": 1, "143": 143}.get(HOW, 0))


signal.signal(signal.SIGTERM, signal.SIG_IGN if HOW == "deaf" else stop)
signal.signal(signal.SIGINT, stop)
FILE.write_text(json.dumps(migrate()))
print(f"keeper {HOW} is here", flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
