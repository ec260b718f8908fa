"""``POST /user_management/authenticate``: a code or a refresh token for a session.

Every refusal is the status and body that workos.md §2.1, §3 and §4 have for it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from .answers import ApiError, api_error, oauth_error
from .codes import SignIn, chosen
from .environment import Environment
from .organization import LocalOrganization
from .sessions import LocalSession
from .tokens import token_response
from .user import LocalUser

ORGANIZATION_SELECTION = "urn:workos:oauth:grant-type:organization-selection"

#: What is answered as OAuth's ``error`` with 400; the other interactions are a ``code`` with 403.
_OAUTH_INTERACTIONS = {"sso_required", "organization_authentication_methods_required"}


def authenticate(environment: Environment, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Answer an exchange. The client has to send its id and its API key as ``client_secret``.

    (WorkOS lets public clients leave the key out. This extension is no public client, so here a
    missing key is refused.)

    :raises ApiError: with what WorkOS answers.
    """
    grant = _needed(sent, "grant_type")
    exchanges = {
        "authorization_code": exchange_code,
        "refresh_token": exchange_refresh_token,
        ORGANIZATION_SELECTION: select_organization,
    }
    if grant not in exchanges:
        raise oauth_error("invalid_request", f"The grant type is not supported: {grant}")
    if sent.get("client_id") != environment.client_id:
        raise oauth_error("invalid_client", "Invalid client ID.")
    given = sent.get("client_secret")
    if not isinstance(given, str) or not same(given, environment.api_key):
        raise oauth_error("invalid_client", "Invalid client secret.", 401)
    return exchanges[grant](environment, sent)


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return secrets.compare_digest(given.encode(), expected.encode())


