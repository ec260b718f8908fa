"""Proof that a page of ours sent a request (security G5)."""

from __future__ import annotations

from flask import request

from ..errors import OriginRefused
from ..fetch_metadata import is_same_origin
from ..parts import Parts
from ..reports import report
from ..urls import our_origins


def require_no_other_origin() -> None:
    """Let requests pass that only ask, unless the browser says that a page of another origin does.

    :raises OriginRefused: it does.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise report(OriginRefused())


def require_our_origin(parts: Parts) -> None:
    """Let only requests of our own pages pass.

    :raises OriginRefused: there is no proof of that.
    """
    if not is_same_origin(request, our_origins(parts)):
        raise report(OriginRefused())
