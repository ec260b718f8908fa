"""Ten thousand sessions and people ended: what it costs those who are signed in, and memory."""

from __future__ import annotations

import gc
import itertools
import time
import tracemalloc

from measuring import Limits, medians, repeated
from redis_server import RedisServer
from sample import Sample, environ, get

REVOCATIONS = 10_000


def run(limits: Limits) -> None:
    print(f"{REVOCATIONS:,} sessions ended by name, and as many people by a cut-off")
    redis = RedisServer.start()
    for name, url in (("memory", None), ("redis", redis.url if redis else None)):
        if name == "redis" and url is None:
            print("  redis-server is not installed: not measured (make test installs it)")
            limits.broken.append("the same with Redis")
            continue
        quiet, told = Sample(redis_url=url), Sample(redis_url=url)
        tracemalloc.start()
        before = _held()
        _end(told)
        held = _held() - before
        tracemalloc.stop()
        cases = {
            which: repeated(get(sample.app, itertools.repeat(environ(sample.cookies(1)[0]))))
            for which, sample in (("quiet", quiet), ("told", told))
        }
        times = medians(cases, rounds=40, number=100)
        limits.at_most(f"held by it, {name}", held / 2**20, 24, " MiB")
        limits.at_most(
            f"a guarded view, beside one where nothing ended, {name}",
            times["told"] / times["quiet"],
            1.1,
        )
    if redis is not None:
        redis.stop()


def _end(sample: Sample) -> None:
    parts, now = sample.parts, time.time()
    for number in range(REVOCATIONS):
        parts.endings.end(f"session_{number}", "revoked", until=now + 3600)
        parts.cut_offs.end("person", f"user_{number}", "revoked", at=now)


def _held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
