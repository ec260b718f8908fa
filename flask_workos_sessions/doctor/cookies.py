"""The redirect URI, and whether the cookie's attributes go with it."""

from __future__ import annotations

from urllib.parse import urlsplit

from .finding import Finding, fault, ok, warning
from .subject import Subject

_URI, _NAME, _DOMAIN = "WORKOS_REDIRECT_URI", "WORKOS_COOKIE_NAME", "WORKOS_COOKIE_DOMAIN"


def redirect_uri(subject: Subject) -> list[Finding]:
    """Security S6: what absolute URLs are made of."""
    settings = subject.settings
    if subject.misread(_URI):
        return []
    if not settings.redirect_uri:
        return [
            warning(
                "redirect-uri",
                f"{_URI} is not set: absolute URLs and the expected Origin follow each request's "
                "Host header, which anybody can write.",
                _URI,
                "Set it to the callback's URL as it is registered at WorkOS.",
            )
        ]
    told = [
        ok("redirect-uri", f"WorkOS sends people back to {uri}.", _URI)
        for uri in settings.redirect_uri
    ]
    for uri in settings.redirect_uri:
        before = urlsplit(uri).path.removesuffix(settings.callback_path)
        if before:
            what = f"The app is to be served below {before} (SCRIPT_NAME)."
            told.append(ok("redirect-uri", what, _URI))
    return told


def transport(subject: Subject) -> list[Finding]:
    """Secure cookies, and the scheme that the browser sees."""
    settings, setting = subject.settings, "WORKOS_COOKIE_SECURE"
    if subject.misread(_URI, setting):
        return []
    if settings.secure:
        return [ok("cookie-secure", "The session cookie is Secure and HttpOnly.", setting)]
    if settings.redirect_uri:
        what = "The session cookie is not Secure: on this machine only."
        return [ok("cookie-secure", what, _URI)]
    return [
        warning(
            "cookie-secure",
            "The session cookie is not Secure: it goes over plain http too.",
            setting,
            f"Leave it unset, and set {_URI}.",
        )
    ]


def cookie_domain(subject: Subject) -> list[Finding]:
    """Security C1: who else can plant a session. And whether a browser takes it at all (RFC 6265,
    5.3): a host sets cookies for its own domain only."""
    domain = subject.settings.cookie_domain
    if domain is None:
        return []
    bare = domain.lstrip(".").lower()
    hosts = [(urlsplit(uri).hostname or "").lower() for uri in subject.settings.redirect_uri]
    outside = [host for host in hosts if host != bare and not host.endswith(f".{bare}")]
    if outside:
        return [
            fault(
                "cookie-domain",
                f"{_DOMAIN} is {bare}, and the app is at {outside[0]}: the browser refuses the "
                "session cookie, and nobody can sign in.",
                _DOMAIN,
                "Leave it unset, or name a domain that the host of the redirect URI is in.",
            )
        ]
    return [
        warning(
            "cookie-domain",
            f"{_DOMAIN} is set: every host of this domain can write, and read, the session cookie.",
            _DOMAIN,
            "Leave it unset unless several hosts share one session.",
        )
    ]


def cookie_name(subject: Subject) -> list[Finding]:
    """A name set by hand is taken as it is, without the prefix that keeps siblings out."""
    settings = subject.settings
    if subject.misread(_NAME):
        return []
    if settings.cookie_name and not settings.cookie_name.startswith(settings.cookie_prefix):
        return [
            warning(
                "cookie-name",
                f"{_NAME} has not the prefix {settings.cookie_prefix}, without which a sibling "
                "host can write this cookie.",
                _NAME,
                f"Put {settings.cookie_prefix} before it, or leave it unset.",
            )
        ]
    return [ok("cookie-name", f"The session cookie is {settings.session_cookie}.", _NAME)]


def cookie_samesite(subject: Subject) -> list[Finding]:
    """A cookie that goes with requests of every site."""
    if subject.settings.cookie_samesite != "none":
        return []
    return [
        warning(
            "cookie-samesite",
            "WORKOS_COOKIE_SAMESITE is none: the session goes with requests that other sites make.",
            "WORKOS_COOKIE_SAMESITE",
            "Set lax, unless the app is shown in a frame of another site.",
        )
    ]


def proxy(subject: Subject) -> list[Finding]:
    """Whether the app knows who asks, and by which scheme. Only a proxy ends TLS before most
    apps, and a command cannot see whether one does before this one."""
    if not subject.is_public or not subject.made:
        return []
    layer = subject.proxy_fix
    if layer is None:
        return [
            warning(
                "proxy",
                "There is no ProxyFix: behind a proxy, WorkOS gets its address as the person's.",
                "",
                "Set it up as docs/deployment.md says. If the app ends TLS itself, or its server "
                "reads the proxy's headers: --ignore proxy.",
            )
        ]
    for header, number, taken in (
        ("For", layer.x_for, "the proxy's address for the person's"),
        ("Proto", layer.x_proto, "http for https"),
    ):
        if not number:
            what = f"ProxyFix does not read X-Forwarded-{header}: the app takes {taken}."
            remedy = f"Give it x_{header.lower()}, the number of your proxies."
            return [warning("proxy", what, "", remedy)]
    return [ok("proxy", "ProxyFix is there. See that its numbers are those of your proxies.")]


def for_tests(subject: Subject) -> list[Finding]:
    """An app for tests keeps its state in memory, and is not for the public."""
    if not (subject.testing and subject.is_public):
        return []
    what = "TESTING is on, and the redirect URI is public."
    return [fault("testing", what, "TESTING", "Leave it off there.")]
