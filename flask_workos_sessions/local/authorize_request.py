"""An authorization request: its parameters, and the checks that WorkOS makes on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from .environment import Environment
from .organization import LocalOrganization

#: The prompts that ask for credentials whatever WorkOS's own cookie says.
_ASKING_PROMPTS = {"login", "select_account"}


class Unredirectable(Exception):
    """The request names no client or redirect URI of ours: the person sees ``text`` instead."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class SentBack(Exception):
    """The request failed: the browser goes back to ``location`` with ``error`` in its query."""

    def __init__(self, location: str) -> None:
        super().__init__("sent back")
        self.location = location


@dataclass(frozen=True)
class AuthorizeRequest:
    """A checked request. ``max_age`` is in seconds; ``organization`` the one that was asked for."""

    redirect_uri: str
    state: str | None = field(default=None, repr=False)
    code_challenge: str | None = field(default=None, repr=False)
    provider: str | None = None
    organization: LocalOrganization | None = None
    through_connection: bool = False
    login_hint: str = field(default="", repr=False)
    sign_up: bool = False
    asks_again: bool = False
    max_age: int | None = None

    @property
    def method(self) -> str:
        """The authentication method that this sign-in will have."""
        sso = self.organization is not None and self.organization.sso_required
        if sso or self.through_connection:
            return "SSO"
        return "Password" if self.provider in (None, "authkit") else str(self.provider)

    def back(self, **answer: str) -> str:
        """The redirect URI with an answer and the state in its query."""
        return _with_query(self.redirect_uri, {**answer, **_state(self.state)})


def read_authorize_request(environment: Environment, sent: Mapping[str, str]) -> AuthorizeRequest:
    """Check an authorization request (workos.md §2.1 and §4).

    :raises Unredirectable: unknown client, or a redirect URI that is not registered.
    :raises SentBack: any other fault.
    """
    if sent.get("client_id") != environment.client_id:
        raise Unredirectable("The client id is not one of this WorkOS environment.")
    redirect_uri = sent.get("redirect_uri", "")
    if redirect_uri not in environment.redirect_uris:
        raise Unredirectable("The redirect URI is not registered for this application.")

    def send_back(error: str, description: str) -> SentBack:
        answer = {"error": error, "error_description": description, **_state(sent.get("state"))}
        return SentBack(_with_query(redirect_uri, answer))

    if sent.get("response_type") != "code":
        raise send_back("invalid_request", "response_type must be code.")
    challenge = sent.get("code_challenge")
    if challenge is not None and sent.get("code_challenge_method") != "S256":
        raise send_back("invalid_request", "code_challenge_method must be S256.")
    max_age = sent.get("max_age")
    if max_age is not None and not (max_age.isascii() and max_age.isdigit()):
        raise send_back("invalid_request", "max_age must be a number of seconds.")
    selectors = ("provider", "connection_id", "organization_id", "domain_hint")
    if not any(sent.get(name) for name in selectors):
        raise send_back("invalid_connection_selector", "A connection selector is required.")
    organization = None
    through_connection = not sent.get("provider")
    if connection_id := sent.get("connection_id"):
        known = environment.directory.organizations.values()
        organization = next((o for o in known if o.connection_id == connection_id), None)
        through_connection = True
        if organization is None:
            raise send_back("connection_invalid", "The connection was not found.")
    elif organization_id := sent.get("organization_id"):
        organization = environment.directory.organizations.get(organization_id)
        if organization is None:
            raise send_back("organization_invalid", "The organization was not found.")
    return AuthorizeRequest(
        redirect_uri=redirect_uri,
        state=sent.get("state"),
        code_challenge=challenge,
        provider=sent.get("provider"),
        organization=organization,
        through_connection=through_connection,
        login_hint=sent.get("login_hint", ""),
        sign_up=sent.get("screen_hint") == "sign-up",
        asks_again=bool(_ASKING_PROMPTS & set(sent.get("prompt", "").split())),
        max_age=None if max_age is None else int(max_age),
    )


def _state(state: str | None) -> dict[str, str]:
    return {} if state is None else {"state": state}


def _with_query(uri: str, more: Mapping[str, str]) -> str:
    parts = urlsplit(uri)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *more.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))
