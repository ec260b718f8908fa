"""WorkOS's clock, as far as its answers tell of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from time import monotonic as steady_clock

#: Seconds from a ``Date`` to the last moment that it can mean.
_WITHIN = 0.999
#: Seconds between the least and the most that are good enough: an answer within one of them.
_EXACT = 2.0
#: Seconds by which our clock has been set, when it is no slow correction.
_STEP = 1.0


class WorkOSTime:
    """What time it is at WorkOS (epoch seconds): there tokens and events get their moments.

    Every answer has a ``Date`` in whole seconds (RFC 9110, section 6.6.1). It was written between
    our call and our receipt: so it tells by how much the clocks differ at least and at most, and
    several answers tell it more exactly. The machine's steady clock tells whether ours was set
    since the last one.
    """

    def __init__(
        self, clock: Callable[[], float], monotonic: Callable[[], float] = steady_clock
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        #: The last answer, by both of our clocks.
        self._told_at = (0.0, 0.0)
        #: By how many seconds WorkOS's clock is ahead of ours: more than, and less than.
        self._ahead: tuple[float, float] | None = None

    @property
    def known(self) -> bool:
        """Whether an answer has told it that was not long on its way, and our clock runs on as
        before."""
        return (
            self._ahead is not None
            and self._ahead[1] - self._ahead[0] <= _EXACT
            and abs(self._set_by()) <= _STEP
        )

    def asked(self) -> float:
        """When a call is made, for :meth:`told`."""
        return self._clock()

    def told(self, headers: Mapping[str, str], asked: float) -> None:
        """Take note of an answer, unless a cache may have kept it."""
        try:
            date = parsedate_to_datetime(headers.get("Date", "")).timestamp()
        except (TypeError, ValueError, OverflowError):
            return
        if "Age" in headers:
            return
        received = self._clock()
        least, most = date - received, date + _WITHIN - asked
        if self._ahead is not None and abs(self._set_by()) <= _STEP:
            narrower = max(least, self._ahead[0]), min(most, self._ahead[1])
            if narrower[0] <= narrower[1]:
                least, most = narrower
            # Otherwise one of the clocks was set since.
        if least <= most:
            self._ahead, self._told_at = (least, most), (received, self._monotonic())

    @property
    def latest(self) -> float | None:
        """The latest time that it can be there: one answer tells it to a second and the time that
        it took, several more exactly. ``None`` before the first. That our clock was put back since
        does not put this back."""
        if self._ahead is None:
            return None
        return self._clock() + self._ahead[1] + max(0.0, -self._set_by())

    def _set_by(self) -> float:
        """By how many seconds our clock was set since the last answer, or stood still beside it."""
        wall, steady = self._told_at
        return (self._clock() - wall) - (self._monotonic() - steady)
