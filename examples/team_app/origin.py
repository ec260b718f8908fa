"""What a form of another site would do here: nothing."""

from __future__ import annotations

from flask import request

from flask_workos_sessions import errors


def refuse_other_sites() -> None:
    """Before every request: what changes something comes from a page of this app.

    The session cookie is ``SameSite=Lax``, which leaves out the forms of other sites, but not
    those of its siblings: ``blog.example.com`` is the same site as ``app.example.com``. Browsers
    say where a request comes from, and no page can forge that. An app with forms of its own for
    people without a session, sign-up say, is better off with Flask-WTF's ``CSRFProtect``.

    :raises flask_workos_sessions.errors.OriginRefused: it does not, or there is no proof of it.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return
    if request.headers.get("Origin") != request.host_url.rstrip("/"):
        raise errors.OriginRefused
