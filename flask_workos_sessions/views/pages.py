"""Our own pages: fixed texts only, and headers that keep them to ourselves (security S2, S4)."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from flask import Response, make_response, redirect, render_template

from ..context import request_state
from ..parts import current_parts
from ..ui.assets import asset_name
from ..urls import in_this_app, our_path

_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


class Text(NamedTuple):
    """What a page says, and whether signing in (again) is a way on."""

    title: str
    text: str
    sign_in: bool = True


_PROBLEMS = {
    "access_denied": Text(
        "You may not see this", "Your account does not have access to this page.", False
    ),
    "organization_required": Text(
        "This belongs to an organization",
        "Choose the right organization, or ask somebody there to invite you.",
        False,
    ),
    "user_unknown": Text(
        "We do not know your account", "You are signed in, but have no account here.", False
    ),
    "impersonator_refused": Text(
        "Not while you act as somebody else",
        "This page asks people to confirm who they are, which only they can do.",
        False,
    ),
    "origin_refused": Text(
        "This did not come from our page",
        "For your safety nothing was changed. Go back to the application and try again there.",
        False,
    ),
    "session_unavailable": Text(
        "One moment, please",
        "We cannot confirm your session just now. You are still signed in: load this page again "
        "in a moment. What you have typed elsewhere is not lost.",
        False,
    ),
    "passive_stale": Text(
        "Nothing new at the moment",
        "This address is for the page's own use, and does not keep you signed in. Go to the page "
        "itself.",
        False,
    ),
    "organization_refused": Text(
        "That organization is not open to you",
        "You are not a member of the organization, or no longer. You stay where you were.",
        False,
    ),
    "organization_changed": Text(
        "You have changed to another organization",
        "Nothing was done, for it was meant for the organization in which you were before. Look "
        "where you are now, and do it again.",
        False,
    ),
    "organization_missing": Text(
        "Which organization?", "The request did not say which organization to switch to.", False
    ),
    "sign_in_not_started": Text(
        "This sign-in did not begin here",
        "The address belongs to a sign-in that this browser did not begin. Begin again here. If "
        "that happens again, allow cookies for this site.",
    ),
    "sign_in_expired": Text(
        "That took too long",
        "The sign-in was begun more than ten minutes ago, or is used up. Please begin again.",
    ),
    "sign_in_used": Text(
        "This sign-in is used up",
        "The address has been used before. If you are not signed in, begin again.",
    ),
    "sign_in_cancelled": Text(
        "You are not signed in", "The sign-in was cancelled. You can begin again at any time."
    ),
    "sign_in_refused": Text(
        "You could not be signed in",
        "The sign-in service refused the sign-in. Begin again, perhaps in another way, or ask "
        "your administrator.",
    ),
    "organization_sign_in": Text(
        "Your organization asks for another way to sign in",
        "Sign in again with the method that your organization prescribes.",
    ),
    "email_verification_required": Text(
        "Confirm your e-mail address first",
        "Open the message that was sent to you, then sign in again.",
    ),
    "mfa_required": Text(
        "A second factor is needed",
        "Sign in again, and have your second factor at hand.",
    ),
    "not_recent": Text(
        "We could not confirm that it is you",
        "This page asks you to sign in again with your password or second factor, and the sign-in "
        "service did not ask for it. You are still signed in.",
        False,
    ),
    "sign_in_unavailable": Text(
        "Sign-in is not available just now",
        "The sign-in service did not answer. Load this page again in a moment.",
    ),
    "sign_in_busy": Text(
        "Many people are signing in just now",
        "Yours is not lost: load this page again in a moment.",
        False,
    ),
    "sign_in_failed": Text(
        "Sign-in did not work just now",
        "The sign-in service had a problem. Begin again in a moment.",
    ),
    "sign_in_misconfigured": Text(
        "Sign-in does not work at the moment",
        "Something is wrong on our side; it has been noted. Please try again later.",
    ),
    "session_too_large": Text(
        "Your session does not fit",
        "Your account has more permissions than this application can keep in a cookie. The "
        "administrator finds more in the log, under WORKOS_SESSION_STORE.",
        False,
    ),
}


def page(template: str, status: int = 200, **values: Any) -> Response:
    """One of our pages, with the headers that all of them have."""
    request_state().shown = True  # our pages allow no script
    style_url = our_path(current_parts(), f"/assets/{asset_name('pages.css')}")
    body = render_template(f"workos_sessions/{template}.html", style_url=style_url, **values)
    response = make_response(body, status)
    response.mimetype = "text/html"  # whatever the app's own response class begins with
    response.headers.update(_HEADERS)
    return response


def redirect_to(location: str, code: int = 303) -> Response:
    """Send the browser on; 303 makes a GET of whatever it was."""
    return cast(Response, redirect(location, code))


def problem_page(word: str, status: int) -> Response:
    """The page that explains a problem and shows a way on."""
    problem = _PROBLEMS.get(word, _PROBLEMS["access_denied"])
    links = [("Go to the start page", in_this_app("/"))]
    if problem.sign_in:
        links.insert(0, ("Sign in", our_path(current_parts(), "/login")))
    response = page("problem", status, title=problem.title, text=problem.text, links=links)
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response
