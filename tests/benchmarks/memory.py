"""Ten thousand different sessions through one process: what it remembers is bounded."""

from __future__ import annotations

import gc
import tracemalloc

from measuring import Limits, line
from sample import Sample, environ, get

SESSIONS, STEP = 10_000, 2_500


def run(limits: Limits) -> None:
    print(f"{SESSIONS:,} different sessions through one process (30 permissions, 20 flags)")
    sample = Sample()
    get(sample.app, [environ(sample.cookies(1)[0])])()
    tracemalloc.start()
    held = [_held()]
    for sent in range(STEP, SESSIONS + 1, STEP):
        for _ in range(STEP):
            get(sample.app, [environ(sample.cookies(1, permissions=30, flags=20)[0])])()
        held.append(_held())
        line(f"held after {sent:,} sessions", (held[-1] - held[0]) / 2**20, "MiB")
    tracemalloc.stop()
    limits.at_most("held in all", (held[-1] - held[0]) / 2**20, 48, " MiB")
    limits.at_most("grown in the second half", (held[-1] - held[2]) / 2**20, 1, " MiB")


def _held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
