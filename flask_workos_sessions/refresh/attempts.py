"""How often a refresh token was sent in vain, and when it may be sent again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from ..coordination.shared_state import SharedState

#: Seconds for which a session with a valid token leaves WorkOS alone after a fault, at least, as
#: long as no answer can have been lost.
CALM_SECONDS = 10.0
#: After these WorkOS has not exchanged the token: it was not sent, or that is what the answer says.
#: After any other fault it may have, and repeats its answer only for thirty seconds.
NOT_EXCHANGED = frozenset({"refused", "rate_limited", "misconfigured", "unconfirmed"})
#: Seconds of the longest pause.
MAX_PAUSE = 60.0
#: Seconds after the last attempt at which the count begins again.
KEPT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Attempt:
    """``until`` is in epoch seconds. A request with a valid token may wait longer:
    up to ``calm_until``. ``lost`` is whether WorkOS may have exchanged the token already."""

    number: int
    until: float
    calm_until: float
    reason: str = ""
    lost: bool = False


class Attempts:
    """One send per request, and a growing pause between two sends of the same token.

    The pauses are 1, 2, 4, 8 … seconds: five sends within the thirty seconds in which WorkOS
    answers a used token with the same pair again, should its first answer have been lost. With a
    valid token nothing presses, and the first pauses are longer, unless an answer may be lost.
    All processes share them (security R4).
    """

    def __init__(self, state: SharedState, *, clock: Callable[[], float]) -> None:
        self._state = state
        self._clock = clock

    def last(self, digest: str) -> Attempt | None:
        """The last attempt, if there was one that did not settle the token's fate."""
        found = self._state.get("sent:" + digest)
        return None if found is None else Attempt(*json.loads(found))

    def pause(self, digest: str, *, proactive: bool) -> tuple[float, str]:
        """Seconds until this token may be sent, 0 for now; and why not."""
        last = self.last(digest)
        if last is None:
            return 0.0, ""
        left = (last.calm_until if proactive else last.until) - self._clock()
        # Longer than any pause: the clock was set back since.
        return (max(0.0, left) if left <= MAX_PAUSE else 0.0), last.reason

    def sending(self, digest: str) -> Attempt:
        """Note that the token is sent now: before, for the sender may not live to tell."""
        now = self._clock()
        last = self.last(digest) or Attempt(0, now, now)
        return self._keep(digest, Attempt(last.number + 1, now, now, lost=last.lost))

    def failed(self, digest: str, reason: str, retry_after: float | None) -> Attempt:
        """Note that the answer decided nothing; ``retry_after`` is what WorkOS asked for."""
        now = self._clock()
        last = self.last(digest) or Attempt(1, now, now)
        pause = max(min(2.0 ** min(last.number - 1, 6), MAX_PAUSE), retry_after or 0.0)
        lost = last.lost or reason not in NOT_EXCHANGED
        calm = pause if lost else max(CALM_SECONDS, pause)
        return self._keep(digest, Attempt(last.number, now + pause, now + calm, reason, lost))

    def hold(self, digest: str, reason: str, seconds: float) -> None:
        """Do not send this token for so long."""
        now = self._clock()
        self._keep(digest, Attempt(0, now + seconds, now + seconds, reason))

    def _keep(self, digest: str, attempt: Attempt) -> Attempt:
        values = [
            attempt.number,
            attempt.until,
            attempt.calm_until,
            attempt.reason,
            attempt.lost,
        ]
        self._state.set("sent:" + digest, json.dumps(values).encode(), KEPT_SECONDS)
        return attempt
