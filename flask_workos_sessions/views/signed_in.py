"""``/auth/signed-in``: where somebody lands who has signed in again for a page in another tab."""

from __future__ import annotations

from flask import Response, request

from ..context import request_state
from ..parts import current_parts
from ..status import channel_name
from ..urls import in_this_app, requested_return_path
from .pages import page, redirect_to


def signed_in() -> Response:
    """Tell the other tabs, and the person to go back there. Without a session: the start page."""
    parts = current_parts()
    state = request_state()
    state.private = True
    opening = state.open(active=False)
    if opening.known is None and not opening.stale:
        return redirect_to(in_this_app("/"))
    return_to = requested_return_path(parts, request.args.get("return_to"))
    return page(
        "signed_in",
        script="signed-in.js",
        channel=channel_name(parts),
        continue_url=return_to or in_this_app(parts.settings.sign_in_return_to),
    )
