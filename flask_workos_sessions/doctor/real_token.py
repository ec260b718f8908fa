"""A real access token, as far as it helps with the settings. Of it only ``iss`` is shown."""

from __future__ import annotations

from ..tokens.access_token import AccessToken, AccessTokenVerifier, InvalidToken
from ..tokens.jwks import KeySetCache
from .finding import Finding, fault, ok, warning
from .subject import Subject

_ISSUER = "WORKOS_ISSUER"
_HOW = (
    "Save the access token of a session (`current_session.access_token`) to a file, and name it "
    "with --token-file."
)
_LONGEST = 200


def read_token(subject: Subject, raw: str) -> AccessToken | Finding:
    """The token's claims, unverified; a finding when there are none to use."""
    keys = KeySetCache(dict, clock=subject.clock)  # none: the signature is not what is asked
    verifier = AccessTokenVerifier(keys, client_id=subject.settings.client_id, clock=subject.clock)
    try:
        return verifier.inspect(raw.strip(), any_time=True)
    except InvalidToken as refused:
        remedy = "It must be the access token of a session of this WorkOS environment."
        what = f"The token cannot be used: it has {refused.reason}."
        return fault("token", what, "WORKOS_CLIENT_ID", remedy)


def issuer(subject: Subject, token: AccessToken | None) -> list[Finding]:
    """Which ``iss`` values are accepted, and whether those are WorkOS's."""
    accepted = subject.settings.issuer
    if subject.misread(_ISSUER):
        return []
    told = None if token is None else _issuer_of(token)
    if told is None:
        if accepted:
            return [ok("issuer", "Only tokens of the set issuers are accepted.", _ISSUER)]
        return [warning("issuer", f"{_ISSUER} is not set: `iss` is not checked.", _ISSUER, _HOW)]
    if not accepted:
        what = f"{_ISSUER} is not set: `iss` is not checked."
        return [warning("issuer", what, _ISSUER, f"By this token it is: {told}")]
    if told in accepted:
        return [ok("issuer", f"{_ISSUER} accepts this token.", _ISSUER)]
    what = f"{_ISSUER} does not accept this token: nobody can sign in."
    return [fault("issuer", what, _ISSUER, f"By this token it is: {told}")]


def _issuer_of(token: AccessToken) -> str | None:
    found = token.claims.get("iss")
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST:
        return None
    return found if found.isprintable() and found.startswith(("https://", "http://")) else None
