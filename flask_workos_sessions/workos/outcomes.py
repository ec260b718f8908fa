"""What an answer of WorkOS's authenticate endpoint means for a session.

Only :class:`Rejected` ends one. Whatever cannot be read, and every fault of the network, of
WorkOS or of our settings, leaves the session as it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from ..session_record import Impersonator
from .profile import readable_impersonator, readable_profile
from .retry_after import retry_after
from .transport import Fault

#: The classes of outcomes that decide nothing: those of the network; ``rate_limited`` (429, or
#: WorkOS's word for it); ``server_error`` (5xx and the like). ``unreadable`` is also any answer
#: that says nothing we know, such as a redirect. "misconfigured" is :class:`Misconfigured`.
Class = Fault | Literal["rate_limited", "server_error"]


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The exchange succeeded."""

    user: Mapping[str, Any] = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    organization_id: str | None = None
    authentication_method: str | None = None
    impersonator: Impersonator | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """WorkOS refuses the code or the refresh token for good. ``error`` is ``invalid_grant``."""

    error: str
    status: int


@dataclass(frozen=True, slots=True)
class InteractionRequired:
    """The person has something to do at AuthKit: ``code`` says what, in WorkOS's words.

    ``pending`` is the whole answer; its ``organizations`` is a list of objects with an ``id``.
    """

    code: str
    pending: Mapping[str, Any] = field(default_factory=dict, repr=False)
    organization_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrganizationRefused:
    """The person does not belong to the organization, or there is none. ``code`` is WorkOS's."""

    code: str


@dataclass(frozen=True, slots=True)
class Transient:
    """Nothing is decided. ``retry_after`` (seconds, 60 at most) is what WorkOS asked for.

    ``reason`` is its class, ``status`` that of the answer, if there was one.
    """

    reason: Class
    retry_after: float | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """WorkOS refuses us, not the person. ``setting`` names what to look at."""

    reason: str
    setting: str


Outcome = (
    Authenticated | Rejected | InteractionRequired | OrganizationRefused | Transient | Misconfigured
)

# WorkOS's words, from its OpenAPI description and its documentation on session resilience.
_INTERACTIONS = frozenset(
    {
        "application_consent_required",
        "authentication_method_not_allowed",
        "email_password_auth_disabled",
        "email_verification_required",
        "extra_attributes_required",
        "invitation_cannot_be_used_for_email",
        "invitation_invalid",
        "mfa_challenge",
        "mfa_enrollment",
        "organization_authentication_methods_required",
        "organization_selection_required",
        "passkey_progressive_enrollment",
        "phone_number_required",
        "radar_challenge",
        "radar_email_challenge",
        "radar_sign_up_challenge",
        "radar_sms_challenge",
        "radar_sms_sign_in_challenge",
        "sign_up_not_allowed",
        "sso_required",
    }
)
_ORGANIZATIONS = frozenset(
    {"invalid_organization_id", "organization_membership_not_found", "organization_not_found"}
)
_SETTINGS = {
    "invalid_client": "WORKOS_API_KEY",
    "unauthorized": "WORKOS_API_KEY",
    "unauthorized_client": "WORKOS_CLIENT_ID",
    "invalid_request_parameters": "WORKOS_CLIENT_ID",
    "token_too_big": "the JWT template in the WorkOS dashboard",
}
_THROTTLED = frozenset({"daily_quota_exceeded", "slow_down", "too_many_requests"})
_MUST_USE_SSO = "Must use SSO for selected organization"
_WORD = re.compile(r"[a-z][a-z_]{0,63}")


def classify(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """The outcome of an exchange (WorkOS, *Session resilience*). Raises nothing."""
    if 300 <= status < 400:
        return Transient("unreadable", status=status)
    answer = _object(body)
    words = {answer[name] for name in ("error", "code") if isinstance(answer.get(name), str)}
    if "invalid_grant" in words:
        return Rejected("invalid_grant", status)
    if 200 <= status < 300:
        return _authenticated(status, answer)
    if status in (408, 425, 429) or status >= 500 or words & _THROTTLED:
        limited = status == 429 or words & _THROTTLED
        reason: Class = "rate_limited" if limited else "server_error"
        return Transient(reason, retry_after(headers), status)
    if not answer:
        # A page of a proxy, a captive portal, half a body: not WorkOS's word.
        return Transient("unreadable", retry_after(headers), status)
    return _refused(status, answer, words)


def _authenticated(status: int, answer: Mapping[str, Any]) -> Outcome:
    user = readable_profile(answer.get("user"))
    access_token = _text(answer.get("access_token"))
    refresh_token = _text(answer.get("refresh_token"))
    if user is None or access_token is None or refresh_token is None:
        return Transient("unreadable", status=status)
    return Authenticated(
        user=user,
        access_token=access_token,
        refresh_token=refresh_token,
        organization_id=_text(answer.get("organization_id")),
        authentication_method=_text(answer.get("authentication_method")),
        impersonator=readable_impersonator(answer.get("impersonator")),
    )


def _refused(status: int, answer: Mapping[str, Any], words: set[str]) -> Outcome:
    for word in sorted(words):
        if word in _INTERACTIONS:
            return _interaction(word, answer)
        if word in _ORGANIZATIONS:
            return OrganizationRefused(word)
        if word in _SETTINGS:
            return Misconfigured(word, _SETTINGS[word])
    if answer.get("message") == _MUST_USE_SSO:
        return _interaction("sso_required", answer)
    if isinstance(answer.get("pending_authentication_token"), str):
        # A challenge that is newer than this list.
        word = next((word for word in sorted(words) if _WORD.fullmatch(word)), "unknown_challenge")
        return _interaction(word, answer)
    if status in (401, 403):
        return Misconfigured("unauthorized", "WORKOS_API_KEY")
    if status == 422:
        return Misconfigured("invalid_request_parameters", "WORKOS_CLIENT_ID")
    if status == 404:
        return _not_found(answer)
    return Transient("unreadable", status=status)


def _not_found(answer: Mapping[str, Any]) -> Outcome:
    entity = answer.get("entity_id")
    if isinstance(entity, str) and entity.startswith("org_"):
        return OrganizationRefused("organization_not_found")
    return Misconfigured("not_found", "WORKOS_BASE_URL and WORKOS_CLIENT_ID")


def _interaction(code: str, answer: Mapping[str, Any]) -> InteractionRequired:
    organizations = answer.get("organizations")
    choices = [
        each
        for each in (organizations if isinstance(organizations, list) else ())
        if isinstance(each, dict) and _text(each.get("id"))
    ]
    return InteractionRequired(
        code, {**answer, "organizations": choices}, _text(answer.get("organization_id"))
    )


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; empty when there is none."""
    try:
        answer = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a number")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
