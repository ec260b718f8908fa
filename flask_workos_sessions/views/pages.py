"""Our own pages: fixed texts only, and headers that keep them to ourselves (security S2, S4)."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from flask import Response, make_response, redirect, render_template, request

from ..context import request_state
from ..errors import RETRY_AFTER
from ..parts import current_parts
from ..ui.assets import asset_name
from ..ui.translation import gettext, language, message
from ..urls import current_page, in_this_app, our_path

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": _POLICY,
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
        message("You may not see this"),
        message(
            "Your account does not have access to this page. If you need it, ask your "
            "administrator."
        ),
        False,
    ),
    "organization_required": Text(
        message("This belongs to an organization"),
        message("Choose the right organization, or ask someone there to invite you."),
        False,
    ),
    "user_unknown": Text(
        message("We do not know your account"),
        message("You are signed in, but have no account here. Ask your administrator for one."),
        False,
    ),
    "impersonator_refused": Text(
        message("Not while you act as someone else"),
        message(
            "This page asks people to confirm who they are, which only they can do. Leave it to "
            "them."
        ),
        False,
    ),
    "origin_refused": Text(
        message("This did not come from our page"),
        message(
            "For your safety nothing was changed. Go back to the application and try again there."
        ),
        False,
    ),
    "session_unavailable": Text(
        message("One moment, please"),
        message(
            "We cannot confirm your session just now. You are still signed in: load this page "
            "again in a moment. What you have typed elsewhere is not lost."
        ),
        False,
    ),
    "sessions_unavailable": Text(
        message("One moment, please"),
        message("The sessions cannot be looked up just now. Load this page again in a moment."),
        False,
    ),
    "session_not_found": Text(
        message("That session is over"),
        message(
            "It has ended already, or never was one of this person. Nothing was changed: look at "
            "the list again."
        ),
        False,
    ),
    "user_not_found": Text(
        message("There is nobody with this id"),
        message("The person may have been removed. Nothing was changed: look at the list again."),
        False,
    ),
    "passive_stale": Text(
        message("Nothing new at the moment"),
        message(
            "This address is for the page's own use, and does not keep you signed in. Go to "
            "the page itself."
        ),
        False,
    ),
    "organization_refused": Text(
        message("That organization is not open to you"),
        message(
            "You are not a member of the organization, or no longer. You stay where you were. If "
            "you need it, ask someone there to invite you."
        ),
        False,
    ),
    "organization_changed": Text(
        message("You have changed to another organization"),
        message(
            "Nothing was done, for it was meant for the organization in which you were before. "
            "Look where you are now, and do it again."
        ),
        False,
    ),
    "organization_missing": Text(
        message("Which organization?"),
        message("The request did not say which organization to switch to. Go back and choose one."),
        False,
    ),
    "sign_in_not_started": Text(
        message("This sign-in did not begin here"),
        message(
            "The address belongs to a sign-in that this browser did not begin. Begin again "
            "here. If that happens again, allow cookies for this site."
        ),
    ),
    "sign_in_expired": Text(
        message("That took too long"),
        message(
            "The sign-in was begun more than ten minutes ago, or is used up. Please begin again."
        ),
    ),
    "sign_in_used": Text(
        message("This sign-in is used up"),
        message("The address has been used before. If you are not signed in, begin again."),
    ),
    "sign_in_cancelled": Text(
        message("You are not signed in"),
        message("The sign-in was cancelled. You can begin again at any time."),
    ),
    "sign_in_refused": Text(
        message("You could not be signed in"),
        message(
            "The sign-in service refused the sign-in. Begin again, perhaps in another way, or "
            "ask your administrator."
        ),
    ),
    "organization_sign_in": Text(
        message("Your organization asks for another way to sign in"),
        message("Sign in again with the method that your organization prescribes."),
    ),
    "email_verification_required": Text(
        message("Confirm your e-mail address first"),
        message("Open the message that was sent to you, then sign in again."),
    ),
    "mfa_required": Text(
        message("A second factor is needed"),
        message("Sign in again, and have your second factor at hand."),
    ),
    "not_recent": Text(
        message("We could not confirm that it is you"),
        message(
            "This page asks you to sign in again with your password or second factor, and the "
            "sign-in service did not ask for it. You are still signed in. If it happens again, ask "
            "your administrator."
        ),
        False,
    ),
    "sign_in_unavailable": Text(
        message("Sign-in is not available just now"),
        message("The sign-in service did not answer. Load this page again in a moment."),
    ),
    "sign_in_busy": Text(
        message("Many people are signing in just now"),
        message("Yours is not lost: load this page again in a moment."),
        False,
    ),
    "sign_in_failed": Text(
        message("Sign-in did not work just now"),
        message("The sign-in service had a problem. Begin again in a moment."),
    ),
    "sign_in_misconfigured": Text(
        message("Sign-in does not work at the moment"),
        message("Something is wrong on our side; it has been noted. Please try again later."),
    ),
    "session_too_large": Text(
        message("Your session does not fit"),
        message(
            "Your account has more permissions than this application can keep in a cookie. Ask "
            "your administrator, who finds more in the log, under WORKOS_SESSION_STORE."
        ),
        False,
    ),
}


#: What may be over in a moment, and is met on the app's own pages: none has a code in its address.
_PASSING = frozenset({"session_unavailable", "sessions_unavailable"})


def page(template: str, status: int = 200, *, script: str | None = None, **values: Any) -> Response:
    """One of our pages, in the language of the person and with the headers that all of them have.

    :param script: the one script of ours that the page runs; most run none.
    """
    request_state().shown = True  # the warning has no place here, nor its script
    if script is not None:
        values["script_url"] = _asset_path(script)
    body = render_template(
        f"workos_sessions/{template}.html",
        style_url=_asset_path("pages.css"),
        language=language(),
        _=gettext,  # not in the app's environment, which may have its own
        **values,
    )
    response = make_response(body, status)
    response.mimetype = "text/html"  # whatever the app's own response class begins with
    response.headers.update(_HEADERS)
    if script is not None:
        response.headers["Content-Security-Policy"] = f"{_POLICY}; script-src 'self'"
    return response


def _asset_path(name: str) -> str:
    return our_path(current_parts(), f"/assets/{asset_name(name)}")


def redirect_to(location: str, code: int = 303) -> Response:
    """Send the browser on; 303 makes a GET of whatever it was."""
    return cast(Response, redirect(location, code))


def problem_page(word: str, status: int) -> Response:
    """The page that explains a problem and shows a way on."""
    problem = _PROBLEMS.get(word, _PROBLEMS["access_denied"])
    links = [(gettext("Go to the start page"), in_this_app("/"))]
    if problem.sign_in:
        links.insert(0, (gettext("Sign in"), our_path(current_parts(), "/login")))
    page_again = current_page() if word in _PASSING and request.method == "GET" else None
    if page_again is not None:
        links.insert(0, (gettext("Try again"), page_again))
    title, text = gettext(problem.title), gettext(problem.text)
    response = page("problem", status, title=title, text=text, links=links)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response
