"""The redirect URI, and whether the cookie's attributes go with it."""

from __future__ import annotations

from urllib.parse import urlsplit

from .finding import Finding, fault, ok, warning
from .subject import Subject

_URI, _NAME = "WORKOS_REDIRECT_URI", "WORKOS_COOKIE_NAME"


def redirect_uri(subject: Subject) -> list[Finding]:
    """Security S6: what absolute URLs are made of."""
    settings = subject.settings
    if subject.misread(_URI):
        return []
    if not settings.redirect_uri:
        return [
            warning(
                f"{_URI} is not set: absolute URLs and the expected Origin follow each request's "
                "Host header, which anybody can write.",
                _URI,
                "Set it to the callback's URL as it is registered at WorkOS.",
            )
        ]
    told = [ok(f"WorkOS sends people back to {uri}.", _URI) for uri in settings.redirect_uri]
    for uri in settings.redirect_uri:
        before = urlsplit(uri).path.removesuffix(settings.callback_path)
        if before:
            told.append(ok(f"The app is to be served below {before} (SCRIPT_NAME).", _URI))
    return told


def transport(subject: Subject) -> list[Finding]:
    """Secure cookies, and the scheme that the browser sees."""
    settings = subject.settings
    if subject.misread(_URI, "WORKOS_COOKIE_SECURE"):
        return []
    if settings.secure:
        return [ok("The session cookie is Secure and HttpOnly.", "WORKOS_COOKIE_SECURE")]
    if settings.redirect_uri:
        return [ok("The session cookie is not Secure: on this machine only.", _URI)]
    return [
        warning(
            "The session cookie is not Secure: it goes over plain http too.",
            "WORKOS_COOKIE_SECURE",
            f"Leave it unset, and set {_URI}.",
        )
    ]


def cookie_domain(subject: Subject) -> list[Finding]:
    """Security C1: who else can plant a session."""
    if subject.settings.cookie_domain is None:
        return []
    return [
        warning(
            "WORKOS_COOKIE_DOMAIN is set: every host of this domain can write, and read, the "
            "session cookie.",
            "WORKOS_COOKIE_DOMAIN",
            "Leave it unset unless several hosts share one session.",
        )
    ]


def cookie_name(subject: Subject) -> list[Finding]:
    """A name set by hand is taken as it is, without the prefix that keeps siblings out."""
    settings = subject.settings
    if subject.misread(_NAME):
        return []
    told = [ok(f"The session cookie is {settings.session_cookie}.", _NAME)]
    if settings.cookie_name and not settings.cookie_name.startswith(settings.cookie_prefix):
        return [
            warning(
                f"{_NAME} has not the prefix {settings.cookie_prefix}, without which a sibling "
                "host can write this cookie.",
                _NAME,
                f"Put {settings.cookie_prefix} before it, or leave it unset.",
            )
        ]
    return told


def cookie_samesite(subject: Subject) -> list[Finding]:
    """A cookie that goes with requests of every site."""
    if subject.settings.cookie_samesite != "none":
        return []
    return [
        warning(
            "WORKOS_COOKIE_SAMESITE is none: the session goes with requests that other sites make.",
            "WORKOS_COOKIE_SAMESITE",
            "Set lax, unless the app is shown in a frame of another site.",
        )
    ]


def proxy(subject: Subject) -> list[Finding]:
    """Whether the app knows who asks. Only a proxy ends TLS before most apps."""
    if not subject.is_public or subject.proxy_fix is None:
        return []
    if subject.proxy_fix:
        return [ok("ProxyFix is there. See that its numbers are those of your proxies.")]
    return [
        warning(
            "There is no ProxyFix: behind a proxy, WorkOS gets its address as the person's.",
            "",
            "Set it up as docs/deployment.md says, if there is a proxy.",
        )
    ]


def for_tests(subject: Subject) -> list[Finding]:
    """An app for tests keeps its state in memory, and is not for the public."""
    if not (subject.testing and subject.is_public):
        return []
    return [
        fault("TESTING is on, and the redirect URI is public.", "TESTING", "Leave it off there.")
    ]
