"""What became of a refresh token: the sealed session that replaced it, or that it is dead."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..coordination.shared_state import SharedState
from ..sealing.seal import Sealer

#: A record lives twelve hours at most (seconds); a browser that comes later signs in again.
MAX_RECORD_SECONDS = 12 * 3600
#: Once a browser has shown the successor, its requests still in flight need it this long.
SEEN_SECONDS = 60
#: That it was shown is remembered for longer, so that a late use of the old token is noticed.
REPLAY_SECONDS = 15 * 60
#: A refused token is remembered so that it is not sent again, and so that a page that asks hears
#: of it, also one that was taken away and waits for its person (seconds).
DEAD_SECONDS = 15 * 60


class Rotations:
    """Rotation records, under a keyed hash of the old refresh token (security R2, R6).

    The value is the successor as its store sealed it: in cookie mode the very bytes that every
    response must carry. It is sealed once more so that only who has the old token can open it.
    ``digests(purpose, value)`` hashes under every password, the one in use first: a record is
    stored under all of them, and found under any while a password is changed.
    """

    def __init__(
        self,
        state: SharedState,
        digests: Callable[[str, str], Sequence[str]],
        sealer: Sealer,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._digests = digests
        self._sealer = sealer
        self._clock = clock

    def digest(self, refresh_token: str) -> str:
        """The name of a refresh token in records and in the session that follows it."""
        return self._digests("rotation", refresh_token)[0]

    def successor(self, refresh_token: str) -> str | None:
        """The sealed session that replaced the token, if that is known."""
        return self.look(refresh_token)[0]

    def look(self, refresh_token: str) -> tuple[str | None, bool]:
        """The same, and whether it was looked for where every process records it."""
        given, sealed = self._state.ask("rotated:" + self.digest(refresh_token))
        if sealed is None:
            return None, given
        value = self._sealer.open(
            sealed.decode("latin-1"), name="successor", also=refresh_token.encode()
        )
        return (None if value is None else value.decode()), given

    def record(self, refresh_token: str, value: str, *, until: float) -> None:
        """Keep the successor up to ``until`` (epoch seconds), twelve hours at most."""
        seconds = max(1, min(MAX_RECORD_SECONDS, math.ceil(until - self._clock())))
        sealed = self._sealer.seal(value.encode(), name="successor", also=refresh_token.encode())
        for digest in self._digests("rotation", refresh_token):
            self._state.set("rotated:" + digest, sealed.encode(), seconds)

    def seen(self, digest: str) -> None:
        """A browser has the successor: the record is needed for a minute more, no longer."""
        value = self._state.get("rotated:" + digest)
        if value is not None and self._state.add("seen:" + digest, b"1", REPLAY_SECONDS):
            self._state.set("rotated:" + digest, value, SEEN_SECONDS)

    def replayed(self, digest: str) -> bool:
        """Whether a browser has shown the successor of this token and a minute has passed: then
        nobody honest still has only this one (security R2)."""
        return (
            self._state.get("seen:" + digest) is not None
            and self._state.get("rotated:" + digest) is None
        )

    def exchanged(self, digest: str) -> bool:
        """Whether there is a successor of this token, or was one that a browser has shown."""
        return (
            self._state.get("rotated:" + digest) is not None
            or self._state.get("seen:" + digest) is not None
        )

    def bury(self, digest: str) -> None:
        """WorkOS refused the token for good."""
        self._state.set("dead:" + digest, b"1", DEAD_SECONDS)

    def dead(self, digest: str) -> bool:
        """Whether WorkOS refused this token a moment ago."""
        return self._state.get("dead:" + digest) is not None
