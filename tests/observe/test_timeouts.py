"""Which words of a failed run say that it ran out of time: what real systems print."""

from __future__ import annotations

import pytest

from pytest_bootgate.observe.timeouts import says_timeout

TIMEOUTS = [
    # OpenClaw
    "cron: isolated agent setup timed out before runner start",
    "cron: isolated agent setup timed out before runner start (last phase: context-engine)",
    "cron: job execution timed out",
    # Go, gRPC, Kubernetes
    "context deadline exceeded",
    "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
    "DEADLINE_EXCEEDED: deadline exceeded after 4.998s",
    "dial tcp 10.0.0.1:443: i/o timeout",
    "error: timed out waiting for the condition on pods/app-0",
    "Job was active longer than specified deadline",
    'deployment "app" exceeded its progress deadline',
    "reason: ProgressDeadlineExceeded",
    # Node
    "connect ETIMEDOUT 10.0.0.1:443",
    "Error: ESOCKETTIMEDOUT",
    "UND_ERR_CONNECT_TIMEOUT",
    "HeadersTimeoutError: Headers Timeout Error",
    "timeout of 1000ms exceeded",
    "page.goto: Timeout 30000ms exceeded.",
    "timeout: 30000ms exceeded",
    "AbortError: The operation was aborted due to timeout",
    # Python, Java, Rust
    "TimeoutError",
    "asyncio.exceptions.TimeoutError",
    "subprocess.TimeoutExpired: Command 'agent' timed out after 60 seconds",
    "java.net.SocketTimeoutException: Read timed out",
    "java.util.concurrent.TimeoutException",
    "Kind(TimedOut)",
    "deadline has elapsed",
    # PostgreSQL, PHP, HTTP
    "canceling statement due to statement timeout",
    "Lock wait timeout exceeded; try restarting transaction",
    "Maximum execution time of 30 seconds exceeded",
    "504 Gateway Time-out",
    "Request time out",
    # in their own words
    "status=timed_out",
    '{"status":"error","error":"timed out","timeoutSeconds":60}',
    "agent setup did not finish within 60 s",
    "failed to start within 1m",
    "the worker didn't answer within the limit of 30 seconds",
    "no response after 30s",
    "runner was not ready in time",
    "setup stalled",
    "Stalled in phase bootstrap",
    "it took too long to load",
    "giving up: agent times out",
    "read timeout",
    "request timeout",
    "agent.timeout exceeded",
]
OTHERS = [
    # words that only contain one
    "plugin memory-core is not installed",
    "the package was uninstalled",
    "isInstalled: false",
    "JavaScript runtime out of memory",
    "RunTime out of memory",
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    "wrote runtimeoutput.json, then failed",
    "the installer failed",
    # settings
    "invalid timeout: -1",
    "unknown option 'timeout'",
    "timeout must be a positive number",
    '{"status":"error","error":"no model","timeoutSeconds":60}',
    "run (timeoutMs=60000) failed: no persona",
    "run with timeout=60 failed: no persona",
    "`agent run --timeout 60` failed: no persona",
    # other limits
    "rate limit exceeded",
    "quota exceeded",
    "maximum context length exceeded",
    "model not found within the registry",
    "not found in 3 mirrors",
    "failed after 3 attempts",
    "no module named just in time",
    # other ends
    "disk full",
    "exited with 1",
    "connect ECONNREFUSED 127.0.0.1:8080",
    "the run was cancelled",
    "out of time slots? no: of disk space",
    "",
    "no such plugin: request-timeout",
    "TypeError: timeout is not a function",
    "cannot read property 'timeout' of undefined",
    "config key agent.timeout is not known",
    "could not load module request_timeout",
    "failed to parse runner_boot_timeout=abc",
    "cannot set timeout: permission denied",
    "memory exceeded 512 MB at boot time",
    "disk quota exceeded since last time",
    "context length exceeded this time",
    "certificate not valid after 30 days",
    "not authorised; retry in 5 s",
    "not allowed in time zone",
]


@pytest.mark.parametrize("text", TIMEOUTS)
def test_a_timeout(text):
    assert says_timeout(text)


@pytest.mark.parametrize("text", OTHERS)
def test_no_timeout(text):
    assert not says_timeout(text)
