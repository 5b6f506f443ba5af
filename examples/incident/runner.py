"""The isolated runner: loads context engine, tools and persona, then does the task.

It must be done with loading in time. If it is not, it ends, and says nothing.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import urllib.request


def call_model(message: str) -> None:
    request = urllib.request.Request(
        os.environ["MODEL_URL"],
        data=json.dumps({"messages": [{"role": "user", "content": message}]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def main() -> None:
    began, timeout = time.monotonic(), float(os.environ["RUNNER_BOOT_TIMEOUT"])
    watchdog = threading.Timer(timeout, os._exit, args=(0,))
    watchdog.daemon = True
    watchdog.start()

    import context_engine

    context_engine.build()
    print("runner: context engine ready", flush=True)
    time.sleep(0.05)
    print("runner: tools config loaded", flush=True)
    time.sleep(float(os.environ.get("PERSONA_SECONDS", "0.05")))
    if time.monotonic() - began > timeout:  # it was paused, and may be faster than the watchdog
        os._exit(0)
    print("runner: agent persona loaded", flush=True)
    watchdog.cancel()
    call_model(sys.argv[1])


if __name__ == "__main__":
    main()