def exchange_code(environment: Environment, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The authorization code grant, with PKCE (RFC 7636, S256)."""
    code = _needed(sent, "code")
    verifier = sent.get("code_verifier")
    sign_in = environment.codes.find(code, environment.clock())
    if sign_in is None:
        raise _bad_code(code)
    if sign_in.code_challenge is None and verifier is not None:
        raise api_error("code_challenge_not_found", "The code has no code challenge.", 400)
    if sign_in.code_challenge is not None:
        if not verifier or not isinstance(verifier, str):
            raise oauth_error("invalid_request", "code_verifier is required.")
        if not same(_s256(verifier), sign_in.code_challenge):
            # Only one guess: the code is used up.
            environment.codes.redeem(code, environment.clock())
            raise _bad_code(code)
    environment.codes.redeem(code, environment.clock())
    if environment.directory.find_user(sign_in.user_id) is None:
        raise _bad_code(code)
    return begin_session(environment, sign_in, sent)


def _s256(verifier: str) -> str:
    """The code challenge of a verifier (RFC 7636 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def select_organization(environment: Environment, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The grant that ends ``organization_selection_required``."""
    token = _needed(sent, "pending_authentication_token")
    organization_id = _needed(sent, "organization_id")
    sign_in = environment.pending.redeem(token, environment.clock())
    if sign_in is None or environment.directory.find_user(sign_in.user_id) is None:
        raise api_error(
            "invalid_pending_authentication_token",
            "The pending authentication token is invalid or has expired.",
            400,
        )
    return begin_session(environment, chosen(sign_in, organization_id), sent)


def begin_session(
    environment: Environment, sign_in: SignIn, sent: Mapping[str, Any]
) -> dict[str, Any]:
    """Start the session of somebody who has signed in, if nothing is left for them to do."""
    directory = environment.directory
    user = directory.user(sign_in.user_id)
    _refuse_open_steps(environment, user, sign_in)
    organization = None
    if sign_in.organization_id is not None:
        organization = _membership(environment, user, sign_in.organization_id)
    elif own := directory.organizations_of(user):
        if len(own) > 1:
            raise _selection_required(environment, user, sign_in)
        organization = own[0]
    if organization is not None:
        _refuse_organization_steps(environment, user, organization, sign_in)
    now = environment.clock()
    session = environment.sessions.start(
        user.id,
        None if organization is None else organization.id,
        method=sign_in.method,
        authenticated_at=sign_in.authenticated_at,
        impersonator=sign_in.impersonator,
        ip_address=_text(sent, "ip_address"),
        user_agent=_text(sent, "user_agent"),
    )
    if sign_in.impersonator is None:
        user.last_sign_in_at = now
    _note_authentication(environment, session, user)
    return token_response(environment, session, method=session.authentication_method)


def _note_authentication(environment: Environment, session: LocalSession, user: LocalUser) -> None:
    how = session.as_json()["auth_method"]
    kind = {"magic_code": "magic_auth"}.get(how, how)
    if kind == "impersonation":
        return  # nobody has proved who they are
    data: dict[str, Any] = {
        "type": kind,
        "status": "succeeded",
        "user_id": user.id,
        "email": user.email,
        "ip_address": session.ip_address,
        "user_agent": session.user_agent,
    }
    if kind == "sso" and session.organization_id is not None:
        organization = environment.directory.organization(session.organization_id)
        data["sso"] = {
            "organization_id": organization.id,
            "connection_id": organization.connection_id,
            "session_id": session.id,
        }
    environment.events.note(f"authentication.{kind}_succeeded", data)


def exchange_refresh_token(environment: Environment, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The refresh grant: the token is rotated, and ``organization_id`` switches organization."""
    token = _needed(sent, "refresh_token")
    session, earlier = environment.sessions.redeem(token)
    if earlier is not None:
        return earlier
    user = environment.directory.find_user(session.user_id)
    if user is None:
        raise oauth_error("invalid_grant", "Session has already ended.")
    if user.required is not None:
        raise _interaction(environment, user, user.required, None)
    wanted = _text(sent, "organization_id") or session.organization_id
    if wanted is not None:
        organization = _membership(environment, user, wanted)
        if organization.sso_required and session.authentication_method != "SSO":
            raise _sso_required(user, organization)
        if organization.mfa_required and not user.mfa_enrolled:
            raise oauth_error("mfa_enrollment", "The user must enroll in MFA.")
    session.organization_id = wanted
    session.refreshed_at = environment.clock()
    answer = token_response(environment, session)
    environment.sessions.retire(token, answer)
    return answer


def _membership(
    environment: Environment, user: LocalUser, organization_id: str
) -> LocalOrganization:
    organization = environment.directory.organizations.get(organization_id)
    if organization is None:
        raise oauth_error("organization_not_found", "The organization was not found.")
    if environment.directory.membership(user.id, organization_id) is None:
        raise oauth_error(
            "organization_membership_not_found", "The user is not a member of the organization."
        )
    return organization


def _refuse_open_steps(environment: Environment, user: LocalUser, sign_in: SignIn) -> None:
    if not user.email_verified:
        raise _interaction(environment, user, "email_verification_required", sign_in)
    if user.required is not None:
        raise _interaction(environment, user, user.required, sign_in)


def _refuse_organization_steps(
    environment: Environment, user: LocalUser, organization: LocalOrganization, sign_in: SignIn
) -> None:
    if organization.sso_required and sign_in.method != "SSO":
        raise _sso_required(user, organization)
    if organization.mfa_required and not user.mfa_enrolled:
        raise _interaction(environment, user, "mfa_enrollment", sign_in)


def _interaction(
    environment: Environment, user: LocalUser, code: str, sign_in: SignIn | None
) -> ApiError:
    if code == "organization_selection_required":
        return _selection_required(environment, user, sign_in)
    if code == "sso_required":
        organizations = environment.directory.organizations_of(user)
        return _sso_required(user, *organizations[:1])
    if code in _OAUTH_INTERACTIONS:
        return oauth_error(code, "The organization does not accept this authentication method.")
    more: dict[str, Any] = {"user": user.as_json()}
    if code == "email_verification_required":
        more = {"email": user.email, "email_verification_id": "email_verification_local"}
    if code == "mfa_challenge":
        more["authentication_challenge"] = {
            "object": "authentication_challenge",
            "id": "auth_challenge_local",
        }
    more["pending_authentication_token"] = _pending(environment, sign_in)
    return api_error(code, "One more step is needed to finish the authentication.", 403, **more)


def _selection_required(
    environment: Environment, user: LocalUser, sign_in: SignIn | None
) -> ApiError:
    own = environment.directory.organizations_of(user)
    return api_error(
        "organization_selection_required",
        "The user must choose an organization to finish their authentication.",
        403,
        pending_authentication_token=_pending(environment, sign_in),
        organizations=[{"id": each.id, "name": each.name} for each in own],
        user=user.as_json(),
    )


def _sso_required(user: LocalUser, *organizations: LocalOrganization) -> ApiError:
    return oauth_error(
        "sso_required",
        "User must authenticate using one of the matching connections.",
        connection_ids=[each.connection_id for each in organizations],
        email=user.email,
    )


def _pending(environment: Environment, sign_in: SignIn | None) -> str:
    if sign_in is None:
        return secrets.token_urlsafe(18)
    return environment.pending.issue(sign_in, environment.clock())


def _bad_code(code: str) -> ApiError:
    return oauth_error("invalid_grant", f"The code '{code}' has expired or is invalid.")


def _needed(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name)
    if not isinstance(value, str) or not value:
        raise oauth_error("invalid_request", f"{name} is required.")
    return value


def _text(sent: Mapping[str, Any], name: str) -> str | None:
    value = sent.get(name)
    return value if isinstance(value, str) and value else None
