"""Shared state in a SQLite file: a backend of Flask-Caching, for the processes of one host."""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask_caching.backends.base import BaseCache

from .breaker import StoreUnusable
from .private_directory import private_file

FILE_NAME = "state.sqlite3"
#: Seconds that a writer waits for another one.
BUSY_SECONDS = 0.5
#: Every so many writes of a process, so many entries at most that have run out are removed: more
#: than were written since, so that the file stays bounded and no write takes long.
SWEEP_EVERY = 32
SWEEP_MOST = 256
#: Connections that a process keeps open without using them.
IDLE = 8

_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, until REAL NOT NULL, value BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_until ON entries (until);
"""
_GET = "SELECT value FROM entries WHERE key = ? AND until > ?"
_GET_MANY = "SELECT key, value FROM entries WHERE until > ? AND key IN (%s)"
_SET = "INSERT OR REPLACE INTO entries (key, until, value) VALUES (?, ?, ?)"
# One statement, and so atomic among processes: an entry that has run out is no obstacle.
_ADD = """
INSERT INTO entries (key, until, value) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET until = excluded.until, value = excluded.value
WHERE entries.until <= ?
"""
_REPLACE = "UPDATE entries SET until = ?, value = ? WHERE key = ? AND until > ?"
_DELETE = "DELETE FROM entries WHERE key = ?"
_REMOVE = "DELETE FROM entries WHERE key = ? AND value = ?"
_SWEEP = "DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE until <= ? LIMIT ?)"

#: Connections of the process from which this one was forked: not to be used, and not to be closed
#: either, for closing them would release the other process's locks.
_LEFT_BEHIND: list[_Connections] = []


class _Connections:
    """The open connections of one process to one file. Each is used by one thread at a time."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.idle: deque[sqlite3.Connection] = deque()
        # Also those in use: a fork must not lose the last reference to one, and so close it.
        self.all: set[sqlite3.Connection] = set()

    def keep(self, connection: sqlite3.Connection) -> None:
        if len(self.idle) < IDLE:
            self.idle.append(connection)
        else:
            self.close(connection)

    def close(self, connection: sqlite3.Connection) -> None:
        self.all.discard(connection)
        connection.close()

    def close_idle(self) -> None:
        if self.pid != os.getpid():
            return
        while self.idle:
            self.close(self.idle.pop())


class SQLiteBackend(BaseCache):
    """A table of bytes with the moment at which each entry ends.

    Write-ahead log, so that reading never waits for a writer. The file is private (security R6)
    and made when it is first needed: a process that only forks others opens nothing.

    :param clock: tells seconds since the epoch; the same in all processes of a host.
    """

    def __init__(self, directory: str, *, clock: Callable[[], float]) -> None:
        super().__init__()
        self._directory = Path(directory)
        self._clock = clock
        self._writes = 0
        self._inode: tuple[int, int] | None = None
        self._connections = self._fresh()

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> SQLiteBackend:
        """Made by Flask-Caching. Opens nothing."""
        return cls(kwargs["directory"], clock=kwargs["clock"])

    def get(self, key: str) -> bytes | None:
        with self._connection() as connection:
            row = connection.execute(_GET, (key, self._clock())).fetchone()
        return None if row is None else row[0]

    def get_many(self, *keys: str) -> list[bytes | None]:
        """The values of several keys, in one question."""
        marks = ", ".join("?" * len(keys))
        with self._connection() as connection:
            rows = connection.execute(_GET_MANY % marks, (self._clock(), *keys)).fetchall()
        found: dict[str, bytes] = dict(rows)
        return [found.get(key) for key in keys]

    def set(self, key: str, value: bytes, timeout: Any = None) -> bool:
        with self._connection() as connection:
            connection.execute(_SET, (key, self._until(timeout), value))
            self._sweep(connection)
        return True

    def add(self, key: str, value: bytes, timeout: Any = None) -> bool:
        with self._connection() as connection:
            values = (key, self._until(timeout), value, self._clock())
            added = connection.execute(_ADD, values).rowcount == 1
            self._sweep(connection)
        return added

    def delete(self, key: str) -> bool:
        with self._connection() as connection:
            return connection.execute(_DELETE, (key,)).rowcount == 1

    def replace(self, key: str, value: bytes, timeout: int) -> bool:
        """Keep a value in place of one that is there; whether one was."""
        with self._connection() as connection:
            values = (self._until(timeout), value, key, self._clock())
            return connection.execute(_REPLACE, values).rowcount == 1

    def remove(self, key: str, value: bytes) -> bool:
        """Delete an entry if it has this value; whether it had."""
        with self._connection() as connection:
            return connection.execute(_REMOVE, (key, value)).rowcount == 1

    def _until(self, timeout: Any) -> float:
        if not isinstance(timeout, int) or timeout < 1:
            raise ValueError("An entry needs a lifetime of at least one second.")
        return self._clock() + timeout

    def _sweep(self, connection: sqlite3.Connection) -> None:
        self._writes += 1
        if self._writes % SWEEP_EVERY == 0:
            connection.execute(_SWEEP, (self._clock(), SWEEP_MOST))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connections = self._connections
        if connections.pid != os.getpid():
            _LEFT_BEHIND.append(connections)
            connections = self._connections = self._fresh()
        self._notice_removal(connections)
        try:
            connection = connections.idle.pop()
        except IndexError:
            connection = self._open()
            connections.all.add(connection)
        try:
            yield connection
        except BaseException:
            # Whatever state it is in, the next one starts from a new one.
            connections.close(connection)
            raise
        connections.keep(connection)

    def _fresh(self) -> _Connections:
        connections = _Connections()
        weakref.finalize(self, connections.close_idle)
        return connections

    def _notice_removal(self, connections: _Connections) -> None:
        """A file that was deleted can be written to for ever, and nobody else would see it."""
        if self._inode is None:
            return
        try:
            found = os.stat(self._directory / FILE_NAME)
            there = (found.st_dev, found.st_ino) == self._inode
        except FileNotFoundError:
            there = False
        if not there:
            self._inode = None
            connections.close_idle()
            raise StoreUnusable("its file was removed or replaced; a new one will be made")

    def _open(self) -> sqlite3.Connection:
        path = private_file(self._directory, FILE_NAME)
        give_up_at = time.monotonic() + BUSY_SECONDS
        while True:
            connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                _prepare(connection)
                break
            except sqlite3.OperationalError:
                # SQLite does not wait when two processes turn a new file to the log at once.
                connection.close()
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.01)
            except BaseException:
                connection.close()
                raise
        found = os.stat(path)
        self._inode = (found.st_dev, found.st_ino)
        return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # An entry may be lost with the machine, not with a process; the file stays whole.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(_TABLES)
