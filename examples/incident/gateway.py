"""A small gateway with a cron plugin: it accepts jobs and runs them in a session target.

``main`` runs in this process, which has its context already; ``isolated`` gets a runner of its
own. What went wrong in the story is here as it was: the trigger log says success as soon as a
job is accepted, and nobody waits for the runner.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import context_engine
from runner import call_model


def log(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Cron:
    """The cron plugin: its trigger log and its run log."""

    def __init__(self, run_log: Path) -> None:
        self.run_log = run_log

    def run(self, job: str, target: str, message: str) -> dict[str, Any]:
        run_id = uuid.uuid4().hex[:8]
        log(f"cron: trigger {job} sessionTarget={target} run={run_id} status=success")
        self.record(job, run_id, "triggered")
        if target == "isolated":
            # The runner's exit is nobody's business: this is how four days went by.
            subprocess.Popen([sys.executable, str(Path(__file__).with_name("runner.py")), message])
        else:
            threading.Thread(target=self.run_in_main, args=(job, run_id, message)).start()
        return {"accepted": True, "runId": run_id}

    def run_in_main(self, job: str, run_id: str, message: str) -> None:
        time.sleep(0.05)  # until the main session looks at its queue
        call_model(message)
        self.record(job, run_id, "done")

    def record(self, job: str, run_id: str, status: str) -> None:
        with self.run_log.open("a") as file:
            file.write(json.dumps({"job": job, "run": run_id, "status": status}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    cron = Cron(Path(os.environ["RUN_LOG"]))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer({"ready": True})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(cron.run(body["job"], body["sessionTarget"], body["message"]))

        def answer(self, reply: dict[str, Any]) -> None:
            data = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """The gateway has a log of its own."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    log(f"gateway {context_engine.VERSION} listening on {port}")
    server.serve_forever()


if __name__ == "__main__":
    main()
