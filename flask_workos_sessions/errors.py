"""Every error that this extension raises.

The refusals are Werkzeug HTTP exceptions, so ``app.register_error_handler`` replaces any answer::

    @app.errorhandler(errors.AccessDenied)
    def denied(error):
        return render_template("denied.html", required=error.required), 403
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.exceptions import HTTPException

__all__ = [
    "AccessDenied",
    "ConfigurationError",
    "EntitlementRequired",
    "FeatureFlagRequired",
    "ImpersonatorRefused",
    "InsufficientPermission",
    "InsufficientRole",
    "OrganizationChanged",
    "OrganizationRefused",
    "OrganizationRequired",
    "OriginRefused",
    "PassiveStale",
    "RecentSignInRequired",
    "Refused",
    "SessionEnded",
    "SessionNotFound",
    "SessionTooLarge",
    "SessionUnavailable",
    "SessionsUnavailable",
    "SignInRequired",
    "UserNotFound",
    "UserUnknown",
]


#: Seconds after which somebody tries again when nothing better is known.
RETRY_AFTER = 5


class ConfigurationError(Exception):
    """The settings cannot work. ``faults`` lists every fault, each with its remedy."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(f"Flask-WorkOS-Sessions cannot start with these settings:\n{lines}")


class SessionTooLarge(Exception):
    """The sealed session does not fit into a cookie (``size`` in bytes, name and value)."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(
            f'WORKOS_SESSION_STORE="cookie" cannot hold a session of {size} bytes: a browser drops '
            "a cookie above 4,096. Leave permissions or own claims out of the JWT template, or set "
            'WORKOS_SESSION_STORE="cache".'
        )


class Refused(HTTPException):
    """A request was refused: ``error`` is the word in JSON, ``required`` what was missing,
    ``retry_after`` the seconds after which it may be tried again, if that helps."""

    error = "refused"

    def __init__(
        self, *, required: Mapping[str, Any] | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__()
        #: Whether a signal and a log line have told of it.
        self.reported = False
        self.required = dict(required or {})
        self.retry_after = retry_after


class SignInRequired(Refused):
    """Nobody is signed in (401). ``options`` are what the sign-in needs: an organization, say."""

    code = 401
    error = "sign_in_required"
    description = "Sign in to see this."

    def __init__(
        self,
        *,
        required: Mapping[str, Any] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(required=required)
        self.options = dict(options or {})


class SessionEnded(SignInRequired):
    """There was a session, and it is over (401). ``reason`` says why."""

    error = "session_ended"
    description = "Your session has ended. Sign in again."

    def __init__(self, reason: str) -> None:
        super().__init__(required={"reason": reason})
        self.reason = reason


class RecentSignInRequired(Refused):
    """The person has to prove again who they are (401). ``max_age`` is in seconds."""

    code = 401
    error = "recent_sign_in_required"
    description = "Sign in again to do this."

    def __init__(self, max_age: int) -> None:
        super().__init__(required={"max_age": max_age})
        self.max_age = max_age


class AccessDenied(Refused):
    """The person is known and may not do this (403)."""

    code = 403
    error = "access_denied"
    description = "You may not do this."


class InsufficientRole(AccessDenied):
    """None of the roles that the view asks for."""

    error = "insufficient_role"


class InsufficientPermission(AccessDenied):
    """A permission that the view asks for is missing."""

    error = "insufficient_permission"


class EntitlementRequired(AccessDenied):
    """The organization does not have an entitlement that the view asks for."""

    error = "entitlement_required"


class FeatureFlagRequired(AccessDenied):
    """A feature flag that the view asks for is off."""

    error = "feature_flag_required"


class OrganizationRequired(AccessDenied):
    """The session belongs to no organization, or to another one."""

    error = "organization_required"


class OrganizationRefused(AccessDenied):
    """The session cannot switch to an organization of which the person is not a member."""

    error = "organization_refused"


class ImpersonatorRefused(AccessDenied):
    """An impersonator cannot prove to be the person (``WORKOS_IMPERSONATOR_STEP_UP``)."""

    error = "impersonator_refused"


class UserUnknown(AccessDenied):
    """``user_loader`` knows no such user."""

    error = "user_unknown"


class OriginRefused(Refused):
    """A request to change the session came from elsewhere, or without proof of origin (403)."""

    code = 403
    error = "origin_refused"
    description = "This request did not come from a page of this application."


class OrganizationChanged(Refused):
    """The session turned to another organization while this request was on its way (409)."""

    code = 409
    error = "organization_changed"
    description = "Your session has changed to another organization. Look, and try again."


class PassiveStale(Refused):
    """A background request needs a refresh, which it must not cause (409)."""

    code = 409
    error = "passive_stale"
    description = "This background request did not refresh the session."


class SessionUnavailable(Refused):
    """The session cannot be confirmed just now (503). Nobody is signed out by that."""

    code = 503
    error = "session_unavailable"
    description = "We cannot confirm your session just now. Try again in a moment."

    def __init__(self, retry_after: int = RETRY_AFTER) -> None:
        super().__init__(retry_after=retry_after)


class SessionsUnavailable(Refused):
    """WorkOS cannot be asked for somebody's sessions just now (503). Nothing was changed."""

    code = 503
    error = "sessions_unavailable"
    description = "The sessions cannot be looked up just now. Try again in a moment."

    def __init__(self, retry_after: int = RETRY_AFTER) -> None:
        super().__init__(retry_after=retry_after)


class SessionNotFound(Refused, LookupError):
    """The person has no such session: it is over, or somebody else's (404; security W1)."""

    code = 404
    error = "session_not_found"
    description = "There is no such session, or no more."


class UserNotFound(Refused, LookupError):
    """WorkOS knows no person with this id (404)."""

    code = 404
    error = "user_not_found"
    description = "There is nobody with this id."
