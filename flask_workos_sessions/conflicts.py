"""Settings that are right each, and cannot stand together."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .settings import Settings


def conflicts(settings: Settings) -> list[str]:
    """What is wrong with these settings, and the remedy."""
    faults = _cache_conflicts(settings)
    if len({urlsplit(uri).scheme for uri in settings.redirect_uri}) > 1:
        faults.append(
            "WORKOS_REDIRECT_URI mixes http and https, and one kind of cookie serves one of them: "
            "use https for all, or http for all on this machine."
        )
    for uri in settings.redirect_uri:
        if not urlsplit(uri).path.endswith(settings.callback_path):
            faults.append(
                f"WORKOS_REDIRECT_URI must end in {settings.callback_path}, the path of our "
                "callback (see WORKOS_URL_PREFIX), and be registered so at WorkOS."
            )
        if settings.cookie_secure and urlsplit(uri).scheme == "http":
            faults.append(
                "WORKOS_COOKIE_SECURE is on and WORKOS_REDIRECT_URI is http: the browser would "
                "not send the cookie back. Use https, or leave WORKOS_COOKIE_SECURE unset."
            )
    if settings.cookie_secure is False and any(
        urlsplit(uri).scheme == "https" for uri in settings.redirect_uri
    ):
        faults.append(
            "WORKOS_COOKIE_SECURE is off and WORKOS_REDIRECT_URI is https: leave it unset."
        )
    if settings.webhook_secret_fallbacks and settings.webhook_secret is None:
        faults.append(
            "WORKOS_WEBHOOK_SECRET_FALLBACKS is set and WORKOS_WEBHOOK_SECRET is not: there is no "
            "webhook route without it. Set it to the newest secret, or leave both unset."
        )
    if settings.cookie_samesite == "none" and not settings.secure:
        faults.append("WORKOS_COOKIE_SAMESITE=none needs a Secure cookie: use https.")
    if settings.cookie_name.startswith("__Host-") and (
        settings.cookie_domain or not settings.secure
    ):
        faults.append(
            "WORKOS_COOKIE_NAME begins with __Host-, which a browser takes only with Secure and "
            "without WORKOS_COOKIE_DOMAIN: use https and leave that unset, or choose another name."
        )
    if settings.cookie_name.startswith("__Secure-") and not settings.secure:
        faults.append(
            "WORKOS_COOKIE_NAME begins with __Secure-, and the cookie is not Secure: use https, or "
            "choose another name."
        )
    if not settings.cookie_name.isascii() or any(c in settings.cookie_name for c in ' ,;="\t'):
        faults.append(
            "WORKOS_COOKIE_NAME must be ASCII without space, comma, semicolon, = or quote."
        )
    return faults


def store_conflicts(settings: Settings, *, given: bool, testing: bool) -> list[str]:
    """What is wrong with where the sessions shall lie; ``given`` is the app's own store."""
    if settings.session_store != "cache":
        return []
    if given:
        return [
            "WORKOS_SESSION_STORE=cache and WorkOSSessions(store=…) both say where sessions lie: "
            "leave one out."
        ]
    if settings.cache_type_for(testing=testing) == "memory" and not testing:
        return [
            "WORKOS_SESSION_STORE=cache needs a cache that all processes share, and that outlives "
            "them; WORKOS_CACHE_TYPE=memory is neither: use sqlite or redis."
        ]
    return []


def _cache_conflicts(settings: Settings) -> list[str]:
    faults = []
    if settings.cache_type == "redis" and settings.cache_redis_url is None:
        faults.append('WORKOS_CACHE_TYPE=redis needs WORKOS_CACHE_REDIS_URL ("redis://host").')
    if settings.revocation_required and settings.cache_type == "memory":
        faults.append(
            "WORKOS_REVOCATION_REQUIRED needs a state that processes share, and "
            "WORKOS_CACHE_TYPE=memory shares nothing: use sqlite or redis."
        )
    if settings.cache_redis_url is not None:
        if settings.cache_type == "sqlite":
            faults.append(
                "WORKOS_CACHE_REDIS_URL is set and WORKOS_CACHE_TYPE is sqlite: leave one unset."
            )
        if settings.cache_type != "memory" and importlib.util.find_spec("redis") is None:
            faults.append(
                "WORKOS_CACHE_REDIS_URL needs the Redis client: install "
                "Flask-WorkOS-Sessions[redis]."
            )
    return faults
