"""Times taken side by side: every round runs each case once, in random order.

It is CPU time, of all threads, so that other processes count as little as can be. A machine that
slows down for a moment slows all cases of that round; medians over many rounds then compare what
was asked, not when it ran.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping

Case = Callable[[int], None]


def medians(cases: Mapping[str, Case], *, rounds: int, number: int) -> dict[str, float]:
    """The median time of one run of each case, in microseconds.

    A case is called with the number of runs that it has to make.
    """
    order = list(cases)
    shuffled = random.Random(1)
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for case in cases.values():
        case(number)
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            shuffled.shuffle(order)
            for name in order:
                began = time.process_time()
                cases[name](number)
                taken[name].append((time.process_time() - began) / number)
            gc.collect()
    finally:
        gc.enable()
    return {name: statistics.median(times) * 1e6 for name, times in taken.items()}


def repeated(run: Callable[[], object]) -> Case:
    """A case that does the same thing again and again."""

    def case(number: int) -> None:
        for _ in range(number):
            run()

    return case


class Limits:
    """The figures that have a limit, and whether they keep to it."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def at_most(self, what: str, figure: float, limit: float, unit: str = "") -> None:
        """Print a figure beside its limit."""
        kept = figure <= limit
        verdict = "ok" if kept else "BROKEN"
        print(f"  {what:<58} {figure:8.2f}{unit}  at most {limit:g}{unit}  {verdict}")
        if not kept:
            self.broken.append(what)


def line(what: str, figure: float, unit: str) -> None:
    """Print a figure that has no limit."""
    print(f"  {what:<58} {figure:8.1f} {unit}")
