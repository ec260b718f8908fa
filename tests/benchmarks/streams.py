"""What open streams cost ordinary requests: the same two servers as in the tests, side by side."""

from __future__ import annotations

import importlib.util
import secrets
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from measuring import Limits
from redis_server import RedisServer

from flask_workos_sessions.local import LocalWorkOS

_FAULTS = Path(__file__).parents[1] / "faults"


def run(limits: Limits) -> None:
    print("Ordinary requests beside open streams, p95 with streams : without")
    faults, streams = _module("conftest"), _module("test_streams")
    redis = RedisServer.start()
    with tempfile.TemporaryDirectory() as folder:
        kinds: dict[str, dict[str, Any]] = {
            "sqlite": {"WORKOS_CACHE_TYPE": "sqlite", "WORKOS_CACHE_DIR": f"{folder}/state"}
        }
        if redis is not None:
            kinds["redis"] = {"WORKOS_CACHE_REDIS_URL": redis.url}
        for kind, config in kinds.items():
            for what, measure in (
                ("500 streams, gevent", streams.under_gevent),
                ("4 streams and a fifth, 16 threads", streams.under_gthread),
            ):
                ratio = _measure(faults, measure, kind, config, Path(folder, "clock"))
                limits.at_most(f"{kind}: {what}", ratio, streams.MOST, "x")
    if redis is None:
        limits.broken.append("streams with Redis: redis-server is not installed")
    else:
        redis.stop()


def _measure(
    faults: ModuleType, measure: Any, kind: str, config: dict[str, Any], clock: Path
) -> float:
    times = faults.Times(clock)
    origin = f"{faults.ORIGIN}/auth/callback"
    with LocalWorkOS(clock=times.workos, max_length=86_400, redirect_uris=[origin]) as workos:
        config = {**config, "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32)}
        world = faults.World(times, workos, kind, config, None, [])
        try:
            return float(measure(world))
        finally:
            for fleet in world.fleets:
                fleet.stop()


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"faults_{name}", _FAULTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
