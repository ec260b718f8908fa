"""When a session ends, and why. Plain numbers in, a :class:`Lifetime` out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Because = Literal["inactivity", "max_length"]

#: Seconds that we report less than the truth, so that a click in the last moment still counts.
GRACE_SECONDS = 5

#: WorkOS ends an impersonated session after 60 minutes (seconds).
IMPERSONATION_MAX_LENGTH = 3600


def extendable_part(inactivity_timeout: int) -> int:
    """How many of the seconds that we report before an end by inactivity are in the second half
    of the timeout. There an active request refreshes, whatever its token's age (see
    :func:`~flask_workos_sessions.refresh.due.refresh_due`), and so extending moves the end.

    Sooner it may not: within a minute of the last refresh none is made (security R4). So nobody
    is asked to extend before. A second is for rounding: what we report is in whole ones.
    """
    return inactivity_timeout // 2 - GRACE_SECONDS - 1


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What remains of a session at one moment.

    ``expires_in`` is in whole seconds, never negative and five less than the truth. It is ``None``
    when nobody is signed in, or when neither clock is known. ``because`` is the clock that ends the
    session, ``idle_in`` and ``max_in`` are the same seconds by either clock, and ``expiring`` is
    true from the moment at which people are warned (``WORKOS_UI_WARN``).
    """

    expires_in: int | None = None
    because: Because | None = None
    idle_in: int | None = None
    max_in: int | None = None
    expiring: bool = False

    @property
    def extendable(self) -> bool:
        """Whether a refresh would move the end: true when inactivity is what ends the session."""
        return self.because == "inactivity"


@dataclass(frozen=True, slots=True)
class Ends:
    """When a session ends by either clock (seconds since the epoch); ``None`` if unknown."""

    inactivity: float | None = None
    max_length: float | None = None

    @classmethod
    def of(
        cls,
        *,
        signed_in_at: float,
        refreshed_at: float,
        inactivity_timeout: int | None,
        max_length: int | None,
        expires_at: float | None,
        impersonated: bool,
    ) -> Ends:
        """Work out both ends of a session.

        Only a refresh counts as activity at WorkOS, so inactivity is counted from the token's
        ``iat``. The maximum comes from the setting, else from what WorkOS said at sign-in, and
        an impersonated session never lasts longer than 60 minutes.
        """
        end = signed_in_at + max_length if max_length is not None else expires_at
        if impersonated:
            impersonation_end = signed_in_at + IMPERSONATION_MAX_LENGTH
            end = impersonation_end if end is None else min(end, impersonation_end)
        idle = refreshed_at + inactivity_timeout if inactivity_timeout is not None else None
        return cls(inactivity=idle, max_length=end)

    @property
    def nearest(self) -> tuple[float, Because] | None:
        """The moment at which the session ends, and why; ``None`` when no clock is known."""
        if self.max_length is None:
            return None if self.inactivity is None else (self.inactivity, "inactivity")
        if self.inactivity is None or self.max_length <= self.inactivity:
            return self.max_length, "max_length"
        return self.inactivity, "inactivity"

    def over(self, now: float) -> Because | None:
        """Why the session is over at ``now``, or ``None`` while it lasts."""
        nearest = self.nearest
        return nearest[1] if nearest is not None and now >= nearest[0] else None

    def at(self, now: float, *, warn: int = 120) -> Lifetime:
        """What remains at ``now``; ``expiring`` when that is ``warn`` seconds or less."""
        nearest = self.nearest
        if nearest is None:
            return Lifetime()
        expires_in = _remaining(nearest[0], now)
        return Lifetime(
            expires_in=expires_in,
            because=nearest[1],
            idle_in=None if self.inactivity is None else _remaining(self.inactivity, now),
            max_in=None if self.max_length is None else _remaining(self.max_length, now),
            expiring=expires_in <= warn,
        )


def _remaining(end: float, now: float) -> int:
    return max(0, int(end - now - GRACE_SECONDS))
