"""What the page may know about its session: the status answer, and the timing header."""

from __future__ import annotations

from typing import Any

from .opened import Opening
from .parts import Parts
from .session import Session


def status_of(parts: Parts, session: Session) -> dict[str, Any]:
    """The status of a live session, as ``/auth/session`` answers it. Times are in seconds."""
    lifetime = session.lifetime
    return {
        "v": 1,
        "state": "active",
        "expires_in": lifetime.expires_in,
        "because": lifetime.because,
        "extendable": lifetime.extendable,
        "idle_in": lifetime.idle_in,
        "max_in": lifetime.max_in,
        "ver": version(parts),
        "rev": session.rev,
        "sub": parts.keys.digest("subject", session.user.id or "")[:16],
        "changed": False,
    }


def ended_status(opening: Opening, login_url: str) -> dict[str, Any]:
    """The status when there is no session any more, or none yet (``reason`` is then ``None``)."""
    return {"v": 1, "state": "ended", "reason": opening.ended, "login_url": login_url}


def version(parts: Parts) -> int:
    """A number that orders answers: milliseconds of this server's clock."""
    return int(parts.clock() * 1000)


def server_timing(session: Session, now: float) -> str:
    """The remaining seconds for scripts that see responses go by: maximum, inactivity, whether it
    can be extended, the version, the revision. ``-`` stands for unknown. No id (security P5)."""
    lifetime = session.ends.at(now)
    most = "-" if lifetime.max_in is None else lifetime.max_in
    idle = "-" if lifetime.idle_in is None else lifetime.idle_in
    extendable = 1 if lifetime.extendable else 0
    return f'workos;desc="{most}.{idle}.{extendable}.{int(now * 1000)}.{session.rev}"'
