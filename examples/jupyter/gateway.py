"""Takes cells over HTTP and has them executed by Jupyter kernels, as notebook servers do.

``POST /run`` with ``{"target": …, "cell": …}`` answers at once. The target ``isolated`` gets a
kernel of its own, ``main`` the one that has been running since the start.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import ipykernel
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager


def log(text: str) -> None:
    print(text, flush=True)


def start_kernel() -> BlockingKernelClient:
    manager = KernelManager()
    manager.start_kernel()
    log("kernel: process started")
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    log("kernel: answers")
    return client


def execute(client: BlockingKernelClient, cell: str) -> None:
    reply = client.execute_interactive(cell, timeout=60, output_hook=lambda _: None)
    log(f"cell: {reply['content']['status']}")


def run(target: str, cell: str) -> None:
    try:
        execute(main_kernel if target == "main" else start_kernel(), cell)
    except Exception as error:
        log(f"cell: failed: {error!r}")


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = b'{"accepted": true}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        threading.Thread(target=run, args=(asked["target"], asked["cell"]), daemon=True).start()

    def log_message(self, *_: object) -> None:
        """The gateway has a log of its own."""


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
main_kernel = start_kernel()
log(f"ipykernel {ipykernel.__version__} behind port {sys.argv[1]}")
server.serve_forever()
