"""The Redis server: whether it can be reached, and keeps what it is given."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..coordination.redis_backend import RedisBackend, connect
from ..validators import is_loopback
from .finding import Finding, fault, ok, warning

if TYPE_CHECKING:
    from redis import Redis

_URL = "WORKOS_CACHE_REDIS_URL"


def examine_redis(url: str, *, offline: bool) -> list[Finding]:
    """All that can be seen of it."""
    told = protection(url)
    if offline:
        return told
    try:
        client = connect(url)
        try:
            return [*told, *round_trip(url), *eviction(client), *persistence(client)]
        finally:
            client.close()
            client.connection_pool.disconnect()
    except Exception as error:
        # Whatever it is; its text may hold the address, and the password in it.
        return [
            *told,
            fault(
                "redis",
                f"Redis cannot be used ({type(error).__name__}).",
                _URL,
                "See that it runs, that this host reaches it within 0.25 seconds, and that user "
                "and password are right.",
            ),
        ]


def protection(url: str) -> list[Finding]:
    """What goes over the network in the clear, and who may come in."""
    parts = urlsplit(url)
    if parts.scheme == "unix" or is_loopback(parts.hostname or ""):
        return []
    told = []
    if parts.scheme == "redis":
        told.append(
            warning(
                "redis-tls",
                "Redis is on another host and is reached without TLS: who listens can delete what "
                "says that somebody was signed out.",
                _URL,
                "Use rediss://.",
            )
        )
    if not parts.password and "password=" not in parts.query:
        what = "Redis is on another host, and has no password."
        told.append(warning("redis-password", what, _URL, "Give it one."))
    return told


def round_trip(url: str) -> list[Finding]:
    """Write an entry, and take it away again, as the app does."""
    backend = RedisBackend(url)
    key, value = f"workos-sessions:doctor:{secrets.token_hex(8)}", secrets.token_bytes(8)
    try:
        done = backend.add(key, value, 10) and backend.remove(key, value)
    finally:
        backend.close()
    if not done:
        return [
            fault("redis", "Redis did not keep an entry.", _URL, "See whether it is a replica.")
        ]
    return [ok("redis", "The shared state can be written and read (Redis).", _URL)]


def eviction(client: Redis) -> list[Finding]:
    """Security R7: an entry that is thrown out is a sign-out that is forgotten."""
    policy = _told(client, "memory").get("maxmemory_policy")
    if policy is None:
        return [
            ok(
                "redis-eviction",
                "Redis does not tell its maxmemory-policy: it should be noeviction.",
                _URL,
            )
        ]
    if policy == "noeviction":
        return [ok("redis-eviction", "maxmemory-policy is noeviction.", _URL)]
    return [
        warning(
            "redis-eviction",
            f"Redis's maxmemory-policy is {policy}: it may throw out who was signed out.",
            _URL,
            "Set maxmemory-policy noeviction.",
        )
    ]


def persistence(client: Redis) -> list[Finding]:
    """Whether a restart forgets."""
    appends = _told(client, "persistence").get("aof_enabled")
    saves: Any = None
    with suppress(Exception):  # managed servers do not let one look
        saves = client.config_get("save").get("save")
    if appends is None or (not appends and saves is None):
        return [
            ok(
                "redis-persistence",
                "Redis does not tell whether it persists: appendonly yes is best.",
                _URL,
            )
        ]
    if appends or saves:
        return [ok("redis-persistence", "Redis persists what it has.", _URL)]
    return [
        warning(
            "redis-persistence",
            "Redis keeps nothing on the disk: a restart forgets who was signed out.",
            _URL,
            "Set appendonly yes.",
        )
    ]


def _told(client: Redis, part: str) -> dict[str, Any]:
    found: Any = {}
    with suppress(Exception):
        found = client.info(part)
    return found if isinstance(found, dict) else {}
