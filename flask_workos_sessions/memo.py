"""What this process has verified already, so that it need not do it again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from .coordination.process_lock import ProcessLock
from .coordination.watch import Watch
from .session import Session
from .session_record import SessionRecord
from .tokens.access_token import AccessToken

#: Sessions that one process remembers; about ten kilobytes each.
CAPACITY = 2_048


@dataclass(slots=True)
class Known:
    """A session that has been opened and, while its token lasts, verified (security C4).

    Up to ``quiet_until`` (epoch seconds) nothing about it has to be decided: no clock has run out
    and no refresh is due. ``watch`` is where news about it would be recorded; ``seen`` says
    whether a browser has brought it; ``followed_at`` when its successor was last looked for;
    ``hashes`` what its page is told about who it is of, once that was worked out.
    """

    record: SessionRecord
    token: AccessToken
    session: Session
    verified: bool
    refresh_at: float
    quiet_until: float
    watch: Watch
    seen: bool = False
    followed_at: float = 0.0
    hashes: dict[str, str] | None = None

    def lives(self, now: float) -> bool:
        """Whether its token is verified and has not run out: it can be served as it is."""
        return self.verified and now < self.token.expires_at


class Memo:
    """A bounded memory of cookie values, by the SHA-256 of the whole value (security C4).

    ``None`` remembers a value that is not worth another try; it was sealed by us, and refused.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: dict[bytes, Known | None] = {}
        self._lock = ProcessLock()

    def look(self, key: bytes) -> Known | None:
        """What is known about a value, if anything."""
        return self._entries.get(key)

    def refused(self, key: bytes) -> bool:
        """Whether the value was refused before."""
        return key in self._entries and self._entries[key] is None

    def keep(self, key: bytes, known: Known | None) -> None:
        """Remember a value; the oldest one goes when there is no room."""
        with self._lock:
            self._entries.pop(key, None)
            while len(self._entries) >= self._capacity:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = known

    def __len__(self) -> int:
        return len(self._entries)


def memo_key(value: str) -> bytes:
    """The name of a cookie value in a memo."""
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).digest()
