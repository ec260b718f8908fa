"""What kind of request this is, and whether it came from a page of ours.

Fetch metadata headers are set by the browser and cannot be forged by a page (W3C Fetch Metadata).
"""

from __future__ import annotations

from typing import Literal

from werkzeug.wrappers import Request

#: Methods that change nothing (RFC 9110, 9.2.1).
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

Kind = Literal["navigation", "htmx", "eventsource", "fetch"]


def kind_of(request: Request) -> Kind:
    """What the answer will be used for: a page, a fragment, a stream, or a script's variable.

    ``Accept`` comes last, for fetch() sends ``*/*`` as a browser's navigation may.
    """
    environ = request.environ  # a plain dict: this is asked for every page
    mode = environ.get("HTTP_SEC_FETCH_MODE")
    if mode == "navigate" or environ.get("HTTP_SEC_FETCH_DEST") in ("document", "iframe"):
        return "navigation"
    accept = environ.get("HTTP_ACCEPT", "")
    if accept.startswith("text/event-stream"):
        return "eventsource"
    if "HTTP_HX_REQUEST" in environ:
        return "htmx"
    if mode is not None or "HTTP_X_REQUESTED_WITH" in environ or request.is_json:
        return "fetch"
    return "navigation" if not accept or "text/html" in accept else "fetch"


def is_prefetch(request: Request) -> bool:
    """Whether a browser only fetches this in case somebody goes there."""
    environ = request.environ
    return (
        "prefetch" in environ.get("HTTP_SEC_PURPOSE", "")
        or "prefetch" in environ.get("HTTP_PURPOSE", "")
        or "prefetch" in environ.get("HTTP_X_MOZ", "")
    )


def is_background(request: Request) -> bool:
    """Whether nobody is behind this request at the moment: a poll, a prefetch, a preflight."""
    return (
        "HTTP_X_SESSION_PASSIVE" in request.environ
        or request.method == "OPTIONS"
        or is_prefetch(request)
    )


def is_same_origin(request: Request, origins: frozenset[str]) -> bool:
    """Whether a page of one of ``origins`` sent the request (security G5).

    Proof is ``Sec-Fetch-Site: same-origin``, else an ``Origin`` that equals ours. Nothing else:
    ``same-site`` may be a sibling's page, and ``null`` anybody's.
    """
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return True
    return request.headers.get("Origin") in origins
