"""Who may see a view: ``login_required``, ``public``, ``passive``, and paths in the settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from functools import lru_cache, partial, wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, overload

from flask import Request, current_app, request

from . import errors
from .context import current_request, request_state, state_of
from .marks import PASSIVE, PUBLIC
from .reports import report
from .session import Session

#: The least ``max_age`` (seconds); WorkOS itself advises against less than 60.
MIN_MAX_AGE = 30

View = TypeVar("View", bound=Callable[..., Any])
Words = str | Iterable[str]


@overload
def login_required(view: View) -> View: ...
@overload
def login_required(
    *,
    role: Words | None = None,
    permission: Words | None = None,
    entitlement: Words | None = None,
    feature_flag: Words | None = None,
    organization: bool | str | None = None,
    max_age: int | None = None,
) -> Callable[[View], View]: ...
def login_required(
    view: Any = None,
    *,
    role: Words | None = None,
    permission: Words | None = None,
    entitlement: Words | None = None,
    feature_flag: Words | None = None,
    organization: bool | str | None = None,
    max_age: int | None = None,
) -> Any:
    """Let only signed-in people reach a view; with keywords, only those to whom all apply.

    :param role: a role or several; any of them is enough.
    :param permission: a permission or several; all are needed. So with ``entitlement`` and
        ``feature_flag``.
    :param organization: ``True`` for any organization, or the id of one.
    :param max_age: seconds since the person last proved who they are (``auth_time``), inclusive.
    :raises SignInRequired: and the other errors of :mod:`flask_workos_sessions.errors`, when the
        view is called.
    :raises ValueError: at once, for a keyword without a word, which would let everybody in, and a
        ``max_age`` of less than 30 seconds.

    For sync and async views; for a class, put it into ``decorators`` or above the class::

        @app.get("/billing")
        @login_required(role="admin", max_age=300)
        def billing(): ...
    """
    if max_age is not None and (type(max_age) is not int or not MIN_MAX_AGE <= max_age < 10**9):
        # Coming back from the sign-in takes a while: less than this would ask again and again.
        raise ValueError(f"max_age must be a whole number of seconds, {MIN_MAX_AGE} or more.")
    if not (organization is None or isinstance(organization, bool | str)) or organization == "":
        # An unset value must not open the view.
        raise ValueError("organization must be True or the id of an organization.")
    lacks = partial(
        _check,
        role=_words(role, "role"),
        permission=_words(permission, "permission"),
        entitlement=_words(entitlement, "entitlement"),
        feature_flag=_words(feature_flag, "feature_flag"),
        organization=organization,
        max_age=max_age,
    )
    bare = not any((role, permission, entitlement, feature_flag, organization))
    bare = bare and max_age is None

    def check(asked: Request) -> None:
        session = require_session(asked)
        if not bare:
            lacks(session)

    def decorate(guarded: Any) -> Any:
        if isinstance(guarded, type):
            # Flask's class-based views apply these when the route is made; a subclass inherits.
            guarded.decorators = [*getattr(guarded, "decorators", ()), decorate]  # type: ignore[attr-defined]
            return guarded
        if not callable(guarded):
            raise TypeError("login_required takes keywords only: login_required(role=…).")

        coroutine = iscoroutinefunction(guarded)

        @wraps(guarded)
        def guard(*arguments: Any, **keywords: Any) -> Any:
            asked = current_request()
            if asked.method != "OPTIONS" or not automatic_options(asked):
                try:
                    check(asked)
                except errors.Refused as refused:
                    raise report(refused) from None
            if coroutine:
                return current_app.ensure_sync(guarded)(*arguments, **keywords)
            return guarded(*arguments, **keywords)

        return guard

    return decorate if view is None else decorate(view)


def public(view: View) -> View:
    """Leave a view open where settings or ``protect`` would guard it. Not inherited by
    subclasses of a class-based view (security G1)."""
    setattr(view, PUBLIC, True)
    return view


def passive(view: View) -> View:
    """A view that is called without anybody's doing, such as a poll: it never refreshes, and so
    never keeps an idle session alive."""
    setattr(view, PASSIVE, True)
    return view


def _check(
    session: Session,
    *,
    role: Sequence[str],
    permission: Sequence[str],
    entitlement: Sequence[str],
    feature_flag: Sequence[str],
    organization: bool | str | None,
    max_age: int | None,
) -> None:
    if role and not set(role) & {session.role, *session.roles}:
        raise errors.InsufficientRole(required={"role": list(role)})
    for held, wanted, name, error in (
        (session.permissions, permission, "permission", errors.InsufficientPermission),
        (session.entitlements, entitlement, "entitlement", errors.EntitlementRequired),
        (session.feature_flags, feature_flag, "feature_flag", errors.FeatureFlagRequired),
    ):
        if not set(wanted) <= set(held):
            raise error(required={name: list(wanted)})
    if organization and (
        not session.organization_id or organization not in (True, session.organization_id)
    ):
        raise errors.OrganizationRequired(required={"organization": organization})
    if max_age is not None and not is_recent(session, max_age):
        if session.impersonator is not None:
            raise errors.ImpersonatorRefused
        raise errors.RecentSignInRequired(max_age)


def require_session(asked: Request | None = None) -> Session:
    """The session, when somebody is signed in.

    :raises SignInRequired: nobody is, or the person has to act at WorkOS first.
    :raises SessionEnded: there was a session.
    :raises SessionUnavailable: it cannot be confirmed just now.
    :raises PassiveStale: it would have to be refreshed, and this request must not.
    :raises UserUnknown: ``user_loader`` does not know the person.
    """
    state = (state_of(asked) if asked is not None else None) or request_state()
    state.private = True
    opening = state.opening
    if opening.known is None:
        if opening.ended is not None:
            raise errors.SessionEnded(opening.ended)
        if opening.stale:
            raise errors.PassiveStale
        if opening.retry_after is not None:
            raise errors.SessionUnavailable(opening.retry_after)
        if opening.interaction is not None:
            raise errors.SignInRequired(options=opening.interaction)
        raise errors.SignInRequired
    if state.parts.customization.user_loader is not None:
        state.user()
    return opening.session


def is_recent(session: Session, max_age: int) -> bool:
    """Whether the person proved within ``max_age`` seconds who they are (security G2).

    A missing or a future ``auth_time`` is not recent; an impersonator proved nothing about the
    person, and passes only with ``WORKOS_IMPERSONATOR_STEP_UP``.
    """
    parts = request_state().parts
    if session.impersonator is not None and not parts.settings.impersonator_step_up:
        return False
    if session.authenticated_at is None:
        return False
    # Whole seconds, as `auth_time` is: otherwise `max_age` would not be inclusive.
    age = int(parts.clock()) - session.authenticated_at
    return -10 <= age <= max_age


def automatic_options(asked: Request) -> bool:
    """Whether Flask itself answers this OPTIONS request (security G1)."""
    return asked.method == "OPTIONS" and bool(
        getattr(asked.url_rule, "provide_automatic_options", False)
    )


def is_protected(*, everything: bool, protected: Sequence[str], public: Sequence[str]) -> bool:
    """Whether the settings guard this path; ``public`` wins over ``protected``."""
    path = request.path
    if _matches(path, public):
        return False
    # A rule may answer with and without its last slash.
    return everything or _matches(path, protected) or _matches(path.rstrip("/"), protected)


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(_pattern(pattern).match(path) for pattern in patterns)


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    # "/app/*" covers "/app" itself too: nobody means to leave that open.
    regex = translate(pattern)
    if pattern.endswith("/*"):
        regex = f"(?:{regex}|{translate(pattern[:-2])})"
    return re.compile(regex)


def _words(given: Words | None, name: str) -> tuple[str, ...]:
    words = (given,) if isinstance(given, str) else tuple(given or ())
    if given is not None and (not words or not all(isinstance(w, str) and w for w in words)):
        # An empty requirement would let everybody in.
        raise ValueError(f"login_required({name}=…) needs at least one word that is not empty.")
    return words
