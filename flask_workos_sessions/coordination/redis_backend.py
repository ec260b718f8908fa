"""Shared state in Redis: a backend of Flask-Caching, for several hosts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_caching.backends.base import BaseCache

if TYPE_CHECKING:
    from redis import Redis

#: Seconds for a connection, and for an answer: together what a dead Redis may cost one request.
CONNECT_SECONDS = 0.25
ANSWER_SECONDS = 0.25

# One step in Redis: between looking and deleting, another process could take the key.
_REMOVE = """
if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0
"""


class RedisBackend(BaseCache):
    """Bytes in, bytes out: nothing is pickled (security R5), and every entry has a lifetime.

    ``add`` is one command, ``SET NX PX``: what Flask-Caching's own backend does in two can leave
    an entry that never ends. A child process connects anew after a fork.

    :param url: ``redis://``, ``rediss://`` or ``unix://``. Its options count, but for time-outs,
        retries and encoding.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self._client: tuple[int, Redis] | None = None

    @classmethod
    def factory(
        cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
    ) -> RedisBackend:
        """Made by Flask-Caching. Connects to nothing."""
        # Now, and not while a request waits: the extra need not be installed for the other stores.
        import redis  # noqa: F401

        return cls(kwargs["url"])

    def get(self, key: str) -> bytes | None:
        value: Any = self._redis().get(key)
        return value if isinstance(value, bytes) else None

    def get_many(self, *keys: str) -> list[bytes | None]:
        """The values of several keys, in one question."""
        values: Any = self._redis().mget(keys)
        return [value if isinstance(value, bytes) else None for value in values]

    def set(self, key: str, value: bytes, timeout: Any = None) -> bool:
        return bool(self._redis().set(key, value, px=_milliseconds(timeout)))

    def add(self, key: str, value: bytes, timeout: Any = None) -> bool:
        return bool(self._redis().set(key, value, px=_milliseconds(timeout), nx=True))

    def delete(self, key: str) -> bool:
        return bool(self._redis().delete(key))

    def replace(self, key: str, value: bytes, timeout: int) -> bool:
        """Keep a value in place of one that is there; whether one was."""
        return bool(self._redis().set(key, value, px=_milliseconds(timeout), xx=True))

    def remove(self, key: str, value: bytes) -> bool:
        """Delete an entry if it has this value; whether it had."""
        return bool(self._redis().eval(_REMOVE, 1, key, value))

    def publish(self, channel: str, message: str) -> int:
        """Send a message; how many receive it."""
        return int(self._redis().publish(channel, message))

    def close(self) -> None:
        """Close its connections. The next call opens new ones."""
        held, self._client = self._client, None
        if held is not None and held[0] == os.getpid():
            held[1].close()
            held[1].connection_pool.disconnect()

    def _redis(self) -> Redis:
        held, pid = self._client, os.getpid()
        if held is None or held[0] != pid:
            held = self._client = (pid, connect(self.url))
        return held[1]


def connect(url: str) -> Redis:
    """A client with connections of its own."""
    from redis import ConnectionPool, Redis
    from redis.backoff import NoBackoff
    from redis.connection import parse_url
    from redis.retry import Retry

    options = {
        **parse_url(url),  # type: ignore[no-untyped-call]
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "decode_responses": False,
        "protocol": 2,
    }
    return Redis(connection_pool=ConnectionPool(**options))


def _milliseconds(timeout: Any) -> int:
    if not isinstance(timeout, int) or timeout < 1:
        raise ValueError("An entry needs a lifetime of at least one second.")
    return timeout * 1000
