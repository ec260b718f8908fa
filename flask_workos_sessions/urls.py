"""Our URLs, where somebody may be sent back to, and which origins are ours."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from flask import request, url_for

from .fetch_metadata import kind_of
from .parts import Parts, current_parts
from .session import Session
from .workos.authorize import check_options

#: A longer return path is dropped (characters).
MAX_RETURN_PATH = 2_000
OPTIONS_COOKIE = "sign-in-options"
BLUEPRINT = "workos_sessions"
#: What the names of our endpoints begin with.
OURS = f"{BLUEPRINT}."

# What need not be percent-encoded in a path and in the value of a query (RFC 3986, 3.3 and 3.4).
_PATH_SAFE = "/:@!$&'()*+,;=~-._"
_QUERY_SAFE = "/:?@!$'()*,;~-._"
#: In the address of a sign-in that was sent on to another host.
_MOVED = "moved"

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PRINTABLE = frozenset(map(chr, range(0x21, 0x7F)))


def safe_return_path(value: object, *, url_prefix: str, script_root: str = "") -> str | None:
    """``value`` if a browser may be sent there after sign-in, else ``None`` (security S3).

    It is a path of this application: printable ASCII without space or backslash, one leading
    slash also after percent-decoding, at most 2,000 characters, and not one of our own routes.
    """
    if not isinstance(value, str) or not 0 < len(value) <= MAX_RETURN_PATH:
        return None
    if not _PRINTABLE.issuperset(value) or "\\" in value:
        return None
    decoded = value
    for _ in range(10):
        path = decoded.partition("?")[0]
        if not decoded.startswith("/") or decoded.startswith("//") or "\\" in path:
            return None
        if any(ord(each) < 0x20 or each == "\x7f" for each in decoded):
            return None
        once_more = unquote(decoded)
        if once_more == decoded:
            break
        decoded = once_more
    else:
        return None
    path = posixpath.normpath(decoded.partition("?")[0].partition("#")[0])
    ours = script_root + url_prefix
    if path == ours or path.startswith(ours + "/"):
        return None
    return value


def requested_return_path(parts: Parts, value: object) -> str | None:
    """:func:`safe_return_path` for the current request."""
    return safe_return_path(
        value, url_prefix=parts.settings.url_prefix, script_root=request.script_root
    )


def our_path(parts: Parts, route: str, **query: str | None) -> str:
    """The path of one of our routes, with the values of ``query`` that are there.

    Put together by hand: six of them go into every page with a warning, and ``url_for`` would take
    longer than all the rest of the session.
    """
    root = quote(request.script_root, safe=_PATH_SAFE) if request else ""
    path = f"{root}{parts.settings.url_prefix}{route}"
    given = {name: value for name, value in query.items() if value is not None}
    if not given:
        return path
    return f"{path}?{urlencode(given, quote_via=quote, safe=_QUERY_SAFE)}"


def redirect_uri(parts: Parts) -> str:
    """The callback's absolute URL: the configured one for this host, else the first (security S6).

    When none is configured it is taken from the request, and so from its Host header.
    """
    configured = parts.settings.redirect_uri
    for uri in configured:
        if origin_of(uri).partition("://")[2] == request.host:
            return uri
    if configured:
        return configured[0]
    return url_for(f"{BLUEPRINT}.callback", _external=True)


def home_of_sign_in(parts: Parts) -> str | None:
    """The origin that WorkOS sends the browser back to, when this sign-in begins at a host without
    a redirect URI of its own: the callback would not find there what was begun here.

    Only once, and only if the path is the same there: behind a proxy that tells neither host nor
    prefix, this is the right one already.
    """
    configured = parts.settings.redirect_uri
    hosts = [origin_of(uri).partition("://")[2] for uri in configured]
    if not configured or request.host in hosts or _MOVED in request.args:
        return None
    if urlsplit(configured[0]).path != our_path(parts, "/callback"):
        return None
    return origin_of(configured[0])


def our_origins(parts: Parts) -> frozenset[str]:
    """The origins whose pages may end, extend or switch a session."""
    configured = parts.settings.redirect_uri or (request.host_url,)
    return frozenset(map(origin_of, configured))


def origin_of(url: str) -> str:
    """The origin of a URL as a browser writes it (RFC 6454, 6.2); empty for what has none."""
    try:
        parts = urlsplit(url)
        host, number = parts.hostname, parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    port = f":{number}" if number not in (None, _DEFAULT_PORTS.get(parts.scheme)) else ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def in_this_app(path: str) -> str:
    """A path from the settings, below the prefix under which the app is mounted."""
    root = request.script_root
    return path if not root or path.startswith(f"{root}/") else root + path


def sign_out_return_uri(parts: Parts) -> str | None:
    """Where WorkOS sends the browser after sign-out; absolute, as registered there."""
    target = parts.settings.sign_out_return_to
    if target is None or not target.startswith("/"):
        return target
    return origin_of(redirect_uri(parts)) + in_this_app(target)


def sign_in_url(return_to: str | None = None, **authorize_options: Any) -> str:
    """Our own sign-in route, with everything that it needs.

    :param return_to: a path of this application to land on; by default the current page.
    :param authorize_options: options of WorkOS's authorize endpoint, such as
        ``organization_id="org_…"`` or ``max_age=0``. They travel sealed, so that no other site
        can make them up (security S1).
    :raises ValueError: for an option that WorkOS does not have.
    """
    return begin_url(return_to, check_options(authorize_options))


def sign_up_url(return_to: str | None = None, **authorize_options: Any) -> str:
    """The same, opening on WorkOS's sign-up page."""
    return sign_in_url(return_to, **{"screen_hint": "sign-up", **authorize_options})


