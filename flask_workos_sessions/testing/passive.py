"""Whether a request of your application leaves a session as old as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..parts import PARTS, Parts
from ..refresh.results import Result
from .login import aged_cookie, cookie_domain

_REMEDY = (
    "Mark the view @passive if it is asked without a person behind it, or send the request with "
    "the header X-Session-Passive: 1."
)
_FLASK_REMEDY = (
    "A permanent flask.session is sent again with every answer, which keeps it alive for ever: set "
    "SESSION_REFRESH_EACH_REQUEST = False, or write nothing to it here."
)


def assert_passive(client: FlaskClient, url: str, **request_keywords: Any) -> TestResponse:
    """Assert that a request neither refreshes nor extends the session of a signed-in client.

    It is sent as it is, at a moment when an active request would refresh: the client's session,
    which has to come from :func:`login_as`, is made old for it, and put back. WorkOS is not asked.

    :param url: what a page polls, say.
    :param request_keywords: as ``client.open`` takes them: ``method`` (GET if unset), ``headers``.
    :returns: the response, for asserts of your own.
    :raises AssertionError: saying what the request did, and how to make it passive.
    :raises RuntimeError: when the client is not signed in by ``login_as``.
    """
    app = client.application
    parts: Parts = app.extensions[PARTS]
    name, domain = parts.store.name, cookie_domain(app)
    aged = aged_cookie(client)
    before = client.get_cookie(name, domain=domain)
    assert before is not None
    client.set_cookie(name, aged, domain=domain)
    try:
        with _exchanges_of(parts) as asked_for:
            response = client.open(url, **request_keywords)
    finally:
        client.set_cookie(name, before.value, domain=domain)
    shown = f"{response.request.method} {url}"
    if asked_for:
        raise AssertionError(
            f"{shown} is not passive: it asked WorkOS for a new token, which makes the session "
            f"last longer. {_REMEDY}"
        )
    set_by = {header.partition("=")[0] for header in response.headers.getlist("Set-Cookie")}
    if name in set_by:
        raise AssertionError(f"{shown} is not passive: it set the session cookie. {_REMEDY}")
    if app.session_interface.get_cookie_name(app) in set_by:
        raise AssertionError(
            f"{shown} is not passive: it sent the cookie of flask.session again. {_FLASK_REMEDY}"
        )
    return response


@contextmanager
def _exchanges_of(parts: Parts) -> Iterator[list[str]]:
    """Collects who asks for an exchange meanwhile, and makes none."""
    asked_for: list[str] = []
    refresher: Any = parts.refresher

    def refresh(*arguments: Any, **keywords: Any) -> Result | None:
        asked_for.append("refresh")
        return None  # as for a request that does not wait for another one's

    refresher.refresh = refresh
    try:
        yield asked_for
    finally:
        del refresher.refresh
