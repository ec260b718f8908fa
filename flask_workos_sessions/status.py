"""What the page may know about its session: the status answer, and the timing header."""

from __future__ import annotations

from typing import Any

from . import fingerprints
from .coordination.watch import Change
from .memo import Known
from .opened import Opening
from .parts import Parts
from .session import Session


def status_of(parts: Parts, known: Known) -> dict[str, Any]:
    """The status of a live session, as ``/auth/session`` answers it. Times are in seconds."""
    session = known.session
    lifetime = session.lifetime
    if known.hashes is None:
        # A page asks every half minute, and they never change.
        known.hashes = _hashes(parts, session)
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
        **known.hashes,
        "changed": known.watch.change >= Change.TOLD,
    }


def _hashes(parts: Parts, session: Session) -> dict[str, str]:
    return {
        "sub": fingerprints.of_name(parts.keys, "subject", session.user.id or ""),
        "sid": fingerprints.of_name(parts.keys, "session", session.id or ""),
        "access": access(parts, session),
    }


def access(parts: Parts, session: Session) -> str:
    """A hash of who somebody is and what they may do. Unlike ``rev`` it is equal for two sessions
    of the same person with the same rights: a page may then go on in the later one."""
    impersonator = session.impersonator.email if session.impersonator else ""
    one = (session.user.id or "", impersonator, session.organization_id or "", session.role or "")
    rights = (session.roles, session.permissions, session.entitlements, session.feature_flags)
    return fingerprints.of_rights(parts.keys, "access", one, rights)


def channel_name(parts: Parts) -> str:
    """What the channel between an app's tabs is called: two apps on one host have two."""
    settings = parts.settings
    name = settings.session_cookie + settings.client_id
    return fingerprints.of_name(parts.keys, "channel", name)


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
