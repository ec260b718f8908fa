"""The hosted pages: sign-in and sign-up, and the way back to the application."""

from __future__ import annotations

from itertools import islice
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from .authorize_request import AuthorizeRequest, SentBack, Unredirectable, read_authorize_request
from .browsers import BrowserSession
from .codes import SignIn
from .environment import Environment
from .user import LocalUser

#: So many people have a button; anybody else types an address.
SHOWN_PEOPLE = 12

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Rejected(Exception):
    """What somebody typed cannot be taken; ``text`` says why, beside the field."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def pages_blueprint(environment: Environment) -> Blueprint:
    """The pages that a browser visits."""
    pages = Blueprint("pages", __name__)

    @pages.after_request
    def harden(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    @pages.errorhandler(SentBack)
    def send_back(sent_back: SentBack) -> ResponseReturnValue:
        return redirect(sent_back.location, 302)

    @pages.errorhandler(Unredirectable)
    def explain(problem: Unredirectable) -> ResponseReturnValue:
        return _problem("This sign-in cannot start", problem.text)

    @pages.get("/")
    def home() -> ResponseReturnValue:
        return render_template("workos_local/home.html", people=_people(environment, None))

    @pages.get("/user_management/authorize")
    def authorize() -> ResponseReturnValue:
        with environment.lock:
            asked = read_authorize_request(environment, request.args)
            known = environment.browsers.find(request.cookies.get(environment.browser_cookie))
            if known is not None and serves(environment, known, asked):
                return _back_with_code(environment, asked, known)
            return _sign_in_page(environment, asked, known)

    @pages.post("/user_management/authorize")
    def submit() -> ResponseReturnValue:
        if not _from_our_page():
            return _problem("This form came from elsewhere", "Start again in the application.", 403)
        with environment.lock:
            asked = read_authorize_request(environment, request.args)
            action = request.form.get("action", "")
            if action == "cancel":
                answer = {
                    "error": "access_denied",
                    "error_description": "The user denied the request.",
                }
                return redirect(asked.back(**answer), 303)
            if action in ("show-sign-up", "show-sign-in"):
                hint = {"screen_hint": action.removeprefix("show-")}
                query = {**request.args.to_dict(), **hint}
                return redirect(f"{request.path}?{urlencode(query)}", 303)
            return _sign_in(environment, asked)

    @pages.get("/user_management/sessions/logout")
    def log_out() -> ResponseReturnValue:
        session_id = request.args.get("session_id")
        if not session_id:
            return {"message": "session_id is required."}, 422
        cookie = environment.browser_cookie
        with environment.lock:
            environment.sessions.revoke(session_id)
            environment.browsers.forget(request.cookies.get(cookie))
            to = request.args.get("return_to") or next(iter(environment.logout_uris), None)
            registered = to in environment.logout_uris
        if to is not None and registered:
            response = redirect(to, 302)
        else:
            text = "The sign-out redirect of this application is not registered at WorkOS."
            response = _problem("You are signed out, with nowhere to go", text)
        response.delete_cookie(cookie, path="/", httponly=True, samesite="Lax")
        return response

    @pages.get("/local/impersonation/<token>")
    def impersonate(token: str) -> ResponseReturnValue:
        with environment.lock:
            offered = environment.browsers.take_up(token)
            if offered is None:
                return _problem("This link was used already", "Ask for a new one.", 404)
            response = make_response(
                render_template(
                    "workos_local/problem.html",
                    title="You are impersonating somebody",
                    text="Now sign in to the application in this browser.",
                )
            )
            return _remember(environment, response, offered)

    return pages


def serves(environment: Environment, known: BrowserSession, asked: AuthorizeRequest) -> bool:
    """Whether WorkOS's own cookie answers this request without asking anybody anything."""
    user = environment.directory.users.get(known.user_id)
    if user is None or asked.asks_again:
        return False
    if asked.login_hint and environment.directory.find_user(asked.login_hint) is not user:
        return False
    # Zero always asks; any other age is compared with the last time somebody proved who they are.
    age = environment.clock() - known.authenticated_at
    if asked.max_age is not None and (asked.max_age == 0 or age > asked.max_age):
        return False
    organization = asked.organization
    if organization is None:
        return True
    if environment.directory.membership(user.id, organization.id) is None:
        return False
    if organization.mfa_required and not user.mfa_enrolled:
        return False
    return asked.method != "SSO" or known.method == "SSO" or known.impersonator is not None


