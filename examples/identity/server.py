"""An identity provider that starts as Keycloak does: it augments itself and serves TLS.

Its health is at a management port. The realm answers only under the host name it was given.
"""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
HOSTNAME = os.environ["APP_HOSTNAME"]
ISSUER = f"https://{HOSTNAME}/realms/staging"
DISCOVERY = "/realms/staging/.well-known/openid-configuration"

up = False


class Handler(BaseHTTPRequestHandler):
    def answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


class Management(Handler):
    def do_GET(self) -> None:
        self.answer(200 if up else 503, {"status": "UP" if up else "DOWN"})


class Realms(Handler):
    def do_GET(self) -> None:
        if self.headers["Host"] != HOSTNAME or self.path != DISCOVERY:
            self.answer(404, {"error": f"no realm at {self.headers['Host']}{self.path}"})
        else:
            self.answer(200, {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/certs"})


def serve(port: int, handler: type[Handler]) -> None:
    server = ThreadingHTTPServer(("0.0.0.0", port), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / "cert.pem", HERE / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()


print(f"identity {sys.argv[1]} starting", flush=True)
serve(9000, Management)
hashlib.pbkdf2_hmac("sha256", b"classes", b"indexed", 600_000)
print("server augmented", flush=True)
time.sleep(0.3)  # the database
print("realm staging imported", flush=True)
serve(8443, Realms)
up = True
print("listening on https://0.0.0.0:8443, management on 9000", flush=True)
