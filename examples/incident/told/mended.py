"""The gateway of the story, mended: it waits for its runner and says how that ended."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import gateway


class Mended(gateway.Cron):
    def run(self, job: str, target: str, message: str) -> dict[str, Any]:
        if target != "isolated":
            return super().run(job, target, message)
        run_id = uuid.uuid4().hex[:8]
        gateway.log(f"cron: trigger {job} sessionTarget={target} run={run_id} status=success")
        threading.Thread(target=self.run_isolated, args=(job, run_id, message)).start()
        return {"accepted": True, "runId": run_id}

    def run_isolated(self, job: str, run_id: str, message: str) -> None:
        command = [sys.executable, str(Path(gateway.__file__).with_name("runner.py")), message]
        booted = False
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as runner:
            for line in runner.stdout or ():
                print(line, end="", flush=True)
                booted = booted or "agent persona loaded" in line
        if not booted:
            self.record(job, run_id, "failed")


if __name__ == "__main__":
    gateway.Cron = Mended
    gateway.main()
