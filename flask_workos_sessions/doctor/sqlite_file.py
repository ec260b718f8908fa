"""The directory of the SQLite file."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from pathlib import Path

from ..coordination.breaker import StoreUnusable
from ..coordination.sqlite_backend import SQLiteBackend
from .finding import Finding, fault, ok

_DIR = "WORKOS_CACHE_DIR"
_MOUNTS = Path("/proc/self/mountinfo")
#: File systems on which several hosts write, and SQLite's log does not work.
_NETWORK = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "glusterfs"),
    *("fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone"),
}
_PRIVATE = "Give it to the user that serves the app, with mode 0700, or name a new one."


def examine_directory(directory: Path) -> list[Finding]:
    """Whether the app can share state there."""
    told = network_disk(directory)
    try:
        os.lstat(directory)
    except FileNotFoundError:
        return [*told, *can_be_made(directory)]
    except OSError as error:
        return [*told, _unusable(type(error).__name__)]
    return [*told, *usable(directory)]


def can_be_made(directory: Path) -> list[Finding]:
    """A directory that is not there yet is left to the app: it makes it as its own user."""
    above = directory.parent
    while not os.path.lexists(above):
        above = above.parent
    if os.access(above, os.W_OK | os.X_OK):
        return [ok("directory", "The directory of the shared state will be made by the app.", _DIR)]
    return [_unusable("its directory is not there, and cannot be made by this user")]


def usable(directory: Path) -> list[Finding]:
    """Write an entry, and take it away again. The store looks first whether the directory is
    private, and makes nothing in one that is not (security R6)."""
    store = SQLiteBackend(str(directory), clock=time.time)
    key, value = f"doctor:{secrets.token_hex(8)}", secrets.token_bytes(8)
    try:
        done = store.add(key, value, 10) and store.remove(key, value)
    except StoreUnusable as unusable:
        return [_unusable(str(unusable))]
    except (OSError, sqlite3.Error) as error:
        return [_unusable(type(error).__name__)]
    if not done:
        return [_unusable("an entry that was written is not there")]
    return [
        ok("directory", "The shared state can be written and read (SQLite, for one host).", _DIR)
    ]


def network_disk(directory: Path, mounts: str | None = None) -> list[Finding]:
    """A disk of several hosts, where the system tells of it."""
    kind = file_system(directory, _read_mounts() if mounts is None else mounts)
    if kind not in _NETWORK:
        return []
    return [
        fault(
            "network-disk",
            f"The directory of the shared state is on a network disk ({kind}), where SQLite loses "
            "entries.",
            _DIR,
            "Name a directory on a local disk, or use Redis.",
        )
    ]


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that a path is on, by ``mountinfo`` (proc(5))."""
    real, longest, kind = os.path.realpath(path), "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        words, described = before.split(), after.split()
        if len(words) < 5 or not described:
            continue
        point = words[4].replace("\\040", " ")
        within = real == point or real.startswith(point.rstrip("/") + "/")
        if within and len(point) >= len(longest):
            longest, kind = point, described[0]
    return kind


def _read_mounts() -> str:
    try:
        return _MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # another system, which tells it in another way


def _unusable(why: str) -> Finding:
    what = f"The shared state cannot be used: {why}."
    return fault("directory", what, _DIR, _PRIVATE)