def step_up_url(max_age: int, expected: Mapping[str, Any], return_to: str | None = None) -> str:
    """A sign-in that must be more recent than ``max_age`` seconds, by the ``expected`` person."""
    return begin_url(return_to, check_options({"max_age": max_age}), expected)


def resume_url(session: Session, return_to: str | None = None) -> str:
    """A sign-in in another tab, after which the page that links to it can go on: by the same
    person, in the same organization.

    :param session: the one that is to be resumed; an empty one when it is not known any more.
    """
    parts = current_parts()
    impersonated = session.impersonator is not None
    options = {
        # An empty text is no option.
        "organization_id": session.organization_id or None,
        # Nobody can sign in as the person whom they impersonate.
        "login_hint": None if impersonated else session.user.email or None,
        "max_age": 0 if parts.settings.reauthenticate_after_end else None,
    }
    return begin_url(return_to, check_options(options), resume=True)


def sign_out_url() -> str:
    """The route that signs out. Post to it; a GET shows a page that asks."""
    return our_path(current_parts(), "/logout")


def begin_url(
    return_to: str | None,
    options: Mapping[str, str],
    expected: Mapping[str, Any] | None = None,
    *,
    cross_site: bool = False,
    resume: bool = False,
    moved: bool = False,
) -> str:
    """A sign-in with everything that it has to know, sealed.

    :param expected: who has to come back, and with how recent a proof (security G2).
    :param cross_site: whether the flow began on another site (security S1).
    :param resume: whether another tab waits for it; no secret, and so not sealed.
    :param moved: whether it was begun at another host: see :func:`home_of_sign_in`.
    """
    parts = current_parts()
    path = requested_return_path(parts, current_page() if return_to is None else return_to)
    sealed = None
    if options or expected or cross_site:
        wish = json.dumps(
            {
                "options": dict(options),
                "expected": dict(expected or {}),
                "cross_site": cross_site,
            }
        )
        sealed = parts.options_sealer.seal(wish.encode(), name=OPTIONS_COOKIE)
    said = {name: "1" for name, is_so in (("resume", resume), (_MOVED, moved)) if is_so}
    return our_path(parts, "/login", return_to=path, options=sealed, **said)


def open_options(parts: Parts, sealed: str | None) -> tuple[dict[str, str], dict[str, Any], bool]:
    """Options, expectation and ``cross_site`` in a URL of :func:`begin_url`; else nothing."""
    plaintext = parts.options_sealer.open(sealed, name=OPTIONS_COOKIE) if sealed else None
    if plaintext is None:
        return {}, {}, False
    wish = json.loads(plaintext)
    return dict(wish["options"]), dict(wish["expected"]), bool(wish.get("cross_site"))


def current_page() -> str | None:
    """The page that the person looks at: this one, or the one that sent this request."""
    if not request:
        return None
    if request.method in ("GET", "HEAD") and kind_of(request) == "navigation":
        query = request.query_string.decode("ascii", "replace")
        path = quote(request.script_root + request.path, safe=_PATH_SAFE)
        return f"{path}?{query}" if query else path
    return _same_origin_path(request.headers.get("HX-Current-URL")) or referring_page()


def referring_page() -> str | None:
    """The path of the page of ours that led to this request, as far as the browser says."""
    return _same_origin_path(request.headers.get("Referer"))


def _same_origin_path(url: str | None) -> str | None:
    if not url:
        return None
    if origin_of(url) not in our_origins(current_parts()):
        return None
    page = urlsplit(url)
    return page.path + (f"?{page.query}" if page.query else "")
