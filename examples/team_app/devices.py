"""Where somebody is signed in: a page to see it, and to end what they do not know."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from flask_workos_sessions import current_session, errors, login_required

from .extensions import sessions
from .origin import refuse_other_sites

#: Seconds. Whoever finds an open browser must not be able to lock its owner out.
RECENT = 600

#: What a browser calls itself, and what people call it; the first that fits.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "a Mac",
    "CrOS": "a Chromebook",
    "Linux": "Linux",
}

devices = Blueprint("devices", __name__, url_prefix="/devices")
devices.before_request(refuse_other_sites)


@devices.get("")
@login_required(max_age=RECENT)
def index() -> str:
    """Every session of the person; the one of this browser comes first."""
    found = sorted(sessions.list(current_session), key=lambda each: not each.current)
    return render_template("harbour/devices.html", devices=found)


@devices.post("/end")
@login_required(max_age=RECENT)
def end() -> Response:
    """Sign one of them out. An id that is not theirs is not found, and ends nothing."""
    # It may have ended since the page was loaded, which is what the person wanted.
    with suppress(errors.SessionNotFound):
        sessions.revoke(request.form.get("session_id", ""), user=current_session)
    return redirect(url_for(".index"), 303)


@devices.post("/end-others")
@login_required(max_age=RECENT)
def end_others() -> Response:
    """Sign all of them out but this one."""
    sessions.revoke_user(current_session, keep=current_session)
    return redirect(url_for(".index"), 303)


@devices.app_template_filter("device")
def _device(user_agent: str | None) -> str:
    """A browser as people call it: ``Firefox on Windows``."""
    given = user_agent or ""
    browser = next((name for word, name in _BROWSERS.items() if word in given), "A browser")
    system = next((name for word, name in _SYSTEMS.items() if word in given), "")
    return f"{browser} on {system}" if system else browser
