"""The store that the settings ask for, in a cache of our own beside the app's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from flask_caching import Cache

from ..settings import Settings
from .sealed_store import Store

#: Flask-Caching lays its configuration over all of the app's own ``CACHE_*``: what the app set for
#: its cache must not reach ours.
_NOT_THE_APPS: dict[str, Any] = {
    "CACHE_ARGS": [],
    "CACHE_DEFAULT_TIMEOUT": 60,
    "CACHE_ENABLE_SIGNALS": False,
    "CACHE_HASH_METHOD": hashlib.sha256,
    "CACHE_IGNORE_ERRORS": False,
    "CACHE_KEY_PREFIX": "",
    "CACHE_SERIALIZER": None,
    "CACHE_SOURCE_CHECK": False,
}
#: Below the instance path, unless ``WORKOS_CACHE_DIR`` says where.
DIRECTORY = "workos-sessions"


def open_store(app: Flask, settings: Settings, clock: Callable[[], float]) -> Store | None:
    """The store of an app, ``None`` for memory alone. Nothing is opened, and nothing connected."""
    kind = settings.cache_type_for(testing=app.testing)
    if kind == "memory":
        return None
    if kind == "redis":
        backend = "redis_backend.RedisBackend"
        options: dict[str, Any] = {"url": settings.cache_redis_url}
    else:
        backend = "sqlite_backend.SQLiteBackend"
        directory = settings.cache_dir or str(Path(app.instance_path, DIRECTORY))
        options = {"directory": directory, "clock": clock}
    config = {
        **_NOT_THE_APPS,
        "CACHE_TYPE": f"{__package__}.{backend}",
        "CACHE_OPTIONS": options,
    }
    cache = Cache(with_jinja2_ext=False, config=config)
    cache.init_app(app)
    # Through the cache object it would depend on the app at hand, and background work has none.
    store: Store = app.extensions["cache"][cache]
    return store
