"""All checks, in their order."""

from __future__ import annotations

from collections.abc import Iterator

from ..tokens.access_token import AccessToken
from . import cookies, given_settings, pages, passwords, real_token, session_clocks, webhooks
from .finding import Finding
from .shared_state import shared_state
from .subject import Subject
from .workos_answers import base_url, workos_answers


def examine(
    subject: Subject,
    *,
    offline: bool = False,
    token: str | None = None,
    webhook_url: str | None = None,
) -> Iterator[Finding]:
    """Check everything.

    :param offline: nothing is sent to any host.
    :param token: a real access token.
    :param webhook_url: where the webhook route answers; it is asked.
    """
    read = None if token is None else real_token.read_token(subject, token)
    claims = read if isinstance(read, AccessToken) else None
    life = None if claims is None else claims.expires_at - claims.issued_at

    yield from given_settings.what_is_set(subject)
    yield from given_settings.what_is_wrong(subject)
    yield from given_settings.misspelt_variables(subject)
    yield from passwords.password_strength(subject)
    yield from passwords.password_of_its_own(subject)
    yield from passwords.fallbacks(subject)

    yield from cookies.redirect_uri(subject)
    yield from cookies.transport(subject)
    yield from cookies.cookie_name(subject)
    yield from cookies.cookie_domain(subject)
    yield from cookies.cookie_samesite(subject)
    yield from cookies.proxy(subject)
    yield from cookies.for_tests(subject)

    yield from session_clocks.max_length(subject)
    yield from session_clocks.inactivity(subject, life)

    yield from pages.warning_time(subject)
    yield from pages.polling(subject)
    yield from pages.push(subject)

    state = shared_state(subject, offline=offline)
    yield from state

    yield from base_url(subject)
    if not offline:
        yield from workos_answers(subject)
    if isinstance(read, Finding):
        yield read
    yield from real_token.issuer(subject, claims)

    usable = not any(each.level == "fault" for each in state)
    yield from webhooks.news(subject, life, usable=usable, offline=offline)
    if webhook_url is not None:
        yield from webhooks.webhook_endpoint(subject, webhook_url)
