"""What became of a request's cookie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import RETRY_AFTER
from .memo import Known
from .session import NO_SESSION, Session
from .stores.cookie import EndMark

_UNAVAILABLE = Session(unavailable=True)


@dataclass(slots=True)
class Opening:
    """The session of a request, or why there is none.

    ``known`` is there when somebody is signed in; ``held`` also when the session cannot be used
    at this moment; ``value`` is its cookie value, when the browser does not have that yet.
    ``ended`` says why there is a session no more, and ``mark`` what takes its place in the cookie;
    ``ambiguous`` that there were two; ``retry_after`` (seconds) that it cannot be confirmed just
    now; ``stale`` that a request which must not refresh would need to; ``interaction`` that the
    person has to act at WorkOS, with which options; ``closed`` why a switch of organization was
    refused; ``moved`` that the session has turned to another organization with this request.
    """

    known: Known | None = None
    session: Session = NO_SESSION
    held: Known | None = None
    value: str | None = field(default=None, repr=False)
    ambiguous: bool = False
    ended: str | None = None
    mark: EndMark | None = None
    retry_after: int | None = None
    stale: bool = False
    interaction: Mapping[str, str] | None = None
    closed: str | None = None
    moved: bool = False


def signed_in(known: Known, value: str | None = None) -> Opening:
    """Somebody is signed in."""
    return Opening(known, known.session, known, value)


def stale(known: Known, value: str | None) -> Opening:
    """The access token has run out, and this request must not refresh."""
    return Opening(stale=True, session=_UNAVAILABLE, held=known, value=value)


def unavailable(
    held: Known | None, retry_after: int = RETRY_AFTER, *, value: str | None = None
) -> Opening:
    """There is a session that cannot be confirmed just now; ``held`` unless it cannot be read."""
    return Opening(session=_UNAVAILABLE, held=held, value=value, retry_after=retry_after)


def ended(known: Known, subject: str, reason: str) -> Opening:
    """There was a session. ``subject`` is a hash of the person."""
    mark = EndMark(known.token.session_id, subject, reason)
    return Opening(held=known, ended=reason, mark=mark)
