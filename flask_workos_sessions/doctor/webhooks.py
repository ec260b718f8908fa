"""How soon what happens at WorkOS is known here."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from ..tokens.access_token import TOKEN_SECONDS
from ..workos.transport import Answer, Transport, Unreachable
from .finding import Finding, fault, ok, warning
from .subject import Subject

_SECRET = "WORKOS_WEBHOOK_SECRET"  # noqa: S105
_TIMEOUT = 5.0


def news(
    subject: Subject, token_seconds: int | None, *, usable: bool, offline: bool
) -> list[Finding]:
    """Webhooks or the poller: without both a leaver is out late.

    :param usable: whether the shared state, which knows of the poller, can be used.
    :param offline: whether no host may be asked, and so no Redis.
    """
    if subject.settings.webhook_secret is not None:
        what = f"Webhooks are accepted if {_SECRET} has signed them: send a test event to be sure."
        return [ok("news", what, _SECRET)]
    if subject.misread(_SECRET):
        return []
    life = token_seconds or TOKEN_SECONDS
    seen, ago = "no events poller was seen", None
    if usable and subject.last_polled is not None:
        if offline and subject.settings.cache_type_for(testing=subject.testing) == "redis":
            return [ok("news", "Whether `flask workos events` runs is not asked offline.")]
        read_at = subject.last_polled()
        ago = None if read_at is None else max(0, round(subject.clock() - read_at))
    if ago is not None and ago <= 2 * life:
        return [ok("news", "`flask workos events` reads what happens at WorkOS.")]
    if ago is not None:
        seen = f"the events poller has last read {ago} seconds ago"
    return [
        warning(
            "news",
            f"{_SECRET} is not set, and {seen}: a leaver is noticed after up to a token's life "
            f"({life} seconds).",
            _SECRET,
            "Set up webhooks, or run `flask workos events` (docs/near-real-time.md).",
        )
    ]


def webhook_endpoint(subject: Subject, url: str) -> list[Finding]:
    """Post what nobody has signed: only our route refuses it in these words."""
    parts = urlsplit(url)
    transport = Transport(f"{parts.scheme}://{parts.netloc}")
    try:
        answer = transport.call("POST", parts.path or "/", timeout=_TIMEOUT, body={})
    except Unreachable as unreachable:
        what = f"The webhook endpoint does not answer ({unreachable})."
        return [
            fault(
                "webhook-endpoint",
                what,
                _SECRET,
                "See that the address is right and can be reached.",
            )
        ]
    if answer.status == 400 and _error(answer) == "signature_refused":
        return [
            ok(
                "webhook-endpoint",
                "The webhook endpoint answers, and refuses what is not signed.",
                _SECRET,
            )
        ]
    what = f"The webhook endpoint answers {answer.status}, not 400 signature_refused."
    return [fault("webhook-endpoint", what, _SECRET, _remedy(subject, answer.status))]


def _remedy(subject: Subject, status: int) -> str:
    if status == 404:
        path = f"{subject.settings.url_prefix}/webhook"
        return f"Set {_SECRET} for the app that is served there. Its route is {path}."
    if 300 <= status < 400 or status in (401, 403):
        return "Let POSTs to it through the proxy without a login of its own."
    return "See that the app answers there, and nothing before it."


def _error(answer: Answer) -> str | None:
    try:
        document = json.loads(answer.body)
    except ValueError:
        return None
    found = document.get("error") if isinstance(document, dict) else None
    return found if isinstance(found, str) else None
