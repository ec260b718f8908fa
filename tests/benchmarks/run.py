"""Measures speed, sizes and memory, and fails when a limit is broken: ``make bench``.

Names of single measurements may follow: ``make bench ARGS="cookie_size"``.
"""

from __future__ import annotations

import importlib
import os
import sys

from measuring import Limits

ALL = (
    "guarded_view",
    "first_sight",
    "cookie_size",
    "memory",
    "revocations",
    "status_answer",
    "page",
    "waiting",
    "streams",
)


def main(names: list[str]) -> int:
    for name in [name for name in os.environ if name.startswith("WORKOS_")]:
        del os.environ[name]
    limits = Limits()
    for name in names or ALL:
        importlib.import_module(name).run(limits)
        print()
    for figure in limits.broken:
        print(f"Limit broken: {figure}")
    return 1 if limits.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
