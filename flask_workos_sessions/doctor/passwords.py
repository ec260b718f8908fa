"""The cookie passwords: as strong as they look, and each for one thing."""

from __future__ import annotations

import re

from .finding import Finding, ok, warning
from .subject import Subject

_NEW = "`flask workos secret` makes a new one; docs/deployment.md says how it is changed."
_WORDS = re.compile(r"[A-Za-z]+([ _.-][A-Za-z]+)+")
_ONCE_MORE = re.compile(r"(.+?)\1+.{0,8}", re.S)
_NAME = "WORKOS_COOKIE_PASSWORD"


def password_strength(subject: Subject) -> list[Finding]:
    """Whether the password came from a random source. Length alone was checked before."""
    password = subject.settings.cookie_password
    if not password:
        return []
    if _WORDS.fullmatch(password):
        return [
            warning(
                "password-strength", f"{_NAME} looks like words, which can be guessed.", _NAME, _NEW
            )
        ]
    if _ONCE_MORE.fullmatch(password):
        return [warning("password-strength", f"{_NAME} repeats itself.", _NAME, _NEW)]
    return [ok("password-strength", f"{_NAME} has {len(password)} characters.", _NAME)]


def password_of_its_own(subject: Subject) -> list[Finding]:
    """One secret for two things: who learns it for the one has the other."""
    settings = subject.settings
    others = {
        "WORKOS_API_KEY": settings.api_key,
        "WORKOS_WEBHOOK_SECRET": settings.webhook_secret,
        "SECRET_KEY": subject.config.get("SECRET_KEY"),
    }
    return [
        warning("password-reuse", f"{_NAME} is the same as {name}.", _NAME, _NEW)
        for name, value in others.items()
        if value and value == settings.cookie_password
    ]


def fallbacks(subject: Subject) -> list[Finding]:
    """Secrets that are still accepted, and may have been forgotten."""
    settings, told = subject.settings, []
    for name, secret, others in (
        (_NAME, settings.cookie_password, settings.cookie_password_fallbacks),
        ("WORKOS_WEBHOOK_SECRET", settings.webhook_secret, settings.webhook_secret_fallbacks),
    ):
        if not others:
            continue
        setting = f"{name}_FALLBACKS"
        if secret in others or len(set(others)) < len(others):
            told.append(
                warning(
                    "fallbacks",
                    f"{setting} has a secret twice.",
                    setting,
                    "Each is needed once: sort out.",
                )
            )
        told.append(
            warning(
                "fallbacks",
                f"{setting} is in use: {len(others)} more are accepted.",
                setting,
                "Take them out when the change of the secret is done.",
            )
        )
    return told
