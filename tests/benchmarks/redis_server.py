"""A Redis server for one measurement."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RedisServer:
    """A server on a socket of its own, that keeps nothing on the disk."""

    process: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str]

    @classmethod
    def start(cls) -> RedisServer | None:
        """Start one; ``None`` when Redis is not installed."""
        program = shutil.which("redis-server")
        if program is None:
            return None
        folder = tempfile.TemporaryDirectory(prefix="redis-")
        place = ["--port", "0", "--unixsocket", str(Path(folder.name, "socket"))]
        command = [program, *place, "--save", "", "--dir", folder.name]
        server = cls(subprocess.Popen(command, stdout=subprocess.DEVNULL), folder)
        server.wait()
        return server

    @property
    def url(self) -> str:
        return f"unix://{self.folder.name}/socket"

    def wait(self) -> None:
        """Until it answers."""
        for _ in range(500):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(f"{self.folder.name}/socket") == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError("redis-server does not answer")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.folder.cleanup()
