"""A directory that only this user can read, for what must not be read by others."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from .breaker import StoreUnusable

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_file(directory: Path, name: str) -> Path:
    """Make a file, and the directory, unless they are there: 0600 and 0700 (security R6).

    :raises StoreUnusable: when one of them is a link, another user's, or open to others.
    :raises OSError: when it cannot be made.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    _check(os.lstat(directory), stat.S_ISDIR, "its directory")
    # Neither a repository nor a backup that follows it takes these files along.
    _create(directory / ".gitignore", b"*\n")
    path = directory / name
    _create(path)
    _check(os.lstat(path), stat.S_ISREG, "its file")
    return path


def _create(path: Path, content: bytes = b"") -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    try:
        opened = os.open(path, flags, 0o600)
    except FileExistsError:
        return
    try:
        os.write(opened, content)
    finally:
        os.close(opened)


def _check(found: os.stat_result, is_kind: Callable[[int], bool], what: str) -> None:
    if not is_kind(found.st_mode):
        raise StoreUnusable(f"{what} is a link or something else")
    if os.name == "nt":
        return  # owner and mode say nothing there
    if found.st_uid != os.geteuid():
        raise StoreUnusable(f"{what} belongs to another user")
    if found.st_mode & _OTHERS:
        raise StoreUnusable(f"{what} is open to other users: its mode must be 0700 or 0600")
