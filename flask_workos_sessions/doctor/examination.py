"""All checks, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..tokens.access_token import AccessToken
from . import cookies, given_settings, passwords, real_token, session_clocks, webhooks
from .finding import Finding
from .shared_state import shared_state
from .subject import Subject
from .workos_answers import base_url, workos_answers


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs together in the report."""

    name: str
    findings: list[Finding]


def examine(
    subject: Subject,
    *,
    offline: bool = False,
    token: str | None = None,
    webhook_url: str | None = None,
) -> Iterator[Group]:
    """Check everything.

    :param offline: nothing is sent to any host.
    :param token: a real access token.
    :param webhook_url: where the webhook route answers; it is asked.
    """
    read = None if token is None else real_token.read_token(subject, token)
    claims = read if isinstance(read, AccessToken) else None
    life = None if claims is None else claims.expires_at - claims.issued_at
    yield Group(
        "Settings",
        [
            *given_settings.what_is_set(subject),
            *given_settings.what_is_wrong(subject),
            *given_settings.misspelt_variables(subject),
            *passwords.password_strength(subject),
            *passwords.password_of_its_own(subject),
            *passwords.fallbacks(subject),
        ],
    )
    yield Group(
        "Redirect URI and cookies",
        [
            *cookies.redirect_uri(subject),
            *cookies.transport(subject),
            *cookies.cookie_name(subject),
            *cookies.cookie_domain(subject),
            *cookies.cookie_samesite(subject),
            *cookies.proxy(subject),
            *cookies.for_tests(subject),
        ],
    )
    yield Group(
        "Session clocks",
        [
            *session_clocks.max_length(subject),
            *session_clocks.inactivity(subject, life),
            *session_clocks.warning_time(subject),
            *session_clocks.polling(subject),
        ],
    )
    state = shared_state(subject, offline=offline)
    yield Group("Shared state", state)
    yield Group(
        "WorkOS",
        [
            *base_url(subject),
            *([] if offline else workos_answers(subject)),
            *([read] if isinstance(read, Finding) else []),
            *real_token.issuer(subject, claims),
        ],
    )
    healthy = not offline and not any(each.level == "fault" for each in state)
    yield Group(
        "News from WorkOS",
        [
            *webhooks.news(subject, life, can_ask=healthy),
            *([] if webhook_url is None else webhooks.webhook_endpoint(webhook_url)),
        ],
    )
