"""What the extension tells the application: blinker signals. The sender is the app.

Receivers may be ``async def``; they run through ``app.ensure_sync``::

    @signals.signed_in.connect_via(app)
    def remember(app, session, first):
        audit.write("signed in", session.user.id)
"""

from __future__ import annotations

from typing import Any

from blinker import NamedSignal, Namespace
from flask import current_app

_signals = Namespace()

#: ``session``, ``first``: somebody signed in; ``first`` unless another session was replaced.
#: A receiver that raises refuses the sign-in: no session is left behind.
signed_in = _signals.signal("signed-in")
#: ``session``: somebody signed out.
signed_out = _signals.signal("signed-out")
#: ``session``, ``previous``: once per exchange of a refresh token.
session_refreshed = _signals.signal("session-refreshed")
#: ``session``, ``previous``: role, permissions, organization, entitlements or flags differ.
session_changed = _signals.signal("session-changed")
#: ``session_id``, ``reason``: a session ended other than by signing out.
session_ended = _signals.signal("session-ended")
#: ``session``, ``outcome``: a refresh did not succeed; ``outcome`` is a short word.
refresh_failed = _signals.signal("refresh-failed")
#: ``reason``: a sign-in did not succeed; a short word.
sign_in_failed = _signals.signal("sign-in-failed")
#: ``error``: a request was refused; one of :mod:`flask_workos_sessions.errors`.
refused = _signals.signal("refused")
#: ``event``: something has happened at WorkOS, as a webhook or the events poller tells.
#: A receiver that raises gets the event again.
workos_event = _signals.signal("workos-event")


def send(signal: NamedSignal, **values: Any) -> None:
    """Send a signal of the current app; async receivers run to their end."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if signal.receivers:
        signal.send(app, _async_wrapper=app.ensure_sync, **values)
