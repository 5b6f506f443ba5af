"""A Docker engine behind ssh, as a socket on this machine.

As the docker command does it: ``docker system dial-stdio`` runs there for each connection, and the
user's own ssh, with all that is configured for it, carries it. One login serves all connections. A
process that ends takes all of it with it: both ends hang on its pipes and sockets.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from pytest_bootgate.errors import EngineError

_LOGIN = 20.0
_LOOK = 0.02
#: What a path of a socket may have at most, less what ssh itself adds while it makes one.
_LONGEST = 107 - len("/control.0123456789abcdef")
#: A host that does not answer for 15 s is away. Nobody is there to type a password.
_OPTIONS = (
    *("-T", "-a", "-x", "-oBatchMode=yes", "-oConnectTimeout=10", "-oServerAliveInterval=5"),
    *("-oServerAliveCountMax=3", "-oControlPersist=no", "-oClearAllForwardings=yes"),
    "-oRemoteCommand=none",
)


class Tunnel:
    """Logs in at ``ssh://[user@]host[:port]``. Raises `EngineError` where it may not."""

    def __init__(self, url: str) -> None:
        self._url = url
        _clean_up(Path(_directory()))
        self._here = Path(tempfile.mkdtemp(prefix="bootgate-ssh-", dir=_directory()))
        self._said = (self._here / "said").open("ab")
        self._control = self._here / "control"
        self._children: list[subprocess.Popen[bytes]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._server = threading.Thread(target=self._serve, name=f"bootgate {url}", daemon=True)
        try:
            self._login()
        except BaseException:
            self.close()
            raise
        self._listener.bind(str(self._here / "docker.sock"))
        self._listener.listen(64)
        self._server.start()

    @property
    def address(self) -> str:
        """Where the engine is on this machine."""
        return f"unix://{self._here / 'docker.sock'}"

    @property
    def complaint(self) -> str:
        """What ssh, or the docker command there, said last; empty where nothing is wrong."""
        with contextlib.suppress(OSError):
            lines = (self._here / "said").read_text("utf-8", "replace").split("\n")
            said = [line.strip() for line in lines if line.strip()]
            return said[-1].rstrip(".") if said else ""
        return ""

    def _command(self, *options: str) -> list[str]:
        parts = urlsplit(self._url)
        port = [f"-p{parts.port}"] if parts.port else []
        user = [f"-l{parts.username}"] if parts.username else []
        options = (*port, *user, f"-oControlPath={self._control}", *options)
        return ["ssh", *_OPTIONS, *options, "--", parts.hostname or ""]

    def _login(self) -> None:
        try:
            # `cat` ends with its input: that is this process.
            master = subprocess.Popen(
                [*self._command("-oControlMaster=yes"), "cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise EngineError(
                f"{self._url} needs the command ssh, which is not installed: install OpenSSH's"
                " client."
            ) from error
        self._children.append(master)
        until = time.monotonic() + _LOGIN
        while not self._control.exists():
            if master.poll() is not None or time.monotonic() > until:
                raise EngineError(
                    f"{self._url} cannot be reached: {self.complaint or 'ssh does not answer'}."
                    f" `docker -H {self._url} version` must work without a question; see"
                    " ~/.ssh/config, ssh-add and known_hosts."
                )
            time.sleep(_LOOK)

    def _serve(self) -> None:
        command = [*self._command("-oControlMaster=no"), "docker system dial-stdio"]
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            self._children = [one for one in self._children if one.poll() is None]
            with connection, contextlib.suppress(OSError):
                self._children.append(
                    subprocess.Popen(
                        command,
                        stdin=connection.fileno(),
                        stdout=connection.fileno(),
                        stderr=self._said,
                        start_new_session=True,
                    )
                )

    def close(self) -> None:
        """Log out. Connections end."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        if self._server.ident is not None:
            self._server.join()  # it may be starting a child
        self._listener.close()
        for child in reversed(self._children):  # the login last
            if child.stdin is not None:
                child.stdin.close()
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._said.close()
        shutil.rmtree(self._here, ignore_errors=True)


def _directory() -> str:
    here = tempfile.gettempdir()
    return here if len(f"{here}/bootgate-ssh-01234567") < _LONGEST else "/tmp"  # noqa: S108


def _clean_up(directory: Path) -> None:
    """Remove the sockets of processes that were killed: nobody listens there any more."""
    for place in directory.glob("bootgate-ssh-*/docker.sock"):
        with socket.socket(socket.AF_UNIX) as door, contextlib.suppress(OSError):
            door.settimeout(1.0)
            try:
                door.connect(str(place))
            except ConnectionRefusedError:
                shutil.rmtree(place.parent, ignore_errors=True)
