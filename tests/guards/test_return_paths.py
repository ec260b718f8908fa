"""Where somebody may be sent back to (security S3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.utils import redirect
from werkzeug.wrappers import Request

from flask_workos_sessions.urls import safe_return_path

BAD = [
    "",
    "//evil.test",
    "///evil.test",
    "////evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "\\/evil.test",
    "/\t/evil.test",
    " //evil.test",
    " /ok",
    "/ ok",
    "https:evil.test",
    "https://evil.test",
    "http:/evil.test",
    "javascript:alert(1)",
    "evil.test",
    "/%2Fevil.test",
    "/%2f%2fevil.test",
    "/%252Fevil.test",
    "/%5Cevil.test",
    "/%255Cevil.test",
    "%2F%2Fevil.test",
    "/ok\r\nSet-Cookie: a=b",
    "/ok%0d%0aSet-Cookie:a=b",
    "/ok%250d%250aX",
    "/ok\x00",
    "/ok%00",
    "/é",
    "/auth/logout",
    "/auth",
    "/auth/",
    "/auth?x=1",
    "/auth/callback?code=1",
    "/x/../auth/logout",
    "/./auth/logout",
    "/%61uth/logout",
    "/auth%2Flogout",
    "/" + "x" * 3_000,
    "?x=1",
    "#x",
    None,
    7,
    b"/ok",
]

GOOD = [
    "/",
    "/dashboard",
    "/a/b?c=d&e=f#g",
    "/search?q=a%20b%2Fc",
    "/caf%C3%A9",
    "/authors",
    "/a//b",
    "/x?next=//evil.test",
    "/x" * 900,
]


@pytest.mark.parametrize("path", BAD)
def test_what_could_lead_elsewhere_is_dropped(path):
    assert safe_return_path(path, url_prefix="/auth") is None


@pytest.mark.parametrize("path", GOOD)
def test_paths_of_this_application_are_kept(path):
    assert safe_return_path(path, url_prefix="/auth") == path


def test_our_routes_below_a_script_root_are_dropped_too():
    assert safe_return_path("/app/auth/logout", url_prefix="/auth", script_root="/app") is None
    assert safe_return_path("/app/x", url_prefix="/auth", script_root="/app") == "/app/x"


@given(st.text(alphabet="/\\%2fF5cCeE.:@?#\t\r\n auth", max_size=24))
def test_whatever_is_kept_stays_on_this_host(path):
    kept = safe_return_path(path, url_prefix="/auth")
    if kept is None:
        return
    environ = EnvironBuilder(base_url="https://app.acme.test").get_environ()
    response = redirect(kept)
    response.autocorrect_location_header = True
    location = dict(response.get_wsgi_headers(environ))["Location"]
    assert location.startswith("https://app.acme.test/")
    assert Request(environ).host == "app.acme.test"


@pytest.mark.parametrize("path", [each for each in BAD if isinstance(each, str)])
def test_a_sign_in_with_a_bad_return_path_lands_on_the_default_page(app, client, path):
    with app.test_request_context():
        parts = app.extensions["workos_sessions.parts"]
    response = client.get("/auth/login", query_string={"return_to": path})
    assert response.status_code == 302
    cookie = next(iter(client._cookies.values()))
    plaintext = parts.attempt_sealer.open(cookie.value, name=cookie.key)
    assert b'"return_to": null' in plaintext
