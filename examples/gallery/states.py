"""What the gallery shows, and the answers that lead there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ENDED = "ended"


def active(seconds: int, **more: Any) -> dict[str, Any]:
    """A status answer: what remains until an end by inactivity, unless ``more`` says otherwise."""
    return {
        "v": 1,
        "state": "active",
        "expires_in": seconds,
        "because": "inactivity",
        "extendable": True,
        "idle_in": seconds,
        "max_in": 28000,
        "ver": 1,
        "rev": "1",
        "sub": "ann",
        "sid": "1",
        "access": "1",
        "changed": False,
    } | more


def at_most(seconds: int) -> dict[str, Any]:
    """A status answer before an end by the maximum length."""
    limit = {"because": "max_length", "extendable": False, "idle_in": 1800, "max_in": seconds}
    return active(seconds, **limit)


def ended(reason: str | None) -> dict[str, Any]:
    """The status answer after an end."""
    return {"v": 1, "state": ENDED, "reason": reason, "login_url": "/auth/login"}


UNKNOWN = {"v": 1, "state": "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One frame.

    ``page`` is how things stand when it loads; ``answers`` is what the status endpoint says, the
    last one after somebody has signed in again; ``extends`` what extending leads to; ``does`` what
    somebody does there: see static/frame.js. It is reached when ``html[data-workos-session]`` is
    ``becomes`` and ``says`` is there to read.
    """

    name: str
    caption: str
    becomes: str
    says: str
    page: Mapping[str, Any]
    answers: tuple[Mapping[str, Any], ...] = ()
    extends: Mapping[str, Any] | None = None
    does: str = ""
    impersonated: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "answers", self.answers or (self.page,))


_LONG = active(1700)
_WARNED = active(105)
_BACK = active(1700, sid="2")


def _end(reason: str, title: str, says: str, **more: Any) -> State:
    return State(
        name=f"ended-{reason.replace('_', '-')}",
        caption=f"Dialog: {title}",
        becomes="ended",
        says=says,
        page=_LONG,
        answers=(ended(None if reason == "unknown" else reason),),
        **more,
    )


STATES = (
    State(
        name="notice-inactivity",
        caption="Banner: five minutes before an end by inactivity",
        becomes="notice",
        says="if you don't use this page",
        page=active(250),
    ),
    State(
        name="notice-max-length",
        caption="Banner: ten minutes before the maximum length",
        becomes="notice",
        says="Save your work before then",
        page=at_most(550),
    ),
    State(
        name="extended",
        caption="Banner: after “Stay signed in”",
        becomes="active",
        says="You're still signed in.",
        page=_LONG,
        extends=_LONG,
        does="stays",
    ),
    State(
        name="failed",
        caption="Banner: extending failed",
        becomes="notice",
        says="your time was not extended",
        page=active(250),
        does="stays",
    ),
    State(
        name="changed",
        caption="Banner: other rights than when the page was loaded",
        becomes="active",
        says="Your access has changed",
        page=_LONG,
        answers=(active(1700, access="2"),),
    ),
    State(
        name="offline-closed",
        caption="Banner: nobody answers, and the dialog was closed",
        becomes="offline",
        says="We can't reach the server",
        page=active(0),
        answers=(UNKNOWN,),
        does="closes",
    ),
    State(
        name="ended-closed",
        caption="Banner: after the end, and the dialog was closed",
        becomes="ended",
        says="You're no longer signed in",
        page=_LONG,
        answers=(ended("inactivity"),),
        does="closes",
    ),
    State(
        name="impersonation",
        caption="Support acts as somebody",
        becomes="active",
        says="Viewing as bob@acme.test",
        page=at_most(1700),
        impersonated="bob@acme.test",
    ),
    State(
        name="warning-inactivity",
        caption="Dialog: two minutes before an end by inactivity",
        becomes="warning",
        says="To protect your account",
        page=_WARNED,
    ),
    State(
        name="warning-max-length",
        caption="Dialog: two minutes before the maximum length",
        becomes="warning",
        says="can't be extended",
        page=at_most(105),
    ),
    State(
        name="warning-dirty",
        caption="Dialog: the same, and somebody has typed",
        becomes="warning",
        says="changes on this page that aren't saved",
        page=_WARNED,
        does="types",
    ),
    State(
        name="warning-failed",
        caption="Dialog: extending failed",
        becomes="warning",
        says="your time was not extended",
        page=_WARNED,
        does="stays",
    ),
    State(
        name="checking",
        caption="Dialog: the time is up, and the server has not said so yet",
        becomes="checking",
        says="Checking if you're still signed in",
        page=active(0),
    ),
    State(
        name="offline",
        caption="Dialog: the time is up, and nobody answers",
        becomes="offline",
        says="We can't tell whether you're still signed in",
        page=active(0),
        answers=(UNKNOWN,),
    ),
    _end("inactivity", "ended by inactivity", "The page comes back when you sign in again"),
    _end("max_length", "ended by the maximum length", "reached its time limit"),
    _end("revoked", "revoked, with what was typed", "so that you can copy it", does="types"),
    _end("signed_out", "signed out in another tab", "You signed out in another tab", does="types"),
    _end("access_removed", "access ended", "no longer has access", does="types"),
    _end("unknown", "ended, nobody knows why", "Sign in again to go on", does="types"),
    State(
        name="ended-user-changed",
        caption="Dialog: somebody else is signed in",
        becomes="ended",
        says="with a different account",
        page=_LONG,
        answers=(active(1700, sub="bob", sid="2"),),
        does="types",
    ),
    State(
        name="ended-again",
        caption="Dialog: signed in again, with other rights",
        becomes="ended",
        says="so that you can copy it",
        page=_LONG,
        answers=(ended("inactivity"), active(1700, sid="2", access="2")),
        does="types returns",
    ),
    State(
        name="resumed",
        caption="The page is back: the same person has signed in again",
        becomes="active",
        says="An idea that nobody else has",
        page=_LONG,
        answers=(ended("max_length"), _BACK),
        does="types returns",
    ),
)

#: Our own pages: what they are, their query, and what they say.
PAGES = (
    ("Signed out", "reason=signed_out", "close the browser as well"),
    ("Page: ended by inactivity", "reason=inactivity", "You were away for a while"),
    ("Page: ended by the maximum length", "reason=max_length", "as long as your organization"),
    ("Page: revoked", "reason=revoked", "An administrator or a security check"),
    ("Page: somebody else is signed in", "reason=user_changed", "Someone else has signed in"),
    ("Page: access ended", "reason=access_removed", "no longer has access"),
    ("Page: nobody knows why", "", "Sign in again to go on"),
    ("Page: a form was sent after the end", "reason=inactivity&form=1", "was not accepted"),
)
