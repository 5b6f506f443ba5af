"""A gateway that does as the environment tells it: the smallest system under gate.

PLAN is a list of steps, each a sleep in seconds, a line to print, `exit:CODE`, `burn` (be busy
from then on), `work:S` (for so many CPU seconds), `runner` (wait for a child that never ends),
`unhealthy`, `buffer` (print no line until `flush`), `eat` (memory, until it is killed),
`child eats`, `restart` (by another process, which goes on with the plan), `wait:FILE` (until it is
there), `do:CODE` (of Python), or `ring` (call the stub with the message of the trigger). `save`
writes the file LOG anew, which holds `task started` from the start: the old content and a line
more, under another name that is then renamed. STAMPS puts the time before each line, and with DEAF
it opens no port.

With COUNTER, a file that outlives the gateway, PLAN is a list of such plans: the first trigger
carries out the first one, and the last one is for all that come after it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT, STUB = int(os.environ["PORT"]), os.environ["STUB"]
EAT = "eaten = []\nwhile True: eaten.append(bytearray(b'x' * (1 << 20)))"
PLAN = json.loads(os.environ["PLAN"])
LOG = Path(os.environ.get("LOG", os.devnull))


def plan() -> list:
    if "COUNTER" not in os.environ:
        return PLAN
    with Path(os.environ["COUNTER"]).open("a+") as counter:
        counter.write("x")
        return PLAN[min(counter.tell(), len(PLAN)) - 1]


held: list[str] | None = None


def tell(line: str) -> None:
    if "STAMPS" in os.environ:
        line = f"{datetime.now(UTC).isoformat()} {line}"
    if held is None:
        print(line, flush=True)
    else:
        held.append(line)


def carry_out(message: str, steps: list) -> None:
    global held
    for place, step in enumerate(steps):
        if isinstance(step, (int, float)):
            time.sleep(step)
        elif step == "ring":
            urllib.request.urlopen(STUB, data=message.encode(), timeout=5).read()
        elif step == "ring without token":
            urllib.request.urlopen(STUB, data=b"poll", timeout=5).read()
        elif step == "ring or tell":
            try:
                urllib.request.urlopen(STUB, data=message.encode(), timeout=1).read()
            except OSError:
                print("job failed: no answer", flush=True)
        elif step == "runner":
            subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], check=False)
        elif step == "unhealthy":
            Handler.health = 503
        elif step == "buffer":
            held = []
        elif step == "flush":
            print("\n".join(held or []), flush=True)
            held = None
        elif step == "eat":
            exec(EAT)
        elif step == "child eats":
            subprocess.run([sys.executable, "-c", EAT], check=False)
        elif step == "restart":
            rest = json.dumps([message, steps[place + 1 :]])
            os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "REST": rest})
        elif step == "save":
            draft = LOG.with_suffix(".new")
            draft.write_text(LOG.read_text() + "saved\n")
            draft.rename(LOG)
        elif step == "burn":
            while True:
                pass
        elif step.startswith("work:"):
            until = time.process_time() + float(step[5:])
            while time.process_time() < until:
                pass
        elif step.startswith("wait:"):
            while not Path(step[5:]).exists():
                time.sleep(0.02)
        elif step.startswith("do:"):
            exec(step[3:], {**globals(), "message": message})
        elif step.startswith("exit:"):
            sys.stdout.flush()
            os._exit(int(step[5:]))
        else:
            tell(step)


class Handler(BaseHTTPRequestHandler):
    health = 200

    def do_GET(self) -> None:
        self._answer(self.health)

    def do_POST(self) -> None:
        message = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status = int(os.environ.get("STATUS", "200"))
        self._answer(status)
        if status == 200:
            threading.Thread(target=carry_out, args=(message, plan()), daemon=True).start()

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


if "REST" in os.environ:
    threading.Thread(target=carry_out, args=json.loads(os.environ["REST"]), daemon=True).start()
if "LOG" in os.environ:
    LOG.write_text("task started\n")
print(f"toy {os.environ.get('VERSION', '1')} is here", flush=True)
while "DEAF" in os.environ:
    time.sleep(60)
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
