"""What a page gets of us: configuration, styles, banner, dialog, script."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from flask import current_app, request
from markupsafe import Markup

from ..context import RequestState
from ..status import channel_name, status_of
from ..urls import our_path, resume_url
from .assets import asset_name
from .translation import language, markup_gettext

# Within a script element only "<" matters; the others cost nothing and look the same everywhere.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"})

# The script writes the time in here. Screen readers hear it from the live region.
_TIME = Markup('<b data-workos-countdown aria-hidden="true"></b>')
_MAX_TIME = Markup('<b data-workos-countdown="max"></b>')


_FRAMES = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})


def is_for_a_page(state: RequestState) -> bool:
    """Whether the answer may have a warning: a page of its own, or a frame if that is wanted."""
    dest = state.request.environ.get("HTTP_SEC_FETCH_DEST")
    return dest not in _FRAMES or state.parts.settings.ui_frames


def session_markup(state: RequestState) -> Markup:
    """The markup for the page of this request, with its session's state; in ASCII, so that it is
    right in whatever charset the page is."""
    page = _rendered(state).encode("ascii", "xmlcharrefreplace").decode("ascii")
    return Markup(page)  # noqa: S704 - rendered by a template, which escapes


def page_config(state: RequestState) -> dict[str, Any]:
    """What the script is told: where to ask, when to warn, and how things stand now."""
    parts, known = state.parts, state.opening.known
    assert known is not None
    settings = parts.settings
    csrf = "csrf" in current_app.extensions
    return {
        "urls": {
            "status": our_path(parts, "/session"),
            "extend": our_path(parts, "/session/extend"),
            "sign_out": our_path(parts, "/logout"),
            "ended": our_path(parts, "/signed-out"),
        },
        "show": settings.ui_show,
        "warn": settings.warn,
        "notice": settings.notice,
        "poll": settings.ui_poll,
        "idle": settings.session_inactivity_timeout,
        "input": settings.ui_activity == "input",
        "leave": settings.ui_on_end == "replace",
        "title": settings.ui_title,
        "channel": channel_name(parts),
        "csrf": current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token") if csrf else None,
        "state": status_of(parts, known),
    }


def render_markup(
    config: Mapping[str, Any],
    *,
    resume_url: str,
    style_url: str,
    script_url: str,
    push_url: str | None = None,
    nonce: str | None = None,
    impersonated: str | None = None,
) -> str:
    """The template ``workos_sessions/ui.html``.

    The configuration is a block of JSON, which no browser runs and which needs no ``nonce``;
    script and styles are files, for pages with a strict Content-Security-Policy.

    :param push_url: the script that has the server tell of news, where that is wanted.
    :param impersonated: the address of the person whom somebody acts for.
    """
    template = current_app.jinja_env.get_template("workos_sessions/ui.html")
    lang, direction = language()
    return template.render(
        _=markup_gettext(),
        lang=lang,
        dir=direction,
        config=Markup(json.dumps(config, separators=(",", ":")).translate(_ESCAPES)),  # noqa: S704
        show=config["show"],
        # An id that somebody could guess might stand in what people write (security P4).
        unique=secrets.token_hex(3),
        time=_TIME,
        max_time=_MAX_TIME,
        impersonator=impersonated is not None,
        email=impersonated,
        resume_url=resume_url,
        ended_url=config["urls"]["ended"],
        style_url=style_url,
        script_url=script_url,
        push_url=push_url,
        nonce=Markup(' nonce="{}"').format(nonce) if nonce else "",
    )


def _rendered(state: RequestState) -> str:
    parts, session = state.parts, state.opening.session
    return render_markup(
        page_config(state),
        resume_url=resume_url(session),
        style_url=our_path(parts, f"/assets/{asset_name('session.css')}"),
        script_url=our_path(parts, f"/assets/{asset_name('session.js')}"),
        push_url=None
        if parts.streams is None
        else our_path(parts, f"/assets/{asset_name('push.js')}"),
        nonce=_nonce(),
        impersonated=(session.user.email or "") if session.impersonator else None,
    )


def _nonce() -> str | None:
    """The nonce of the page's Content-Security-Policy, when the app offers one: as
    ``request.csp_nonce``, or as the template global ``csp_nonce()`` that Flask-Talisman has."""
    nonce = getattr(request, "csp_nonce", None) or current_app.jinja_env.globals.get("csp_nonce")
    nonce = nonce() if callable(nonce) else nonce
    return str(nonce) if nonce else None
