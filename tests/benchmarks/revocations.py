"""Ten thousand sessions and people ended: what it costs those who are signed in, and memory."""

from __future__ import annotations

import gc
import itertools
import time
import tracemalloc
from collections.abc import Callable

from measuring import Limits, medians, repeated
from redis_server import RedisServer
from sample import Sample, environ, get

REVOCATIONS = 10_000


def run(limits: Limits) -> None:
    print(f"{REVOCATIONS:,} sessions ended by name, and as many people by a cut-off")
    redis = RedisServer.start()
    kinds = ["memory", "sqlite", "redis"]
    if redis is None:
        print("  redis-server is not installed: not measured (make test installs it)")
        limits.broken.append("the same with Redis")
        kinds.remove("redis")
    for name in kinds:
        url = redis.url if redis is not None and name == "redis" else None
        quiet, told, hearing = (Sample(cache_type=name, redis_url=url) for _ in range(3))
        tracemalloc.start()
        before = _held()
        _end(told)
        held = _held() - before
        tracemalloc.stop()
        cases = {
            "quiet": repeated(_asking(quiet)),
            "told": repeated(_asking(told)),
            "hearing": repeated(_hearing(hearing)),
        }
        times = medians(cases, rounds=40, number=100)
        limits.at_most(f"held by it, {name}", held / 2**20, 24, " MiB")
        limits.at_most(
            f"a guarded view, beside one where nothing ended, {name}",
            times["told"] / times["quiet"],
            1.1,
        )
        limits.at_most(
            f"with news about others before each tenth request, {name}",
            times["hearing"] / times["quiet"],
            1.1,
        )
    if redis is not None:
        redis.stop()


def _asking(sample: Sample) -> Callable[[], object]:
    return get(sample.app, itertools.repeat(environ(sample.cookies(1)[0])))


def _hearing(sample: Sample) -> Callable[[], object]:
    """The same, while other people's sessions end."""
    ask, numbers = _asking(sample), itertools.count()

    def run() -> None:
        number = next(numbers)
        if number % 10 == 0:
            sample.parts.endings.doubt([f"ended:{number}"])
        ask()

    return run


def _end(sample: Sample) -> None:
    parts, now = sample.parts, time.time()
    for number in range(REVOCATIONS):
        parts.endings.end(f"session_{number}", "revoked", until=now + 3600)
        parts.cut_offs.end("person", f"user_{number}", "revoked", at=now)


def _held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
