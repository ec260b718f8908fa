"""Settings for tests and CI: complete, random, and leading nowhere."""

from __future__ import annotations

import secrets
from typing import Any


def settings(**more: Any) -> dict[str, Any]:
    """``WORKOS_*`` settings, and ``TESTING``, for ``app.config.update(settings())``.

    Secrets are new in each call. WorkOS's address is a port at which nobody listens, so that a
    test which would call WorkOS is told so at once. ``more`` overrides or adds settings.
    """
    return {
        "TESTING": True,
        "SECRET_KEY": secrets.token_hex(32),
        "WORKOS_API_KEY": f"sk_test_{secrets.token_urlsafe(24)}",
        "WORKOS_CLIENT_ID": f"client_test_{secrets.token_hex(8)}",
        "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32),
        "WORKOS_REDIRECT_URI": "http://localhost/auth/callback",
        "WORKOS_BASE_URL": "http://127.0.0.1:9",
        "WORKOS_SESSION_MAX_LENGTH": 8 * 3600,
        "WORKOS_SESSION_INACTIVITY_TIMEOUT": 3600,
        **more,
    }
