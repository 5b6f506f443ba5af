"""An example service: it loads its configuration and its plugins, then answers HTTP requests.

It needs only Python. To see the gate fail, add `--slow 4` to the candidate's command in
bootgate.yaml and run `pytest bootgate.yaml` again.
"""

import argparse
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Health(BaseHTTPRequestHandler):
    """The endpoint that proves from outside that the service has started."""

    def do_GET(self) -> None:
        """Answer every path."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, *_: object) -> None:
        """The service has a log of its own."""


def main() -> None:
    """Start, a phase after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--release", required=True)
    parser.add_argument("--slow", type=float, default=0.0, help="seconds more for the plugins")
    options = parser.parse_args()
    print(f"service {options.release} starts", flush=True)
    time.sleep(0.05)
    print("configuration loaded", flush=True)
    time.sleep(0.1 + options.slow)
    print("plugins loaded", flush=True)
    time.sleep(0.15)  # until its caches are warm
    HTTPServer(("0.0.0.0", options.port), Health).serve_forever()


if __name__ == "__main__":
    main()
