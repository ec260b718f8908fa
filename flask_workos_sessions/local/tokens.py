"""What an exchange answers: the access token's claims, and the JSON around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from joserfc import jwt

from .identifiers import new_ulid
from .organization import LocalOrganization
from .sessions import LocalSession
from .user import LocalUser

if TYPE_CHECKING:
    from .environment import Environment

#: Claims that a JWT template cannot override (workos.md §2.6).
RESERVED_CLAIMS = frozenset({"iss", "sub", "exp", "iat", "nbf", "jti"})


def access_token_claims(environment: Environment, session: LocalSession) -> dict[str, Any]:
    """The claims of a new access token; role, permissions and flags are looked up now."""
    directory = environment.directory
    now = environment.clock()
    claims: dict[str, Any] = {
        "iss": environment.issuer,
        "sub": session.user_id,
        "sid": session.id,
        "jti": new_ulid(now),
        "iat": int(now),
        "exp": int(now) + environment.access_token_seconds,
        "auth_time": int(session.authenticated_at),
        "client_id": environment.client_id,
    }
    user = directory.user(session.user_id)
    organization = None
    if session.organization_id is not None:
        organization = directory.organization(session.organization_id)
        claims.update(_organization_claims(environment, user, organization))
    flags = (*user.feature_flags, *(organization.feature_flags if organization else ()))
    if flags:
        claims["feature_flags"] = list(dict.fromkeys(flags))
    if session.impersonator is not None:
        claims["act"] = {"sub": session.impersonator["email"]}
    template = environment.jwt_template
    claims.update({name: template[name] for name in template if name not in RESERVED_CLAIMS})
    return claims


def _organization_claims(
    environment: Environment, user: LocalUser, organization: LocalOrganization
) -> dict[str, Any]:
    claims: dict[str, Any] = {"org_id": organization.id}
    membership = environment.directory.membership(user.id, organization.id)
    if membership is not None:
        claims["role"] = membership.roles[0]
        claims["roles"] = list(membership.roles)
        claims["permissions"] = environment.directory.permissions_of(membership.roles)
    claims["entitlements"] = list(organization.entitlements)
    return {name: value for name, value in claims.items() if value != []}


def sign_access_token(environment: Environment, claims: Mapping[str, Any]) -> str:
    """The claims as a JWT, signed with the present key (RS256)."""
    key = environment.keys.current
    return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": key.kid}, dict(claims), key.private)


def token_response(
    environment: Environment, session: LocalSession, *, method: str | None = None
) -> dict[str, Any]:
    """The body of a successful exchange, with a new access token and a new refresh token.

    :param method: the authentication method, which is told at sign-in only.
    """
    user = environment.directory.user(session.user_id)
    body: dict[str, Any] = {"user": user.as_json()}
    if session.organization_id is not None:
        body["organization_id"] = session.organization_id
    body["access_token"] = sign_access_token(environment, access_token_claims(environment, session))
    body["refresh_token"] = environment.sessions.new_refresh_token(session)
    if method is not None:
        body["authentication_method"] = method
    if session.impersonator is not None:
        body["impersonator"] = dict(session.impersonator)
    return body