def sign_in_of(asked: AuthorizeRequest, known: BrowserSession) -> SignIn:
    """What a code stands for when this browser's person comes back with it."""
    return SignIn(
        user_id=known.user_id,
        authenticated_at=known.authenticated_at,
        organization_id=None if asked.organization is None else asked.organization.id,
        method=known.method,
        code_challenge=asked.code_challenge,
        impersonator=known.impersonator,
    )


def _sign_in(environment: Environment, asked: AuthorizeRequest) -> ResponseReturnValue:
    try:
        user = _chosen_user(environment, asked)
    except Rejected as rejected:
        typed = {name: request.form.get(name, "") for name in ("email", "first_name", "last_name")}
        return _sign_in_page(environment, asked, None, typed=typed, problem=rejected.text)
    if asked.organization is not None and asked.organization.mfa_required:
        user.mfa_enrolled = True
    session = BrowserSession(user.id, environment.clock(), asked.method)
    environment.browsers.forget(request.cookies.get(environment.browser_cookie))
    response = _back_with_code(environment, asked, session, status=303)
    return _remember(environment, response, session)


def _chosen_user(environment: Environment, asked: AuthorizeRequest) -> LocalUser:
    """Who was chosen or typed.

    :raises Rejected: nobody that could sign in here.
    """
    directory, form = environment.directory, request.form
    email = form.get("email", "").strip()
    if form.get("action") == "sign-up":
        return _new_user(environment, asked, email)
    user = directory.find_user(form.get("user") or email)
    if user is None:
        raise Rejected(
            "There is no account with this address. Check it, or sign up."
            if "@" in email
            else "Enter an email address."
        )
    organization = asked.organization
    if organization is not None and directory.membership(user.id, organization.id) is None:
        raise Rejected(f"{user.label} is not a member of {organization.name}.")
    return user


def _new_user(environment: Environment, asked: AuthorizeRequest, email: str) -> LocalUser:
    if "@" not in email[1:-1] or any(c.isspace() for c in email) or len(email) > 254:
        raise Rejected("Enter an email address.")
    if environment.directory.find_user(email) is not None:
        raise Rejected("There is an account with this address already. Sign in instead.")
    if asked.organization is not None:
        raise Rejected(f"An invitation is needed to join {asked.organization.name}.")
    names = {name: request.form.get(name, "").strip()[:100] or None for name in _NAMES}
    return environment.directory.add_user(email, **names)


_NAMES = ("first_name", "last_name")


def _back_with_code(
    environment: Environment, asked: AuthorizeRequest, known: BrowserSession, status: int = 302
) -> Response:
    code = environment.codes.issue(sign_in_of(asked, known), environment.clock())
    return make_response(redirect(asked.back(code=code), status))


def _remember(environment: Environment, response: Response, session: BrowserSession) -> Response:
    response.set_cookie(
        environment.browser_cookie,
        environment.browsers.remember(session),
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def _sign_in_page(
    environment: Environment,
    asked: AuthorizeRequest,
    known: BrowserSession | None,
    *,
    typed: dict[str, str] | None = None,
    problem: str = "",
) -> ResponseReturnValue:
    again = environment.directory.users.get(known.user_id) if known is not None else None
    page = render_template(
        "workos_local/sign_in.html",
        asked=asked,
        people=_people(environment, asked),
        again=again,
        typed=typed or {"email": asked.login_hint},
        problem=problem,
    )
    return page, 422 if problem else 200


def _people(environment: Environment, asked: AuthorizeRequest | None) -> list[dict[str, Any]]:
    directory = environment.directory
    wanted = None if asked is None else asked.organization
    people = (
        {"user": user, "places": directory.places_of(user)}
        for user in directory.users.values()
        if wanted is None or directory.membership(user.id, wanted.id) is not None
    )
    return list(islice(people, SHOWN_PEOPLE))


def _problem(title: str, text: str, status: int = 400) -> Response:
    page = render_template("workos_local/problem.html", title=title, text=text)
    return make_response(page, status)


def _from_our_page() -> bool:
    """Whether a form was sent by our own page; a client that is no browser says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or origin == request.host_url.rstrip("/")
