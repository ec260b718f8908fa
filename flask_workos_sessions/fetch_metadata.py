"""What kind of request this is, and whether it came from a page of ours.

Fetch metadata headers are set by the browser and cannot be forged by a page (W3C Fetch Metadata).
"""

from __future__ import annotations

from typing import Literal

from werkzeug.wrappers import Request

Kind = Literal["navigation", "htmx", "eventsource", "fetch"]


def kind_of(request: Request) -> Kind:
    """What the answer will be used for: a page, a fragment, a stream, or a script's variable.

    ``Accept`` comes last, for fetch() sends ``*/*`` as a browser's navigation may.
    """
    headers = request.headers
    mode = headers.get("Sec-Fetch-Mode")
    if mode == "navigate" or headers.get("Sec-Fetch-Dest") in ("document", "iframe"):
        return "navigation"
    accept = headers.get("Accept", "")
    if accept.startswith("text/event-stream"):
        return "eventsource"
    if "HX-Request" in headers:
        return "htmx"
    if mode is not None or "X-Requested-With" in headers or request.is_json:
        return "fetch"
    return "navigation" if not accept or "text/html" in accept else "fetch"


def is_prefetch(request: Request) -> bool:
    """Whether a browser only fetches this in case somebody goes there."""
    headers = request.headers
    purposes = (
        headers.get("Sec-Purpose", ""),
        headers.get("Purpose", ""),
        headers.get("X-Moz", ""),
    )
    return any("prefetch" in purpose for purpose in purposes)


def is_background(request: Request) -> bool:
    """Whether nobody is behind this request at the moment: a poll, a prefetch, a preflight."""
    return (
        "X-Session-Passive" in request.headers
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
